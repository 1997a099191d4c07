# SPDX-License-Identifier: BSD-2-Clause
"""BIRD, a routing daemon, in two hosts of a lab, which are each other's BGP neighbours with BFD."""

from .shell import wait_until

CONFIGURATION = """\
router id {own};
protocol device {{}}
protocol bfd {{ interface "*" {{ interval 300 ms; multiplier 3; }}; }}
protocol bgp peer {{
    local {own} as {own_as};
    neighbor {other} as {other_as};
    bfd on;
    hold time 9;
    ipv4 {{ import none; export none; }};
}}
"""


def seconds_of_day(text):
    hours, minutes, seconds = text.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


class Bird:
    def __init__(self, lab, host, other):
        self.host = host
        files = {kind: str(lab.directory / f"bird-{host.name}.{kind}") for kind in ("conf", "ctl", "pid")}
        self.control = files["ctl"]
        with open(files["conf"], "w", encoding="ascii") as f:
            f.write(CONFIGURATION.format(own=host.ip4, own_as=65000 + host.number,
                                         other=other.ip4, other_as=65000 + other.number))
        self.process = lab.start(host, "bird", "-f", "-c", files["conf"], "-s", files["ctl"], "-P", files["pid"],
                                 log=f"bird-{host.name}.log")

    def _ask(self, *command):
        return self.host.run("birdc", "-r", "-s", self.control, *command, check=False).stdout

    def since(self):
        """When BGP and BFD came up, in seconds of the day; None until both have."""
        bgp = [line.split() for line in self._ask("show", "protocols").splitlines() if line.startswith("peer ")]
        bfd = [line.split() for line in self._ask("show", "bfd", "sessions").splitlines() if " Up " in line]
        if not bgp or not bfd or bgp[0][-1] != "Established":
            return None
        return tuple(seconds_of_day(text) for text in (bgp[0][4], bfd[0][3]))


def neighbours(lab, one, other):
    """Both, when their sessions are up."""
    birds = [Bird(lab, one, other), Bird(lab, other, one)]
    wait_until(lambda: all(bird.since() for bird in birds), "BGP and BFD are up")
    return birds
