# SPDX-License-Identifier: BSD-2-Clause
"""What the tests here share: a host that is no backend yet, aya-backend in it, and all that `down` must restore."""

import contextlib
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts" / "lib"))

from ayalab.checks import checking, need_root_and, skip  # noqa: E402, F401
from ayalab.daemons import Build  # noqa: E402, F401
from ayalab.decap import mount_bpf  # noqa: E402
from ayalab.shell import run, wait_until  # noqa: E402, F401
from ayalab.topology import VIP4, VIP6, Lab, unique_name  # noqa: E402, F401

BOTH = ("--vip", VIP4, "--vip", VIP6)
NETWORK4, NETWORK6 = "10.11.0.0/24", "2001:db8:11::/64"  # where the balancers are
BALANCERS = ("--balancer", NETWORK4, "--balancer", NETWORK6)
IPIP = (*BOTH, "--encap", "ipip", *BALANCERS)
GUE = (*BOTH, "--encap", "gue", *BALANCERS)
L2 = (*BOTH, "--encap", "l2")
GATEWAY4, GATEWAY6 = "10.11.0.10", "2001:db8:11::10"  # the client


class Tool:
    """aya-backend on one host, with directories of its own."""

    def __init__(self, lab, host):
        self.host = host
        self.program = str(Build().file("backend/aya-backend"))
        self.run_dir = lab.directory / f"{host.name}-run"
        self.bpf_dir = mount_bpf(lab) / f"{host.name}-pins"

    def command(self, verb, *arguments):
        pins = ("--bpf-dir", str(self.bpf_dir)) if verb == "up" else ()
        return (self.program, verb, *arguments, *pins, "--run-dir", str(self.run_dir))

    def run(self, verb, *arguments):
        """Exit code, and the lines of standard output and error."""
        done = self.host.run(*self.command(verb, *arguments), check=False)
        return done.returncode, done.stdout.splitlines(), done.stderr.splitlines()

    def must(self, verb, *arguments):
        self.host.run(*self.command(verb, *arguments))

    def findings(self, *arguments):
        """The codes that check reports."""
        done = self.host.run(*self.command("check", "-o", "json", *arguments), check=False)
        codes = [f["code"] for f in json.loads(done.stdout)["findings"]]
        assert done.returncode == (1 if codes else 0), f"exit code {done.returncode} with {codes}"
        return codes

    def counters(self):
        return json.loads(self.host.run(*self.command("status", "-o", "json")).stdout)["counters"]


def make_fresh(host):
    """As the kernel makes a host: the lab has set backends up already, which is the tool's work here."""
    host.run("ip", "address", "del", f"{VIP4}/32", "dev", "lo")
    host.run("ip", "address", "del", f"{VIP6}/128", "dev", "lo")
    host.sysctl(net__ipv4__conf__all__arp_ignore=0, net__ipv4__conf__all__arp_announce=0)
    host.run("ip", "route", "add", "default", "via", GATEWAY4)
    host.run("ip", "-6", "route", "add", "default", "via", GATEWAY6)
    # The link-local address must be through with its duplicate detection, or snapshots differ by that.
    wait_until(lambda: "tentative" not in host.run("ip", "-6", "address", "show", "dev", "eth0").stdout, "IPv6 settles")


SEEN_BY = {
    "parameters": "grep -rs . /proc/sys/net/ipv4/conf /proc/sys/net/ipv6/conf; true",  # some cannot be read
    "links": "ip -d link",
    "addresses": "ip address",
    "routes": "ip route show table all && ip -6 route show table all",
    "qdiscs": "tc qdisc",
    "filters": "tc filter show dev eth0 ingress && tc filter show dev eth0 egress",
}


def snapshot(host, tool):
    """All that the tool could leave behind, by name. One shell for all, as some tests take hundreds of these."""
    end = "--- end of this part ---"
    script = "".join(f"{{ {command}; }} || exit 1; echo '{end}'\n" for command in SEEN_BY.values())
    parts = host.run("sh", "-c", script).stdout.split(f"{end}\n")[:-1]
    return {
        **dict(zip(SEEN_BY, parts, strict=True)),
        "pins": sorted(str(p) for p in tool.bpf_dir.parent.iterdir() if p.name not in ("maps.debug", "progs.debug")),
        "state": sorted(p.name for p in tool.run_dir.iterdir()) if tool.run_dir.exists() else [],
    }


def differences(before, after):
    return {name: (before[name], after[name]) for name in before if before[name] != after[name]}


@contextlib.contextmanager
def fresh_host(name, *programs, backends=1, mtu=1600):
    """Checks, lab, host and tool for one test."""
    need_root_and("ip", "tc", *programs)
    with checking() as checks, Lab(unique_name(name), backends=backends, mtu=mtu) as lab:
        host = lab.backends[0]
        make_fresh(host)
        yield checks, lab, host, Tool(lab, host)


def load_foreign(lab, object_file):
    """Pins of foreign.bpf.c's programs: a directory with foreign_xdp and foreign_drop."""
    pins = mount_bpf(lab) / "foreign"
    run("bpftool", "prog", "loadall", str(object_file), str(pins))
    return pins
