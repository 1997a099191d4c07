# SPDX-License-Identifier: BSD-2-Clause
"""Running commands, waiting, and stopping what was started - by process id, never by name."""

import signal
import subprocess
import time


class LabError(Exception):
    """Something the lab needs did not work; the text is for people."""


def run(*command, timeout=30, check=True, stdin=None):
    """Run a command to its end; its output as text. A failure carries the command and what it said."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, input=stdin, check=False)
    except FileNotFoundError as e:
        raise LabError(f"{command[0]}: not installed") from e
    except subprocess.TimeoutExpired as e:
        raise LabError(f"{' '.join(command)}: no end after {timeout} s") from e
    if check and done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip()).replace("\n", "; ")
        raise LabError(f"{' '.join(command)}: exit code {done.returncode}: {said}")
    return done


def wait_until(true_when, what, timeout=60.0, pause=0.02):
    """Wait until true_when() returns something true, and return that. `what`: text, or a function that makes it."""
    end = time.monotonic() + timeout
    while True:
        result = true_when()
        if result:
            return result
        if time.monotonic() > end:
            raise LabError(f"waited {timeout:g} s in vain: {what() if callable(what) else what}")
        time.sleep(pause)


def stop(process, how=signal.SIGTERM, patience=30.0):
    """Stop a process that we started; SIGKILL if it does not go. Returns its exit code."""
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return process.returncode


def tail(path, lines=15):
    """The last lines of a log file, indented, for an error message."""
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return "".join("    " + line for line in f.readlines()[-lines:])
    except OSError:
        return ""
