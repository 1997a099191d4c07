#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Do the links in the documentation lead anywhere? Relative links must name a file of the project, and an anchor a heading
of it. Prints each that does not, and exits 1 if there was one."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
CODE = re.compile(r"^(```|~~~).*?^\1", re.M | re.S)


def anchors(document: Path) -> set[str]:
    """Anchors as GitHub and GitLab make them from headings."""
    found: set[str] = set()
    for heading in re.findall(r"^#+\s+(.*?)\s*#*$", CODE.sub("", document.read_text()), re.M):
        text = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", lambda match: match.group(1) or "", heading)
        found.add(re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-"))
    return found


def broken_links(document: Path):
    text = CODE.sub("", document.read_text())
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (document.parent / path).resolve() if path else document
        if not file.exists():
            yield f"{document.relative_to(ROOT)}: {target}: no such file"
        elif anchor and file.suffix == ".md" and anchor not in anchors(file):
            yield f"{document.relative_to(ROOT)}: {target}: no such heading"


def main() -> int:
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "*.md"], check=True, capture_output=True,
                            text=True).stdout.split()
    found = [line for path in listed if (ROOT / path).exists() for line in broken_links(ROOT / path)]
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
