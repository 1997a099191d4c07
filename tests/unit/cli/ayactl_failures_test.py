#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Exit codes 1, 2 and 3, and what is said with them."""

import json
import os
import shutil
import pty
import socket
import subprocess
import unittest

import api_server
from api_server import AYACTL, lines_of


class Refusals(api_server.Case):
    def setUp(self):
        super().setUp()
        self.start_server()

    def refused(self, *words):
        done = self.run_ayactl(*words)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        return done.stderr

    def test_the_daemons_words_are_passed_on_with_their_place(self):
        self.assertEqual(self.refused("backend", "set", "web", "gpu-01", "--weight", "-1"), lines_of("bad weight"))
        self.assertEqual(self.refused("service", "add", "web", "--vip", "192.0.2.1:80/tcp"),
                         lines_of("a service already"))

    def test_a_refused_change_is_refused_in_json_too(self):
        self.assertEqual(self.refused("-o", "json", "service", "show", "nope"), lines_of("no service"))
        self.assertEqual(self.refused("backend", "remove", "web", "nope"), lines_of("no backend"))

    def test_errors_of_a_configuration_name_its_file(self):
        file = self.write("aya.json", '{"broken": 1}')
        expected = lines_of("broken config", file)
        self.assertEqual(len(expected.splitlines()), 2)
        self.assertEqual(self.refused("config", "check", file), expected)
        self.assertEqual(self.refused("config", "apply", file), expected)
        done = self.run_ayactl("config", "check", "-", stdin='{"broken": 1}')
        self.assertEqual(done.stderr, lines_of("broken config", "<stdin>"))

    def test_files_that_cannot_be_read(self):
        self.assertEqual(self.refused("config", "check", "/nonexistent"),
                         "ayactl: /nonexistent: No such file or directory\n")
        self.assertEqual(self.refused("config", "apply", self.folder), f"ayactl: {self.folder}: is a directory\n")
        bad = self.write("bad.json", '{"name": "x",\n oops}')
        self.assertIn(f"ayactl: {bad}: parse error at line 2, column 2", self.refused("service", "add", "-f", bad))
        self.assertIn("a JSON object", self.refused("service", "add", "-f", self.write("l.json", "[]")))
        self.assertEqual(self.server.requests, [])

    def test_output_that_cannot_be_written_is_no_success(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([AYACTL, "--run-dir", self.folder, "status"], stdout=full, text=True,
                                  stderr=subprocess.PIPE, timeout=30, check=False)
        self.assertEqual((done.returncode, done.stderr),
                         (1, "ayactl: cannot write the output: No space left on device\n"))


class Colours(api_server.Case):
    def on_terminal(self, env):
        """What ayactl prints when standard output is a terminal."""
        leader, follower = pty.openpty()
        with open(leader, "rb", buffering=0) as terminal:
            environment = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "TERM")}
            subprocess.run([AYACTL, "--run-dir", self.folder, "backend", "list"], stdout=follower, timeout=30,
                           check=True, env={**environment, "TERM": "xterm", **env})
            os.close(follower)
            output = b""
            try:
                while chunk := terminal.read(4096):
                    output += chunk
            except OSError:  # Linux reports the closed end of a terminal so
                pass
        return output

    def test_are_for_terminals_and_can_be_turned_off(self):
        self.start_server()
        self.assertIn(b"\x1b[32mup\x1b[0m", self.on_terminal({}))
        self.assertNotIn(b"\x1b", self.on_terminal({"NO_COLOR": "1"}))
        self.assertNotIn(b"\x1b", self.on_terminal({"TERM": "dumb"}))
        self.assertIn(b"\x1b", self.on_terminal({"NO_COLOR": ""}))
        self.assertNotIn("\x1b", self.ok("backend", "list"))


class Usage(api_server.Case):
    def misused(self, *words):
        done = self.run_ayactl(*words)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertEqual(len(done.stderr.splitlines()), 2, done.stderr)
        return done.stderr

    def test_suggests_and_shows_one_usage_line(self):
        problem, usage = self.misused("backend", "enabel", "web", "a").splitlines()
        self.assertRegex(problem, '^ayactl: .*"backend enabel".*"backend enable"')
        self.assertEqual(usage, "usage: ayactl backend list|add|set|drain|enable|disable|remove [OPTIONS]")
        self.assertIn('did you mean "--weight"?', self.misused("backend", "set", "web", "a", "--wieght", "3"))

    def test_commands_that_require_more(self):
        self.assertIn("such as --weight", self.misused("backend", "set", "web", "a"))
        self.assertIn("such as --vip", self.misused("service", "set", "web"))
        self.assertIn("requires NAME", self.misused("service", "add", "--vip", "192.0.2.1:80/tcp"))
        self.assertIn("is not key=value", self.misused("service", "add", "web", "--backend", "10.0.1.1"))
        file = self.write("api.json", '{"name": "api"}')
        self.assertIn('"web" here and "api" in the file', self.misused("service", "add", "web", "-f", file))

    def test_bad_values(self):
        self.assertIn("table or json", self.misused("-o", "yaml", "status"))
        self.assertIn("a whole number", self.misused("backend", "set", "web", "a", "--weight", "much"))
        self.assertIn("--timeout requires", self.misused("status", "--timeout", "soon"))
        self.assertIn("--instance requires", self.misused("status", "--instance", "../etc"))
        self.assertIn("must not be empty", self.misused("service", "show", ""))
        self.assertIn("bash, zsh or fish", self.misused("completion", "tcsh"))

    def test_help_and_version_are_no_errors(self):
        for words in (("--help",), ("service", "--help"), ("backend", "drain", "-h"), ("--version",)):
            self.assertTrue(self.ok(*words))
        self.assertIn("usage: ayactl backend enable SERVICE NAME\n", self.ok("backend", "enable", "-h"))


class Unreachable(api_server.Case):
    def unreachable(self, *words, user=None, stdout="", program=AYACTL):
        done = subprocess.run([program, "--run-dir", self.folder, *words], text=True, capture_output=True, timeout=30,
                              user=user, group=user, extra_groups=[] if user else None, check=False)
        self.assertEqual((done.returncode, done.stdout), (3, stdout), done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        return done.stderr

    def test_no_socket(self):
        message = self.unreachable("status")
        self.assertEqual(message, f"ayactl: cannot reach the control plane at {self.socket}: no such file; "
                                  "start aya-controlplane, or choose an instance with --instance\n")

    def test_no_socket_but_other_instances(self):
        os.mkdir(f"{self.folder}/edge")
        with open(f"{self.folder}/edge/api.sock", "w", encoding="utf-8"):
            self.assertIn("choose a running instance with --instance (edge)", self.unreachable("status"))

    def test_nobody_listens(self):
        with socket.socket(socket.AF_UNIX) as left_over:
            left_over.bind(self.socket)
        self.assertIn(f"{self.socket}: connection refused; ", self.unreachable("service", "list"))

    def test_not_a_socket(self):
        with open(self.socket, "w", encoding="utf-8"):
            self.assertIn("not a socket; ", self.unreachable("service", "list"))

    def test_permission_denied(self):
        self.start_server()
        os.chmod(self.folder, 0o755)
        os.chmod(self.socket, 0o000)
        somebody = 65534 if os.geteuid() == 0 else None  # root may do everything
        # The build may lie where only root gets, as /root does.
        program = shutil.copy(AYACTL, self.folder)
        self.assertIn("permission denied; use sudo", self.unreachable("status", user=somebody, program=program))

    def test_silent_daemon(self):
        with socket.socket(socket.AF_UNIX) as silent:
            silent.bind(self.socket)
            silent.listen()
            self.assertIn("no answer within 0.2 s", self.unreachable("status", "--timeout", "200ms"))
            message = self.unreachable("backend", "drain", "web", "a", "--timeout", "200ms")
            self.assertIn("the change may have been made", message)

    def test_version_still_tells_its_own(self):
        own = self.ok("version", "--client")
        self.unreachable("version", stdout=own)
        number = own.split()[1]
        self.unreachable("version", "-o", "json",
                         stdout=json.dumps({"client": number, "daemon": None}, indent=2) + "\n")

    def test_other_places_of_the_socket(self):
        self.start_server()
        os.rename(f"{self.folder}/default", f"{self.folder}/edge")
        self.assertIn("edge", self.unreachable("status"))
        self.ok("status", "--instance", "edge")
        self.ok("--instance", "x", "--socket", f"{self.folder}/edge/api.sock", "status")


if __name__ == "__main__":
    unittest.main()
