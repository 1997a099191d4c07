#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The completion scripts in real shells, and the manual page in groff.

The argument says which: Bash, Zsh, Fish or ManPage. Exit code 77 where that program is not installed."""

import os
import shutil
import subprocess
import sys
import unittest

import api_server
from api_server import AYACTL

# Sets what readline sets before it calls a completion function, for a cursor at the end of the line.
BASH_TAB = r"""
eval "$("$AYACTL" completion bash)"
COMP_LINE=$1 COMP_POINT=${#1}
COMP_WORDS=($1) COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
"$(complete -p ayactl | sed -E 's/.*-F ([^ ]+).*/\1/')"
printf '%s\n' "${COMPREPLY[@]}"
"""

ZSH_TAB = r"""
_files() { print -r -- :files }
_describe() { print -rl -- "${(@P)2}" }
compdef() { }
eval "$("$AYACTL" completion zsh)"
words=(${=1}) CURRENT=${#words}
[[ $1 == *' ' ]] && { words+=(''); CURRENT=${#words} }
_ayactl
"""

FISH_TAB = r"""
"$AYACTL" completion fish | source
complete -C "$argv[1]"
"""


class Shell(api_server.Case):
    def setUp(self):
        super().setUp()
        self.start_server()
        os.symlink(AYACTL, f"{self.folder}/ayactl")

    def shell(self, *words):
        path = f"{self.folder}:{os.environ['PATH']}"
        home = f"{self.folder}/home"  # fish writes to its user's home
        done = subprocess.run(words, text=True, capture_output=True, timeout=60, check=False,
                              env={**os.environ, "PATH": path, "HOME": home, "XDG_CONFIG_HOME": home,
                                   "XDG_DATA_HOME": home})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.split("\n")[:-1]


class Bash(Shell):
    def bash(self, rest):
        found = self.shell("bash", "-c", BASH_TAB, "bash", f"ayactl --run-dir {self.folder} {rest}")
        return [word for word in found if word]

    def test_completes_commands_options_and_values(self):
        self.assertEqual(self.bash("st"), ["status"])
        self.assertEqual(self.bash("backend "), ["list", "add", "set", "drain", "enable", "disable", "remove"])
        self.assertEqual(self.bash("service add web --health-i"), ["--health-interval", "--health-init-state"])
        self.assertEqual(self.bash("status -o "), ["table", "json"])
        self.assertEqual(self.bash("config check "), [])

    def test_replaces_only_what_follows_an_equals_sign(self):
        self.assertEqual(self.bash("status --output=j"), ["json"])

    def test_asks_the_daemon_for_names(self):
        self.assertEqual(self.bash("service show "), ["web"])
        self.assertEqual(self.bash("backend drain w"), ["web"])
        self.assertEqual(self.bash("backend drain web "), ["gpu-01", "gpu-02"])
        self.assertEqual(self.bash("--instance nowhere service show "), [])

    def test_is_quiet_when_the_daemon_is_down(self):
        os.unlink(self.socket)
        self.assertEqual(self.bash("backend drain "), [])

    def test_completes_instances(self):
        self.assertIn("default", self.bash("--instance "))


class Zsh(Shell):
    def zsh(self, rest):
        return self.shell("zsh", "-f", "-c", ZSH_TAB, "zsh", f"ayactl --run-dir {self.folder} {rest}")

    def test_completes_commands_names_and_files(self):
        self.assertEqual(self.zsh("backend dr"), ["drain:Send no new flows to a backend; open ones stay"])
        self.assertEqual(self.zsh("backend drain web "), ["gpu-01", "gpu-02"])
        self.assertEqual(self.zsh("config apply "), [":files"])


class Fish(Shell):
    def fish(self, rest):
        return self.shell("fish", "--no-config", "-c", FISH_TAB, f"ayactl --run-dir {self.folder} {rest}")

    def test_completes_commands_and_names(self):
        self.assertEqual(self.fish("backend dr"), ["drain\tSend no new flows to a backend; open ones stay"])
        self.assertEqual(self.fish("backend drain web "), ["gpu-01", "gpu-02"])


class ManPage(unittest.TestCase):
    def test_groff_finds_nothing_to_warn_about(self):
        page = subprocess.run([AYACTL, "man"], capture_output=True, timeout=30, check=True).stdout
        done = subprocess.run(["groff", "-man", "-Tutf8", "-ww"], input=page, capture_output=True, timeout=60,
                              check=False)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertIn("ayactl backend drain", done.stdout.decode())


if __name__ == "__main__":
    program = {"Bash": "bash", "Zsh": "zsh", "Fish": "fish", "ManPage": "groff"}[sys.argv[1]]
    if not shutil.which(program):
        print(f"{program} is not installed")
        sys.exit(77)
    unittest.main()
