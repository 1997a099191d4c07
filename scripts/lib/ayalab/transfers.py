# SPDX-License-Identifier: BSD-2-Clause
"""Data in the direction that passes through the balancer: sink.py at a host, upload.py at another."""

import pathlib
import sys

from .shell import LabError, wait_until

_SINK = str(pathlib.Path(__file__).with_name("sink.py"))
_UPLOAD = str(pathlib.Path(__file__).with_name("upload.py"))


def start_sink(lab, host, port):
    """A sink in the host's namespace, listening when this returns: by TCP and, as it opens that later, by UDP."""
    process = lab.start(host, sys.executable, _SINK, host.name, str(port), log=f"sink-{host.name}-{port}.log")
    wait_until(lambda: all(host.run("ss", f"-Hln{kind}", f"sport = :{port}").stdout.strip() for kind in "tu"),
               f"sink of {host.name} listens")
    return process


def upload(host, address, port, size, kind="tcp", timeout=60):
    """Send `size` random bytes from the host's namespace; (who got them, whether unharmed), or (None, what failed)."""
    try:
        said = host.run(sys.executable, _UPLOAD, address, str(port), str(size), kind, timeout=timeout)
    except LabError as e:
        return None, str(e)
    name, got, sent = said.stdout.split()
    return name, got == sent
