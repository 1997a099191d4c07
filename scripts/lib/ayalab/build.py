# SPDX-License-Identifier: BSD-2-Clause
"""Building what a script runs."""

import io
import subprocess

import progress  # beside this package, where the importing script found it

from .daemons import PROGRAMS, SOURCE
from .shell import LabError


def build():
    """Install packages and build the programs; return the build directory. Takes seconds if both are there."""
    if subprocess.run([str(SOURCE / "scripts" / "setup")], check=False).returncode != 0:
        raise LabError("scripts/setup failed")
    directory = SOURCE / "build"
    commands = [["ninja", "-C", str(directory), *PROGRAMS]]
    if not (directory / "build.ninja").exists():
        directory = SOURCE / "build-release"
        commands = [["meson", "setup", str(directory), str(SOURCE), "--buildtype=release", "-Dtests=disabled"],
                    ["ninja", "-C", str(directory), *PROGRAMS]]
    print(f"build: {len(PROGRAMS)} programs in {directory.name}/ ...", flush=True)
    for command in commands:
        output = io.StringIO()
        code = progress.run("build", "files", command, "1", output)
        if code != 0:
            raise LabError(f"{' '.join(command)}: exit code {code}\n{output.getvalue()[-4000:]}")
    return directory
