# SPDX-License-Identifier: BSD-2-Clause
"""The daemons under test in the balancer's namespace, their configuration, and ayactl."""

import contextlib
import json
import os
import pathlib
import signal

from . import decap
from .shell import LabError, run, stop, tail, wait_until
from .topology import VIP4, VIP6, add_addresses

SOURCE = pathlib.Path(__file__).resolve().parents[3]
PUNT = "aya0"
AF_XDP = "net_af_xdp0,iface=eth0,start_queue=0,queue_count=1,busy_budget=0"
SEED = "6f1d0a5c3b2e49788796a5b4c3d2e1f0"
# Fast, so that nobody waits; slow enough that a busy machine does not look like a dead backend.
HEALTH = {"type": "tcp", "interval": "500ms", "timeout": "400ms", "rise": 2, "fall": 2}


PROGRAMS = ("dataplane/aya-dataplane", "controlplane/aya-controlplane", "controlplane/cli/ayactl", "ebpf/decap.bpf.o")


class Build:
    """Where the programs were built: --build-dir, else what meson says, else build/."""

    def __init__(self, directory=None):
        self.directory = pathlib.Path(directory or os.environ.get("AYA_BUILD_DIR") or SOURCE / "build").resolve()

    def check(self):
        """Raises if a program is missing."""
        for name in PROGRAMS:
            self.file(name)

    def file(self, name):
        path = self.directory / name
        if not path.exists():
            raise LabError(f"{path}: not built; run: meson setup {self.directory} {SOURCE} && ninja -C {self.directory}")
        return path

    @property
    def dataplane(self):
        return self.file("dataplane/aya-dataplane")

    @property
    def controlplane(self):
        return self.file("controlplane/aya-controlplane")

    @property
    def ayactl(self):
        return self.file("controlplane/cli/ayactl")

    @property
    def decap(self):
        return self.file("ebpf/decap.bpf.o")


def backend_objects(lab, weights, version=4):
    return [{"name": host.name, "address": host.ip4 if version == 4 else host.ip6, "weight": weight}
            for host, weight in zip(lab.backends, weights)]


def l2_services(lab, weights):
    """A frame only goes to a backend of the packet's own family: one service each."""
    return [{"name": "web", "vips": [f"{VIP4}:80/tcp"], "encap": "l2", "health": HEALTH,
             "backends": backend_objects(lab, weights)},
            {"name": "web6", "vips": [f"[{VIP6}]:80/tcp"], "encap": "l2", "health": HEALTH,
             "backends": backend_objects(lab, weights, 6)}]


def ipip_services(lab, weights, version=4):
    """A tunnel carries both families to backends of either."""
    return [{"name": "web", "vips": [f"{VIP4}:80/tcp", f"[{VIP6}]:80/tcp"], "encap": "ipip", "health": HEALTH,
             "backends": backend_objects(lab, weights, version)}]


def configuration(services, **dataplane):
    return {"seed": SEED,
            "dataplane": {"path": "dpdk", "workers": [max(os.sched_getaffinity(0))], "flows_per_worker": 65536,
                          "huge_pages": False, "ports": [{"device": AF_XDP, "punt": PUNT}], **dataplane},
            "services": services}


def xdp_configuration(services, **dataplane):
    # Tables are the kernel's memory, taken at once: no more of it than a lab needs.
    limits = {"services": 16, "vips": 64, "backends": 64, "lookup_slots": 1 << 20}
    return {"seed": SEED, "controlplane": {"limits": limits},
            "dataplane": {"path": "xdp", "flows_per_worker": 65536, "ports": [{"device": "eth0"}], **dataplane},
            "services": services}


def auto_configuration(services, **dataplane):
    config = xdp_configuration(services)
    config["dataplane"] |= {"path": "auto", "workers": [max(os.sched_getaffinity(0))], "huge_pages": False, **dataplane}
    return config


class Balancer:
    """The daemons of one instance, named as the lab is: aya-controlplane, and unless the path is xdp, aya-dataplane."""

    def __init__(self, lab, build, config):
        self.lab = lab
        self.build = build
        self.host = lab.balancer
        self.config_file = lab.directory / "aya.json"
        self.run_dir = lab.directory / "run"
        self.state_dir = lab.directory / "state"
        self.common = ("--instance", lab.name, "--run-dir", str(self.run_dir), "--state-dir", str(self.state_dir))
        # What is pinned in the /sys/fs/bpf of a command in a network namespace would go with that command.
        self.pins = ("--bpf-dir", str(decap.mount_bpf(lab))) if lab.path != "dpdk" else ()
        self.write_config(config)
        self.controlplane = None
        self.dataplane = None

    def write_config(self, config):
        text = config if isinstance(config, str) else json.dumps(config, indent=2) + "\n"
        self.config_file.write_text(text)

    def start(self):
        if self.lab.path != "dpdk":
            decap.make_peers_poll(self.lab, self.build.decap)
        self.start_controlplane()
        if self.lab.path != "xdp":
            self.start_dataplane()
        wait_until(self._all_up, self._say_status)

    # Control plane

    def start_controlplane(self, before=()):
        """`before`: a command that starts it."""
        self.controlplane = self.lab.start(self.host, *before, str(self.build.controlplane), *self.common, *self.pins,
                                           "--config", str(self.config_file), log="controlplane.log")
        wait_until(lambda: self._alive(self.controlplane, "controlplane") and self._reachable(), "the API answers")

    def _reachable(self):
        return self.ctl_run("version", check=False).returncode == 0

    # Data plane

    def dataplane_command(self):
        """DPDK's AF_XDP driver pins through /sys/fs/bpf, which a network namespace does not bring along."""
        return ("sh", "-c", 'mount -t bpf bpf /sys/fs/bpf && exec "$@"', "sh", str(self.build.dataplane),
                *self.common, *self.pins, "--config", str(self.config_file))

    def start_dataplane(self):
        self.dataplane = self.lab.start(self.host, *self.dataplane_command(), log="dataplane.log")
        if self.lab.path == "dpdk":
            wait_until(lambda: self._alive(self.dataplane, "dataplane") and self._punt_exists(), f"{PUNT} appears")
            add_addresses(self.host, PUNT)
        wait_until(lambda: self._alive(self.dataplane, "dataplane") and self.dataplane_alive(), self._say_status)

    def _punt_exists(self):
        return self.host.run("ip", "link", "show", PUNT, check=False).returncode == 0

    def dataplane_alive(self):
        """A process forwards; with path auto the kernel could, too."""
        dataplane = self.status().get("dataplane")
        return dataplane is not None and dataplane["alive"] and dataplane["carrier"] == "dpdk"

    def _alive(self, process, name):
        if process.poll() is not None:
            raise LabError(f"aya-{name} ended with exit code {process.returncode}:\n"
                           f"{tail(self.lab.directory / f'{name}.log')}")
        return True

    def _all_up(self):
        status = self.status()
        return status["backends"]["up"] == status["backends"]["total"] and not status["backends"]["unreachable"]

    def _say_status(self):
        return f"all is up; status is {json.dumps(self.status())}"

    # The operator

    def ctl_run(self, *arguments, check=True, **options):
        return run(str(self.build.ayactl), "--instance", self.lab.name, "--run-dir", str(self.run_dir), *arguments,
                   check=check, **options)

    def ctl(self, *arguments):
        """The answer of an ayactl command, as JSON."""
        return json.loads(self.ctl_run("-o", "json", *arguments).stdout)

    def status(self):
        return self.ctl("status")

    def received(self):
        """Packets that the data plane has received so far."""
        dataplane = self.status()["dataplane"]
        return sum(part["rx_packets"] for part in dataplane["workers" if self.lab.path == "dpdk" else "ports"])

    def reasons(self):
        """The counter of each reason, by name."""
        return {reason["name"]: reason["value"] for reason in self.ctl("counters", "--all")["reasons"]}

    def generation(self):
        return self.status()["generation"]

    def backend(self, name, service="web"):
        return next(b for b in self.ctl("backend", "list", service)["backends"] if b["name"] == name)

    def wait_for_health(self, name, health, service="web", timeout=15):
        wait_until(lambda: self.backend(name, service)["health"] == health, f"{name} is {health}", timeout)

    # Ends

    def stop(self):
        return [stop(p) for p in (self.dataplane, self.controlplane) if p]

    def flush(self, check=True):
        return self.host.run(str(self.build.controlplane), *self.common, *self.pins, "--flush", check=check)

    def kill_controlplane(self):
        self.controlplane.send_signal(signal.SIGKILL)
        self.controlplane.wait()


def print_logs(lab):
    """What the daemons said last: without it, the reason of a failure is gone with the lab."""
    for name in ("controlplane.log", "dataplane.log"):
        if said := tail(lab.directory / name):
            print(f"  {name}:\n{said}", flush=True)


@contextlib.contextmanager
def logs_on_error(lab):
    try:
        yield
    except Exception:
        print_logs(lab)
        raise
