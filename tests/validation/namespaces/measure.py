"""Send the packets of a scenario through namespaces of this host, and compare with the simulator.

    python -m tests.validation.namespaces.measure

Writes measured.json, which docs/validation.md shows. Needs root and iproute2; see README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from sim.dataplane.tally import Fate
from sim.media.sources import Sources
from sim.network.tree import build_network
from sim.scenario.loader import load
from sim.scenario.model import Scenario
from sim.simulation import simulate
from tests.validation.namespaces.play import Task
from tests.validation.namespaces.tree import PORT, Bucket, Tree, built, missing

HERE = Path(__file__).parent
SCENARIO = HERE / "scenario.yaml"
MEASURED = HERE / "measured.json"
HEADERS_BYTES = 42  # Ethernet, IPv4, UDP
PERCENTS = (0, 50, 95, 99, 100)
BEGIN_NS = 3 * 10**9  # after the players were started
PATIENCE_S = 60  # for players to write what they have seen
DRAIN_NS = 10**9  # after the last packet was sent


@dataclass(frozen=True, kw_only=True)
class Room:
    """What became of the packets of one room.

    Attributes
    ----------
    sent : due to it
    delivered : that came
    lost_queue : refused by a queue on the way
    lost_line : lost at the end of a line on the way
    delay_ms : of those that came, by PERCENTS: least, median, …, largest
    """

    sent: int
    delivered: int
    lost_queue: int
    lost_line: int
    delay_ms: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run over real queues.

    Attributes
    ----------
    rooms : by site
    late_ms : by how much source and relay sent later than due: by PERCENTS
    """

    rooms: dict[str, Room]
    late_ms: tuple[float, ...]


def simulated(scenario: Scenario) -> dict[str, Room]:
    """Return what the simulator says of each room."""
    rooms = [site.id for site in scenario.sites if site.room]
    results = simulate(scenario, trace=rooms)
    found = {}
    for trace in results.traces:
        came = trace.fate == Fate.ROOM_RECEIVED
        found[results.network.sites[trace.watched.site].id] = Room(
            sent=len(trace.fate),
            delivered=int(came.sum()),
            lost_queue=int((trace.fate == Fate.LINE_QUEUE).sum()),
            lost_line=int((trace.fate == Fate.LINE_LOSS).sum()),
            delay_ms=_percentiles_ms(trace.at_ns[came] - trace.watched.sent_ns[came]),
        )
    return found


def real(scenario: Scenario, *, seed: str, slower: dict[str, int] | None = None) -> Run:
    """Send the scenario's packets through a tree of namespaces once.

    Parameters
    ----------
    seed : of the losses
    slower : faults to plant: lines with a fraction of their rate
    """
    schedule = _schedule(scenario)
    packet_bytes = {size + HEADERS_BYTES for *_, size in schedule}
    assert len(packet_bytes) == 1, "the model's queue is tbf's only for equal packets"
    (packet_bytes,) = packet_bytes
    buckets = {
        line.site: Bucket.of(line, packet_bytes, slower=(slower or {}).get(line.site, 1))
        for line in scenario.lines
    }
    with built(scenario, buckets) as tree, tempfile.TemporaryDirectory() as folder:
        answers = _played(scenario, tree, buckets, schedule, Path(folder), seed)
        dropped = {line.site: tree.dropped(line.parent, line.site) for line in scenario.lines}
    return Run(
        rooms={
            site.id: _room(scenario, site.id, answers, dropped, len(schedule))
            for site in scenario.sites
            if site.room
        },
        late_ms=_percentiles_ms(
            np.concatenate([np.array(answer["late_ns"]) for answer in answers.values()])
        ),
    )


def _schedule(scenario: Scenario) -> list[tuple[int, int, int, int]]:
    """Return what the simulator's sources send: (when, stream, sequence number, payload bytes)."""
    network = build_network(scenario)
    packets = Sources(scenario, network.index).emit(scenario.duration_ns).written()
    assert int(packets.origin_first[1]) == len(packets), "all is sent by the root"
    columns = packets.sent_ns, packets.stream, packets.sequence, packets.size_bytes - HEADERS_BYTES
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _played(
    scenario: Scenario,
    tree: Tree,
    buckets: dict[str, Bucket],
    schedule: list[tuple[int, int, int, int]],
    folder: Path,
    seed: str,
) -> dict[str, dict]:
    """Run all players; return their answers by site."""
    lines = {line.site: line for line in scenario.lines}
    relays = {relay.site: relay for relay in scenario.relays}
    start_ns = time.monotonic_ns() + BEGIN_NS
    end_ns = start_ns + scenario.duration_ns + DRAIN_NS
    players = []
    for site in scenario.sites:
        line, relay = lines.get(site.id), relays.get(site.id)
        below = sorted(each.site for each in scenario.lines if each.parent == site.id)
        task = Task(
            port=PORT if line else 0,
            children=[(tree.addresses[child], PORT) for child in below],
            delay_ns=line.propagation_ns + buckets[site.id].advance_ns if line else 0,
            processing_ns=relay.processing_ns if relay else 0,
            loss=line.down.loss.mean if line else 0.0,
            seed=f"{seed} {site.id}",
            start_ns=start_ns,
            end_ns=end_ns,
            schedule=[] if line else schedule,
            answer=str(folder / f"{site.id}.answer"),
        )
        path = folder / f"{site.id}.task"
        path.write_text(json.dumps(vars(task)), encoding="utf-8")
        players.append(tree.start(site.id, path))
    try:
        for player in players:
            _, errors = player.communicate(
                timeout=(end_ns - time.monotonic_ns()) / 1e9 + PATIENCE_S
            )
            if player.returncode:
                raise RuntimeError(f"a player failed: {errors}")
    finally:
        for player in players:
            player.kill()
    return {
        site.id: json.loads((folder / f"{site.id}.answer").read_text(encoding="utf-8"))
        for site in scenario.sites
    }


def _room(
    scenario: Scenario, site: str, answers: dict[str, dict], dropped: dict[str, int], sent: int
) -> Room:
    """Return what became of a room's packets; losses are those of all lines that lead to it."""
    above = {line.site: line.parent for line in scenario.lines}
    way = [site]
    while way[-1] in above:
        way.append(above[way[-1]])
    arrived = answers[site]["arrived"]
    assert len({(stream, sequence) for stream, sequence, _ in arrived}) == len(arrived)
    return Room(
        sent=sent,
        delivered=len(arrived),
        lost_queue=sum(dropped[each] for each in way[:-1]),
        lost_line=sum(answers[each]["lost"] for each in way[:-1]),
        delay_ms=_percentiles_ms(np.array([delay_ns for _, _, delay_ns in arrived])),
    )


def _percentiles_ms(values_ns: Sequence[int]) -> tuple[float, ...]:
    found = np.percentile(values_ns, PERCENTS) if len(values_ns) else [np.nan] * len(PERCENTS)
    return tuple(round(float(value) / 1e6, 3) for value in found)


def differences(
    found: dict[str, Room], expected: dict[str, Room], losses: dict[str, float]
) -> list[str]:
    """Return where a run over real queues is not what the simulator says; the bands are wide.

    Queue losses within a tenth and 5; losses of a line within 5 standard deviations; the median
    delay within 2 ms and not below, and nothing faster than the model's fastest, but for 0.1 ms.
    """
    wrong = []
    for site, room in found.items():
        model = expected[site]
        if room.sent != room.delivered + room.lost_queue + room.lost_line:
            wrong.append(f"{site}: {room.sent} sent are not those delivered and lost: {room}")
        if abs(room.lost_queue - model.lost_queue) > 0.1 * model.lost_queue + 5:
            wrong.append(f"{site}: {room.lost_queue} lost in queues, not {model.lost_queue}")
        offered = room.sent - room.lost_queue
        deviation = (offered * losses[site] * (1 - losses[site])) ** 0.5
        if abs(room.lost_line - offered * losses[site]) > 5 * deviation:
            wrong.append(f"{site}: {room.lost_line} of {offered} lost by the line")
        if room.delay_ms[0] < model.delay_ms[0] - 0.1:
            wrong.append(f"{site}: {room.delay_ms[0]} ms, below the least, {model.delay_ms[0]} ms")
        if not -0.1 < room.delay_ms[1] - model.delay_ms[1] < 2:
            wrong.append(f"{site}: median {room.delay_ms[1]} ms, not {model.delay_ms[1]} ms")
    return wrong


def line_losses(scenario: Scenario) -> dict[str, float]:
    """Return the share that the line to each site loses."""
    return {line.site: line.down.loss.mean for line in scenario.lines}


def processor() -> str:
    """Return what kind of processor this is."""
    for row in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if row.startswith("model name"):
            return row.partition(":")[2].strip()
    return platform.machine()


def main() -> int:
    """Measure, write measured.json and say where it differs; 1: somewhere, 3: it cannot be done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=0, help="0: as the scenario says")
    arguments = parser.parse_args()
    why_not = missing()
    if why_not:
        print(f"Not measured: {why_not}.", file=sys.stderr)
        return 3
    scenario = load(SCENARIO, duration_ns=arguments.seconds * 10**9 or None)
    model = simulated(scenario)
    runs = []
    for number in range(arguments.repetitions):
        runs.append(real(scenario, seed=str(number)))
        print(runs[-1], flush=True)
    measured = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "kernel": platform.release().partition("-")[0],
        "processor": f"{os.cpu_count()} cores of {processor()}",
        "duration_s": scenario.duration_ns // 10**9,
        "percents": PERCENTS,
        "simulated": {site: asdict(room) for site, room in model.items()},
        "runs": [asdict(run) for run in runs],
    }
    MEASURED.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    wrong = [text for run in runs for text in differences(run.rooms, model, line_losses(scenario))]
    print(*wrong, sep="\n")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
