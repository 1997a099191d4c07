# SPDX-License-Identifier: BSD-2-Clause
"""What the tests here share: the lab of scripts/lib, with the daemons running in it.

Every test is a program: run as root, one line a check, exit code 0 (all held), 1 (not), 77 (cannot run here).
AYA_BUILD_DIR names the build directory (default: build/), AYA_PATH the path that forwards: dpdk (default), xdp or auto.
"""

import contextlib
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts" / "lib"))

from ayalab import decap, load  # noqa: E402
from ayalab.checks import checking, need_af_xdp, need_root_and, skip  # noqa: E402, F401
from ayalab.daemons import (HEALTH, Balancer, Build, auto_configuration, backend_objects, configuration, ipip_services,  # noqa: E402, F401
                            l2_services, print_logs, xdp_configuration)
from ayalab.nginx import Nginx  # noqa: E402
from ayalab.shell import LabError, run, stop, tail, wait_until  # noqa: E402, F401
from ayalab.topology import VIP4, VIP6, Lab, add_addresses, unique_name  # noqa: E402, F401

PATH = os.environ.get("AYA_PATH", "dpdk")
TUNNEL_MTU = 1600  # room for the outer header around a client's 1500 bytes


class Scene:
    """A lab in which everything runs."""

    def __init__(self, checks, lab, services, **dataplane):
        self.checks = checks
        self.lab = lab
        self.client = lab.client
        self.servers = {host.name: Nginx(lab, host) for host in lab.backends}
        configured = {"dpdk": configuration, "xdp": xdp_configuration, "auto": auto_configuration}[lab.path]
        self.balancer = Balancer(lab, Build(), configured(services, **dataplane))

    def host(self, name):
        return next(h for h in self.lab.backends if h.name == name)

    def requests(self, address, **options):
        """Requests to their end; see load.py for the options."""
        return load.Load(self.lab, address, **options).wait()

    def new_flows(self, service):
        """Flows scheduled for the service, at least: those that were remembered, and those (of any service) whose set was
        full. At 3000 flows in the lab's small tables one run in twenty has such a flow."""
        return self.balancer.ctl("service", "show", service)["new_flows"] + self.balancer.reasons()["flow_not_remembered"]

    def check_all_answered(self, requests, what):
        failed = load.failures(requests)
        self.checks.check(requests and not failed, f"{what}: {len(requests)} requests, none failed",
                          f"{len(failed)} of {len(requests)} failed: {load.errors(requests)}")


@contextlib.contextmanager
def scene(name, services, backends=3, mtu=1500, tunnel=False, queues=1, **dataplane):
    """A running lab for one test. `services`: a function that makes them for a lab. At the end both daemons must stop
    cleanly."""
    need_root_and("ip", "ethtool", "nginx", "curl")
    if PATH != "xdp":
        need_af_xdp()
    with checking() as checks, Lab(unique_name(name), backends=backends, mtu=mtu, path=PATH, queues=queues) as lab:
        failed_before_the_end = True
        try:
            made = Scene(checks, lab, services(lab), **dataplane)
            if tunnel:
                need_root_and("bpftool", "tc")
                made.decap = decap.install(lab, Build().decap)
            made.balancer.start()
            yield made
            checks.equal(set(made.balancer.stop()), {0}, "the daemons stop cleanly")
            failed_before_the_end = False
        finally:
            if failed_before_the_end or checks.failed:
                print_logs(lab)


class Download:
    """A download in the client's namespace: who serves it, and whether every byte arrived."""

    def __init__(self, scene_, address, path, name="download"):
        self.headers = scene_.lab.directory / f"{name}.headers"
        self.sum = scene_.lab.directory / f"{name}.sha256"
        url = f"http://[{address}]{path}" if ":" in address else f"http://{address}{path}"
        self.process = scene_.lab.start(
            scene_.client, "bash", "-c",
            'set -o pipefail; curl -sS --fail -D "$1" "$2" | sha256sum > "$3"', "bash",
            str(self.headers), url, str(self.sum), log=f"{name}.log")
        self.log = scene_.lab.directory / f"{name}.log"
        self.backend = wait_until(self._served_by, lambda: f"the download of {url} begins\n{tail(self.log)}")

    def _served_by(self):
        for line in self.headers.read_text().splitlines() if self.headers.exists() else []:
            if line.lower().startswith("x-backend: "):
                return line.split(": ")[1].strip()
        return None

    @property
    def running(self):
        return self.process.poll() is None

    def finish(self, timeout=120):
        """(curl's exit code, checksum of what arrived)."""
        code = self.process.wait(timeout)
        return code, self.sum.read_text().split()[0]


def sha256(path):
    return run("sha256sum", str(path), timeout=60).stdout.split()[0]
