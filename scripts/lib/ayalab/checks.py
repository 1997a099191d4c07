# SPDX-License-Identifier: BSD-2-Clause
"""Checks of a test: one line each, PASS or FAIL; the exit code says whether all held (0), not (1), or 77: skipped."""

import contextlib
import os
import shutil
import socket
import sys
import traceback

from .shell import LabError

SKIPPED = 77
AF_XDP = 44  # not in Python 3.11's socket module


class Checks:
    def __init__(self):
        self.failed = 0
        self.passed = 0

    def check(self, holds, what, found=None):
        """`found` is shown if the check fails: what was there instead."""
        if holds:
            self.passed += 1
            print(f"PASS  {what}", flush=True)
        else:
            self.failed += 1
            print(f"FAIL  {what}" + ("" if found is None else f"\n      found: {found}"), flush=True)
        return bool(holds)

    def equal(self, found, expected, what):
        return self.check(found == expected, what, f"{found!r}, expected {expected!r}")


def skip(why):
    print(f"SKIP  {why}")
    sys.exit(SKIPPED)


def need_root_and(*programs):
    if os.geteuid() != 0:
        skip("needs root for network namespaces")
    for program in programs:
        if shutil.which(program) is None:
            skip(f"needs {program}, which is not installed")


def need_af_xdp():
    """The data plane's port in the lab is an AF_XDP socket on a veth."""
    try:
        socket.socket(AF_XDP, socket.SOCK_RAW).close()
    except OSError as e:
        skip(f"needs AF_XDP sockets, which this kernel does not give: {e}")


@contextlib.contextmanager
def checking():
    """Wraps a test: yields its Checks; ends the program with the exit code that they make."""
    checks = Checks()
    try:
        yield checks
    except LabError as e:
        checks.check(False, "the test runs to its end", e)
    except Exception:  # a bug of the test must not read as a pass either
        checks.check(False, "the test runs to its end", traceback.format_exc())
    print(f"{checks.passed} passed, {checks.failed} failed")
    sys.exit(1 if checks.failed or not checks.passed else 0)
