#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Who may include whom:

    include  <-  common  <-  dataplane, controlplane, ebpf, backend  <-  tests

Nothing sideways, but for controlplane -> ebpf/loader.hpp and backend -> ebpf/decap.h. The contract (include/aya) includes only itself and standard
headers, its C part (.h) only <stddef.h> and <stdint.h>. Prints each offence, and exits 1 if there was one.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', re.M)

# Include paths of the build, in the order in which meson gives them.
SEARCHED = {
    "include": ["include"],
    "common": [".", "include"],
    "dataplane": ["dataplane", ".", "include"],
    "controlplane": ["controlplane", ".", "include", "ebpf"],
    "ebpf": ["ebpf", ".", "include"],
    "backend": ["backend", ".", "include", "ebpf"],
    "tests": ["tests/support", "controlplane", "dataplane", "ebpf", "backend", ".", "include"],
}
FOLDERS_ALLOWED = {
    "include": {"include"},
    "common": {"common", "include"},
    "dataplane": {"dataplane", "common", "include"},
    "controlplane": {"controlplane", "common", "include"},
    "ebpf": {"ebpf", "common", "include"},
    "backend": {"backend", "common", "include"},
    "tests": set(SEARCHED),
}
SIDEWAYS_ALLOWED = {("controlplane", "ebpf/loader.hpp"), ("backend", "ebpf/decap.h")}
# Libraries that belong to one side only.
LIBRARIES_FORBIDDEN = {
    "include": ("boost/", "spdlog/", "CLI/", "nlohmann/", "rte_", "bpf/", "xdp/", "linux/", "gtest/"),
    "common": ("boost/", "spdlog/", "CLI/", "rte_", "bpf/", "xdp/", "gtest/"),
    "dataplane": ("boost/", "spdlog/", "gtest/"),
    "controlplane": ("rte_", "gtest/"),
    "ebpf": ("boost/", "spdlog/", "CLI/", "nlohmann/", "rte_", "gtest/"),
    "backend": ("boost/", "spdlog/", "rte_", "gtest/"),
    "tests": (),
}
LIBRARIES_ALLOWED = {("include/aya/pinned.hpp", "linux/bpf.h")}  # the bpf() system call itself, no library
C_CONTRACT_HEADERS = {"stddef.h", "stdint.h"}


def resolve(source: Path, name: str, folder: str) -> Path | None:
    """The project's file that an include means, or None for a library's or a generated one."""
    for directory in [source.parent, *(ROOT / path for path in SEARCHED[folder])]:
        found = (directory / name).resolve()
        if found.is_file() and found.is_relative_to(ROOT):
            return found.relative_to(ROOT)
    return None


def offences(path: Path):
    folder = path.parts[0]
    source = ROOT / path
    for quoted, angled in INCLUDE.findall(source.read_text(errors="replace")):
        name = quoted or angled
        target = resolve(source, name, folder)
        if target:
            allowed = target.parts[0] in FOLDERS_ALLOWED[folder] or (folder, str(target)) in SIDEWAYS_ALLOWED
            if not allowed:
                yield f"{path}: includes {target}: {folder} must not know of {target.parts[0]}"
        elif name.startswith(LIBRARIES_FORBIDDEN[folder]) and (str(path), name) not in LIBRARIES_ALLOWED:
            yield f"{path}: includes <{name}>, which is not for {folder}"
        elif folder == "include" and path.suffix == ".h" and name not in C_CONTRACT_HEADERS:
            yield f"{path}: includes <{name}>: the C contract needs nothing but stddef.h and stdint.h"


def main() -> int:
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "*.h", "*.hpp", "*.c", "*.cpp"], check=True,
                            capture_output=True, text=True).stdout.split()
    found = [line for path in map(Path, listed) if path.parts[0] in SEARCHED and (ROOT / path).exists()
             for line in offences(path)]
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
