#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""No two classes, structs or enums of one qualified name in two files.

A name that means two things in two programs misleads the reader, and makes undefined behaviour of the day on which
a test links both. What is in an unnamed namespace or in a function is its file's own affair; BPF programs are
linked with nothing else, and may have their own view of a struct. Prints each name with its places, and exits 1
if there was one.
"""

import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
IGNORED = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'', re.S)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.)*", re.M | re.S)
# What stands before a brace, as far as it tells what the brace opens.
NAMESPACE = re.compile(r"\bnamespace\s*([\w:]*)\s*$")
TYPE = re.compile(r"(?<!<)\b(?:class|struct|union|enum(?:\s+class|\s+struct)?)\s+(?:alignas\s*\([^)]*\)\s*)?"
                  r"([\w:]+)\s*(?:final\s*)?(?::[^:;].*)?$", re.S)
HIDDEN = object()  # an unnamed namespace, a function's body, an initializer


def opened_by(head: str):
    """Name of the scope that a brace opens after `head`, "" if it adds none, or HIDDEN."""
    if found := NAMESPACE.search(head):
        return found[1] or HIDDEN
    if re.search(r'\bextern\s*$', head):
        return ""
    if "(" not in re.sub(r"alignas\s*\([^)]*\)", "", head) and (found := TYPE.search(head)):
        return found[1]
    return HIDDEN


def types_of(text: str):
    """Qualified names of the types that a file defines, with their lines."""
    blank = lambda match: re.sub(r"[^\n]", " ", match[0])  # noqa: E731
    text = DIRECTIVE.sub(blank, IGNORED.sub(blank, text))
    scopes, start = [], 0
    for match in re.finditer(r"[{};]", text):
        head = text[start:match.start()]
        start = match.end()
        if match[0] == "{":
            name = opened_by(head)
            if name is not HIDDEN and HIDDEN not in scopes and name and not NAMESPACE.search(head):
                line = text.count("\n", 0, match.start()) + 1
                yield "::".join([scope for scope in scopes if scope] + [name]), line
            scopes.append(name)
        elif match[0] == "}" and scopes:
            scopes.pop()


def main() -> int:
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "*.h", "*.hpp", "*.c", "*.cpp"], check=True,
                            capture_output=True, text=True).stdout.split()
    places = defaultdict(list)
    for path in listed:
        if (ROOT / path).exists() and ".bpf." not in path:
            for name, line in types_of((ROOT / path).read_text(errors="replace")):
                places[name].append((path, line))
    twice = {name: found for name, found in places.items() if len({path for path, _ in found}) > 1}
    for name, found in sorted(twice.items()):
        print(f"{name}: " + ", ".join(f"{path}:{line}" for path, line in found))
    return 1 if twice else 0


if __name__ == "__main__":
    sys.exit(main())
