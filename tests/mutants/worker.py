"""A process that takes damaged scenarios and says what became of each.

It reads a line of JSON for each mutant, [engine, {name of a file: its text}], and answers with one:
what `load` and a very short run made of it. Its memory is limited, so that a mutant that would take
the machine's is a MemoryError here, and a fault.
"""

from __future__ import annotations

import io
import json
import os
import resource
import sys
import tempfile
import time
import traceback
import zlib
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from rich.console import Console

from sim.errors import ScenarioError
from sim.language.language import Language
from sim.network.tree import build_network
from sim.report.page import print_report
from sim.results.files import write
from sim.scenario.loader import load, load_text
from sim.scenario.memory import most_waiting
from sim.scenario.model import Scenario
from sim.scenario.resolved import resolved_text
from sim.simulation import simulate
from sim.terminal import Reader

MEMORY_BYTES = 1 << 30  # beyond what the program itself takes
# What is simulated of a mutant, at most. Others are loaded, and counted as too large.
MOST_SITES = 2_000
MOST_COPIES = 4_000  # packets times the lines they may pass
MOST_FRAME = 300  # packets of one frame, all streams together
MOST_OTHERS = 50_000  # packets of others in one memory
MOST_SPANS = 500  # windows, or bins of the timeline
LONGEST_NS = 2 * 10**9
REPORTED = 5  # of so many runs one is reported: a page takes longer than all before it
SCENARIO = "scenario.yaml"


def answer(files: dict[str, str], *, engine: str) -> dict[str, object]:
    """Return what became of a mutant; `files` are written to a folder of their own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in files.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes(text.encode("utf-8", "surrogatepass"))
        began_s = time.perf_counter()
        try:
            found = _outcome(folder, engine)
        except BaseException:
            found = {"became": "fault", "told": [traceback.format_exc(limit=-12)]}
        found["took_s"] = time.perf_counter() - began_s
        return found


def _outcome(folder: Path, engine: str) -> dict[str, object]:
    try:
        scenario = load(folder / SCENARIO)
    except ScenarioError as error:
        told = [
            (problem.file.removeprefix(f"{folder}/"), problem.line, str(problem))
            for problem in error.problems
        ]
        return {"became": "refused", "told": told}
    again = load_text(resolved_text(scenario), folder / "resolved.yaml")
    if again != scenario:
        return {"became": "fault", "told": ["the resolved text is another scenario"]}
    if len(scenario.sites) > MOST_SITES:
        return {"became": "too large", "told": []}
    longest_ns = _affordable_ns(scenario)
    if longest_ns < 1:
        return {"became": "too large", "told": []}
    try:
        short = load(folder / SCENARIO, duration_ns=min(longest_ns, scenario.duration_ns))
    except ScenarioError as error:
        return {"became": "refused short", "told": [str(problem) for problem in error.problems]}
    results = simulate(short, engine=engine)
    written = folder / "results"
    written.mkdir()
    write(results, written, created=datetime.now(UTC))
    text = (folder / SCENARIO).read_bytes()
    if zlib.crc32(text) % REPORTED == 0:
        reader = Reader(Console(file=io.StringIO(), width=160), Language("vi"))
        print_report(results, written, reader)
    return {"became": "ran", "told": []}


def _affordable_ns(scenario: Scenario) -> int:
    """Return how much of the meeting may be simulated; 0: nothing, even of one frame."""
    network = build_network(scenario)
    senders = [max(len(stream.origins), 1) for stream in scenario.streams]
    frame = [
        max(stream.frame_bytes, stream.key_bytes) // stream.packet_bytes + 1
        for stream in scenario.streams
    ]
    if sum(map(np.multiply, senders, frame)) > MOST_FRAME:
        return 0
    ports = [way for line in scenario.lines for way in (line.down, line.up)]
    ports += [egress for relay in scenario.relays for egress in relay.egresses]
    if max(map(most_waiting, ports)) > MOST_OTHERS:
        return 0
    per_ns = sum(
        number * packets * stream.frames_per_span / stream.span_ns
        for stream, number, packets in zip(scenario.streams, senders, frame, strict=True)
    )
    others_bps = 0.0
    smallest = 65_535
    for port in ports:
        if port.background is not None and port.background.packet_bytes:
            others_bps += port.background.rate_bps * max(port.background.profile)
            smallest = min(smallest, port.background.packet_bytes)
    per_ns = per_ns * len(network.sites) * 2 + others_bps / 8 / smallest / 1e9
    spans_ns = MOST_SPANS * min(scenario.window_ns, scenario.bin_ns)
    return int(min(LONGEST_NS, spans_ns, MOST_COPIES / max(per_ns, 1e-18)))


def _virtual_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """Answer until there is nothing more to read; the first line is a scenario to warm up with."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # so that nothing that prints is taken for an answer
    for number, line in enumerate(sys.stdin):
        engine, files = json.loads(line)
        found = answer(files, engine=engine)
        found["peak_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps(found), file=replies, flush=True)
        if number == 0:
            most = _virtual_bytes() + MEMORY_BYTES
            resource.setrlimit(resource.RLIMIT_AS, (most, most))


if __name__ == "__main__":
    main()
