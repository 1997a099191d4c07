#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Compiles every header alone, twice included: as C++20 by g++, and the contract's C part also by clang++, as C11, and
as BPF C. Prints what does not compile, and exits 1 if something did not."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATHS = {
    "include": ["include"],
    "common": [".", "include"],
    "dataplane": [".", "include", "dataplane"],
    "controlplane": [".", "include", "controlplane", "ebpf"],
    "ebpf": [".", "include", "ebpf"],
    "backend": [".", "include", "backend", "ebpf"],
    "tests": [".", "include", "tests/support", "controlplane", "dataplane", "ebpf", "backend"],
}
WARNINGS = ["-Wall", "-Wextra", "-Werror", "-Wno-unused-function", "-Wno-pragma-once-outside-header"]


def first_of(*names: str) -> str | None:
    return next(filter(None, map(shutil.which, names)), None)


def library_flags() -> list[str]:
    flags = []
    for library in ("libdpdk", "libbpf"):
        found = subprocess.run(["pkg-config", "--cflags", library], capture_output=True, text=True, check=False)
        flags += found.stdout.split()
    # DPDK's and Boost's own headers are not ours to judge.
    return ["-isystem" + flag[2:] if flag.startswith("-I") else flag for flag in flags]


def commands(header: Path, libraries: list[str]):
    includes = [f"-I{path}" for path in PATHS[header.parts[0]] + [str(header.parent)]]
    bpf_clang = first_of("clang-14", "clang-19", "clang")
    bpf = [bpf_clang, "-target", "bpf", "-mcpu=v3", "-O2", "-ffreestanding", "-isystem",
           f"/usr/include/{os.uname().machine}-linux-gnu", "-xc", "-c", "-o", "/dev/null"]
    if header.name.endswith(".bpf.h"):
        if bpf_clang:
            yield bpf + includes
        return
    yield ["g++", "-std=c++20", "-xc++", "-fsyntax-only", *libraries, *includes]
    if header.parts[0] == "include" and header.suffix == ".h":
        yield ["gcc", "-std=c11", "-xc", "-fsyntax-only", *includes]
        if clang := first_of("clang++-14", "clang++"):
            yield [clang, "-std=c++20", "-xc++", "-fsyntax-only", *includes]
        if bpf_clang:
            yield bpf + includes


def compile_alone(header: Path, command: list[str]) -> str:
    name = os.path.relpath(header, header.parts[0]) if header.parts[0] == "include" else str(header)
    text = f'#include "{name}"\n' * 2
    done = subprocess.run([*command, *WARNINGS[:4], *(WARNINGS[4:] if "clang" in command[0] else []), "-I.", "-"],
                          input=text, text=True, capture_output=True, cwd=ROOT, check=False)
    return "" if done.returncode == 0 else f"{header}: not self-contained for {command[0]}\n{done.stderr[:2000]}"


def main() -> int:
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "*.h", "*.hpp"], check=True, capture_output=True,
                            text=True).stdout.split()
    headers = [Path(path) for path in listed if Path(path).parts[0] in PATHS and (ROOT / path).exists()]
    libraries = library_flags()
    jobs = [(header, command) for header in headers for command in commands(header, libraries)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        complaints = list(filter(None, pool.map(lambda job: compile_alone(*job), jobs)))
    print(*complaints, sep="\n", end="\n" if complaints else "")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
