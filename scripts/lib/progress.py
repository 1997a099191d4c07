#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs a command that takes minutes and shows its progress: progress.py LABEL UNIT COMMAND...

    build: 41/120 files, about 2 min left

On a terminal that is one line, rewritten; elsewhere it is a line every 30 seconds. Done and total are read from what the
command prints: `[41/120]` as ninja does, `41/120` as `meson test` does. The command's output passes through. The lines go to
the file descriptor that AYA_PROGRESS_FD names, because callers keep the output for when something fails; without it,
nothing is said.
"""

import os
import re
import subprocess
import sys
import threading
import time

COUNT = re.compile(r"\s*\[?(\d+)/(\d+)[\] ]")


def duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(10, round(seconds, -1)):.0f} s"
    return f"{seconds / 60:.0f} min"


class Progress:
    """Where a command is; `done` and `total` may be set from another thread."""

    def __init__(self, label: str, unit: str, descriptor: str | None = os.environ.get("AYA_PROGRESS_FD")):
        self.label, self.unit = label, unit
        self.done = self.total = 0
        self.out = os.fdopen(os.dup(int(descriptor)), "w") if descriptor else None
        self.terminal = bool(self.out and self.out.isatty())
        self.began = self.said = time.monotonic()
        self.on_line = False

    def left(self) -> str:
        """An estimate, once there is something to go by."""
        elapsed = time.monotonic() - self.began
        if elapsed < 5 or not max(3, self.total // 50) <= self.done < self.total:
            return ""
        return f", about {duration(elapsed * (self.total - self.done) / self.done)} left"

    def say(self) -> None:
        now = time.monotonic()
        if not self.out or not self.total or now - self.said < (0.5 if self.terminal else 30):
            return
        self.said = now
        text = f"  {self.label}: {self.done}/{self.total} {self.unit}{self.left()}"
        self.out.write(f"\r{text}\033[K" if self.terminal else f"{text}\n")
        self.out.flush()
        self.on_line = self.terminal

    def close(self) -> None:
        if self.out:
            self.out.write("\r\033[K" if self.on_line else "")
            self.out.close()


def run(label: str, unit: str, command: list[str], descriptor: str | None = os.environ.get("AYA_PROGRESS_FD"),
        output=sys.stdout) -> int:
    """The command's exit code."""
    progress = Progress(label, unit, descriptor)

    def read(stream) -> None:
        for line in stream:
            output.write(line)
            if found := COUNT.match(line):
                progress.done, progress.total = map(int, found.groups())

    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace") as process:
        reader = threading.Thread(target=read, args=(process.stdout,))
        reader.start()
        while reader.is_alive():
            reader.join(0.5)
            progress.say()
    progress.close()
    output.flush()
    return process.returncode


if __name__ == "__main__":
    sys.exit(run(sys.argv[1], sys.argv[2], sys.argv[3:]))
