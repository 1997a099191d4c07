#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""clang-tidy over the project's C++ files, in parallel: tidy.py BUILD [--changed]

All of them by default; `--changed` takes only files that differ from HEAD. A file that was clean is not looked at again
until it, a header that it includes, its command or .clang-tidy changes: what is known is kept in BUILD/tidy-clean.
Prints each finding once, and exits 1 if there was one.
"""

import functools
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

from progress import Progress

ROOT = Path(__file__).resolve().parents[2]
# What tells clang-tidy how to read a file. Not the warnings: the compilers judge these, each in its own way, and here
# they would be findings about code that both accept.
FLAG = re.compile(r"-([DUIOm]|std=|isystem|include|pthread|f(?!condition-coverage|diagnostics-color))")
INCLUDE = re.compile(rb'^\s*#\s*include\s*["<]([^">]+)[">]', re.MULTILINE)
# What costs most of the time; these files are started first, so that none of them is left for the end.
DEAR = re.compile(rb"#include [\"<](CLI/|boost/|program.hpp|commands.hpp|api_fixture.hpp|daemon.hpp)")


def git(*arguments: str) -> list[str]:
    return subprocess.run(["git", "-C", ROOT, *arguments], check=True, capture_output=True, text=True).stdout.split()


@functools.cache
def contents(path: Path) -> bytes:
    return path.read_bytes()


@functools.cache
def included(path: Path, folders: tuple[Path, ...]) -> tuple[Path, ...]:
    """The files that `path` names and that are found beside it or in `folders`: the project's own."""
    candidates = ((folder / name.decode()).resolve() for name in INCLUDE.findall(contents(path))
                  for folder in (path.parent, *folders))
    return tuple(dict.fromkeys(file for file in candidates if file.is_file()))


def closure(source: Path, folders: tuple[Path, ...]) -> list[Path]:
    known, todo = {source}, [source]
    while todo:
        for file in included(todo.pop(), folders):
            if file not in known:
                known.add(file)
                todo.append(file)
    return sorted(known)


class Unit:
    """A source file and what clang-tidy has to be told to read it."""

    def __init__(self, source: Path, directory: str, command: str):
        self.source = source
        self.directory = Path(directory)
        words = shlex.split(command)
        self.arguments = ["-xc++", "-w"]
        for before, word in zip(["", *words], words):
            if before in ("-isystem", "-include") or FLAG.match(word):
                self.arguments.append(word)

    def folders(self) -> tuple[Path, ...]:
        named = [word[2:] for word in self.arguments if word.startswith("-I")]
        return tuple(folder for folder in ((self.directory / name).resolve() for name in named)
                     if folder.is_relative_to(ROOT) or folder.is_relative_to(self.directory))

    def digest(self) -> str:
        """Of all that the verdict depends on, except the system's headers."""
        parts = [contents(ROOT / ".clang-tidy"), " ".join(self.arguments).encode()]
        parts += [contents(file) for file in closure(self.source, self.folders())]
        return hashlib.sha256(b"\0".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def units(build: Path) -> list[Unit]:
    """Every tracked C++ file; what this build leaves out is read with the flags of a neighbour."""
    entries = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        entries.setdefault((Path(entry["directory"]) / entry["file"]).resolve(), entry)

    def nearness(source: Path, other: Path) -> tuple[int, int]:  # of folders; then who is told of most others
        return len(os.path.commonpath((source, other)).split("/")), entries[other]["command"].count(" -I")

    found = []
    for source in ((ROOT / path).resolve() for path in git("ls-files", "*.cpp")):
        if source.is_file():
            entry = entries.get(source) or entries[max(entries, key=lambda other: nearness(source, other))]
            found.append(Unit(source, entry["directory"], entry["command"]))
    return sorted(found, key=lambda unit: not DEAR.search(contents(unit.source)))


def findings(tidy: str, build: Path, unit: Unit) -> list[str]:
    stamp = build / "tidy-clean" / unit.digest()
    if stamp.exists():
        return []
    done = subprocess.run([tidy, "--quiet", str(unit.source), "--", *unit.arguments], cwd=unit.directory,
                          capture_output=True, text=True, check=False)
    if done.returncode == 0:
        stamp.touch()
        return []
    blocks = re.split(r"^(?=\S+:\d+:\d+: (?:warning|error):)", done.stdout, flags=re.M)
    found = [block.rstrip() for block in blocks if re.match(r"\S+:\d+:\d+: (?:warning|error):", block)]
    return found or [f"{unit.source}: clang-tidy failed:\n{done.stdout}{done.stderr}"]


def main() -> int:
    build = Path(sys.argv[1]).resolve()
    tidy = shutil.which("clang-tidy-14") or shutil.which("clang-tidy")
    if not tidy:
        print("clang-tidy is not installed: scripts/setup installs it")
        return 1
    (build / "tidy-clean").mkdir(exist_ok=True)
    chosen = units(build)
    if "--changed" in sys.argv:
        changed = {(ROOT / path).resolve() for path in git("diff", "--name-only", "HEAD")}
        chosen = [unit for unit in chosen if unit.source in changed]
    progress = Progress("clang-tidy", "files")
    progress.total = len(chosen)

    def look_at(unit: Unit) -> list[str]:
        found = findings(tidy, build, unit)
        progress.done += 1
        progress.say()
        return found

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        found = pool.map(look_at, chosen)
        distinct = dict.fromkeys(finding.replace(f"{ROOT}/", "") for group in found for finding in group)
    progress.close()
    print(*distinct, sep="\n", end="\n" if distinct else "")
    return 1 if distinct else 0


if __name__ == "__main__":
    sys.exit(main())
