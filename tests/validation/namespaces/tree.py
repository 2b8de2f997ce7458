"""A tree of network namespaces: one for each site, a veth pair for each line, tbf on its upper end.

Needs Linux, root (CAP_NET_ADMIN and CAP_SYS_ADMIN) and `ip` and `tc` of iproute2; `missing` says
what is not there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sim.scenario.model import Line, Scenario

PLAY = Path(__file__).parent / "play.py"
ETHERNET_BYTES = 14
PORT = 5004


def missing() -> str:
    """Return why no tree can be built here; empty: it can."""
    if sys.platform != "linux":
        return "network namespaces are Linux's"
    if os.geteuid() != 0:
        return "network namespaces need root"
    if not (shutil.which("ip") and shutil.which("tc")):
        return "needs `ip` and `tc`; on Debian: apt-get install iproute2"
    name = f"rts{os.getpid()}-try"
    try:
        _run("ip", "netns", "add", name)
    except subprocess.CalledProcessError as error:
        return f"no network namespace can be made here: {error.stderr.strip()}"
    try:
        _run("ip", "-n", name, "link", "add", "name", "try0", "type", "veth")
        _run(*f"tc -n {name} qdisc add dev try0 root tbf rate 1mbit burst 2000 limit 9000".split())
    except subprocess.CalledProcessError as error:
        return f"no veth or no tbf here: {error.stderr.strip()}"
    finally:
        _run("ip", "netns", "del", name)
    return ""


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """The parameters of tbf that make it the model's queue of equal packets.

    The model holds N packets, the one that is being sent included, and hands a packet on when its
    last bit is sent. With a bucket of one packet, tbf lets a packet go when the model would begin
    to send it: `advance_ns` earlier. So N - 1 packets wait in it.

    Attributes
    ----------
    rate_bps, burst_bytes, limit_bytes : of tbf, sizes with Ethernet's header
    advance_ns : what the listener adds
    """

    rate_bps: int
    burst_bytes: int
    limit_bytes: int
    advance_ns: int

    @classmethod
    def of(cls, line: Line, packet_bytes: int, *, slower: int = 1) -> Bucket:
        """Return that of the line down; `slower` is a fault to plant: a fraction of the rate."""
        rate_bps = line.down.rate_bps // slower
        packets = line.down.buffer_bytes // packet_bytes
        return cls(
            rate_bps=rate_bps,
            burst_bytes=packet_bytes,
            limit_bytes=(packets - 1) * packet_bytes,
            advance_ns=round(packet_bytes * 8 * 10**9 / rate_bps),
        )


@dataclass(frozen=True, kw_only=True)
class Tree:
    """What was built.

    Attributes
    ----------
    names : site -> its namespace
    addresses : site -> its address on the line to its parent
    """

    names: dict[str, str]
    addresses: dict[str, str]

    def start(self, site: str, task: Path) -> subprocess.Popen[str]:
        """Start a player in a site's namespace."""
        command = ["ip", "netns", "exec", self.names[site], sys.executable, str(PLAY), str(task)]
        return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)

    def dropped(self, parent: str, site: str) -> int:
        """Return how many packets the queue of a line has refused."""
        text = _run("tc", "-n", self.names[parent], "-s", "qdisc", "show", "dev", f"d-{site}")
        return int(text.split("dropped ")[1].split(",")[0])


@contextmanager
def built(scenario: Scenario, buckets: dict[str, Bucket]) -> Iterator[Tree]:
    """Build the tree of a scenario's primary lines, and remove it at the end of the block."""
    names = {site.id: f"rts{os.getpid()}-{site.id}" for site in scenario.sites}
    tree = Tree(names=names, addresses={})
    try:
        for name in names.values():
            _run("ip", "netns", "add", name)
            for where in ("all", "default"):
                # Else neighbour discovery would take its place in the queues.
                _run("ip", "netns", "exec", name, "sysctl", "-qw",
                     f"net.ipv6.conf.{where}.disable_ipv6=1")  # fmt: skip
        for number, line in enumerate(scenario.lines):
            _lay(tree, number, line, buckets[line.site])
        yield tree
    finally:
        for name in names.values():
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


def _lay(tree: Tree, number: int, line: Line, bucket: Bucket) -> None:
    """Lay a line: `d-SITE` above and `up` below, with addresses, and with tbf on what goes down."""
    above, below = tree.names[line.parent], tree.names[line.site]
    upper, lower = f"d-{line.site}", "parent"
    mtu = line.down.mtu_bytes - ETHERNET_BYTES
    # One datagram a packet: nothing is cut or joined on the way.
    kind = f"mtu {mtu} gso_max_segs 1"
    station = f"02:00:00:00:{number:02x}:02"
    _run(*f"ip -n {above} link add name {upper} {kind} type veth".split(),
         *f"peer name {lower} netns {below} address {station} {kind}".split())  # fmt: skip
    for name, device, end in ((above, upper, 1), (below, lower, 2)):
        _run("ip", "-n", name, "addr", "add", f"10.9.{number}.{end}/30", "dev", device)
        _run("ip", "-n", name, "link", "set", device, "up")
    tree.addresses[line.site] = f"10.9.{number}.2"
    # A question for the neighbour would take the first packet's place.
    neighbour = f"{tree.addresses[line.site]} lladdr {station} dev {upper}"
    _run(*f"ip -n {above} neigh replace {neighbour}".split())
    _run(*f"tc -n {above} qdisc add dev {upper} root tbf rate {bucket.rate_bps}bit".split(),
         *f"burst {bucket.burst_bytes} limit {bucket.limit_bytes}".split())  # fmt: skip


def _run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
