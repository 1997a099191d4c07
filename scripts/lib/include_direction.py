#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Who may include whom:

    include  <-  common  <-  dataplane, controlplane, ebpf, backend  <-  tests

Nothing sideways, except controlplane -> ebpf/loader.hpp, ebpf/probe_device.hpp and backend -> ebpf/decap.h. The contract (include/aya) includes only itself and standard
headers, its C part (.h) only <stddef.h> and <stdint.h>. Inside controlplane/, CONTROLPLANE says which folder knows which.
And no circles: neither of files nor of folders. Prints each offence, and exits 1 if there was one.
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
# Who knows whom inside controlplane/; "" are main and the daemon. ayactl knows the API, which is no include.
CONTROLPLANE = {
    "health": set(),
    "kinds": set(),
    "config": {"health", "kinds"},
    "model": {"config", "health", "kinds"},
    "neighbours": {"config", "model"},
    "publish": {"config", "model"},
    "paths": {"config", "publish"},
    "reconcile": {"config", "model", "health", "neighbours", "publish", "paths"},
    "api": {"config", "model", "health", "publish", "paths", "reconcile"},
    "cli": {"config"},
    "reference": {"config"},
    "": {"config", "publish", "paths", "reconcile", "api"},
}
SIDEWAYS_ALLOWED = {("controlplane", "ebpf/loader.hpp"), ("controlplane", "ebpf/probe_device.hpp"), ("backend", "ebpf/decap.h")}
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


def includes(path: Path):
    """What a file includes: the name as it stands there, and the project's file that it means."""
    source = ROOT / path
    for quoted, angled in INCLUDE.findall(source.read_text(errors="replace")):
        yield quoted or angled, resolve(source, quoted or angled, path.parts[0])


def part_of_controlplane(path: Path) -> str:
    return path.parts[1] if len(path.parts) > 2 else ""


def offences(path: Path):
    folder = path.parts[0]
    for name, target in includes(path):
        if target and folder == "controlplane" == target.parts[0]:
            here, there = part_of_controlplane(path), part_of_controlplane(target)
            if here not in CONTROLPLANE:
                yield f"{path}: CONTROLPLANE in scripts/lib/include_direction.py does not say whom {here}/ may know"
            elif there not in CONTROLPLANE[here] | {here}:
                yield f"{path}: includes {target}: {here or 'main'} must not know of {there or 'main'}"
        elif target:
            allowed = target.parts[0] in FOLDERS_ALLOWED[folder] or (folder, str(target)) in SIDEWAYS_ALLOWED
            if not allowed:
                yield f"{path}: includes {target}: {folder} must not know of {target.parts[0]}"
        elif name.startswith(LIBRARIES_FORBIDDEN[folder]) and (str(path), name) not in LIBRARIES_ALLOWED:
            yield f"{path}: includes <{name}>, which is not for {folder}"
        elif folder == "include" and path.suffix == ".h" and name not in C_CONTRACT_HEADERS:
            yield f"{path}: includes <{name}>: the C contract needs nothing but stddef.h and stdint.h"


def circles(edges: dict):
    """Each circle of a graph, once: the way around from where it was met first."""
    done, way = set(), []

    def visit(node):
        if node in way:
            yield [*way[way.index(node):], node]
        elif node not in done:
            way.append(node)
            for following in sorted(edges.get(node, ())):
                yield from visit(following)
            done.add(way.pop())

    for node in sorted(edges):
        yield from visit(node)


def all_circles(files):
    of_files, of_folders = {}, {}
    for path in files:
        targets = {target for _, target in includes(path) if target}
        of_files[path] = targets
        of_folders.setdefault(path.parent, set()).update(
            target.parent for target in targets if target.parent != path.parent)
    for kind, edges in (("files", of_files), ("folders", of_folders)):
        for circle in circles(edges):
            yield f"a circle of {kind}: " + " -> ".join(map(str, circle))


def main() -> int:
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "*.h", "*.hpp", "*.c", "*.cpp"], check=True,
                            capture_output=True, text=True).stdout.split()
    files = [path for path in map(Path, listed) if path.parts[0] in SEARCHED and (ROOT / path).exists()]
    found = [line for path in files for line in offences(path)] + list(all_circles(files))
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
