#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""clang-tidy over a build's C++ files, in parallel: tidy.py BUILD [--all] [--changed]

Production code by default; `--all` takes the tests too, `--changed` only files that differ from HEAD. A file that was
clean is not looked at again until it, a header of the project, its command or .clang-tidy changes: what is known is kept in
BUILD/tidy-clean. Prints each finding once, and exits 1 if there was one.
"""

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = ("backend", "controlplane", "dataplane", "ebpf")
# clang knows no such options.
GCC_ONLY = re.compile(r"-Wno-(stringop|array-bounds|maybe)|-fcondition-coverage")


def git(*arguments: str) -> list[str]:
    return subprocess.run(["git", "-C", ROOT, *arguments], check=True, capture_output=True, text=True).stdout.split()


def digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def shared_state() -> bytes:
    """What every file's verdict depends on: configuration and headers."""
    contents = [(ROOT / ".clang-tidy").read_bytes()]
    contents += [(ROOT / path).read_bytes() for path in sorted(git("ls-files", "*.h", "*.hpp"))
                 if (ROOT / path).exists()]
    return digest(*contents).encode()


def source_of(entry: dict) -> Path:
    return (Path(entry["directory"]) / entry["file"]).resolve()


def selected(build: Path, take_all: bool, only_changed: bool) -> list[dict]:
    folders = PRODUCTION + (("tests",) if take_all or only_changed else ())
    changed = {(ROOT / path).resolve() for path in git("diff", "--name-only", "HEAD")} if only_changed else None
    entries = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        source = source_of(entry)
        is_ours = source.is_relative_to(ROOT) and source.relative_to(ROOT).parts[0] in folders
        if is_ours and source.suffix == ".cpp" and (changed is None or source in changed):
            entries.setdefault(source, entry)
    return list(entries.values())


def findings(tidy: str, build: Path, entry: dict, shared: bytes) -> list[str]:
    source = source_of(entry)
    stamp = build / "tidy-clean" / digest(shared, entry["command"].encode(), source.read_bytes())
    if stamp.exists():
        return []
    arguments = [word for word in shlex.split(entry["command"]) if not GCC_ONLY.match(word)]
    while arguments and not arguments[0].startswith("-"):
        arguments.pop(0)  # ccache, c++
    done = subprocess.run([tidy, "--quiet", str(source), "--", "c++", *arguments], cwd=entry["directory"],
                          capture_output=True, text=True, check=False)
    if done.returncode == 0:
        stamp.touch()
        return []
    blocks = re.split(r"^(?=\S+:\d+:\d+: (?:warning|error):)", done.stdout, flags=re.M)
    found = [block.rstrip() for block in blocks if re.match(r"\S+:\d+:\d+: (?:warning|error):", block)]
    return found or [f"{source}: clang-tidy failed:\n{done.stdout}{done.stderr}"]


def main() -> int:
    build = Path(sys.argv[1]).resolve()
    tidy = shutil.which("clang-tidy-14") or shutil.which("clang-tidy")
    if not tidy:
        print("clang-tidy is not installed: scripts/setup installs it")
        return 1
    (build / "tidy-clean").mkdir(exist_ok=True)
    entries = selected(build, "--all" in sys.argv, "--changed" in sys.argv)
    shared = shared_state()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(lambda entry: findings(tidy, build, entry, shared), entries)
        distinct = dict.fromkeys(finding.replace(f"{ROOT}/", "") for group in found for finding in group)
    print(*distinct, sep="\n", end="\n" if distinct else "")
    return 1 if distinct else 0


if __name__ == "__main__":
    sys.exit(main())
