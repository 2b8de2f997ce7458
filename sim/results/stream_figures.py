"""Each stream in a few figures, on each of its ways: for the summary and the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sim.metrics.histogram import order_statistic
from sim.metrics.measures import CAUSES, Quality
from sim.results.run import Results

Float64Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFigures:
    """A stream on one way: down to the rooms that hear it, or up from the sites that send it.

    Attributes
    ----------
    stream, way : its id, and which way
    pairs : rooms that hear it, or sites that send it up
    due, received : packets, of all of them; up: sent and ended
    unselected, composed : up: packets that relays on the way did not pass on; down: 0
    lost : packets
    lost_by_cause : up: packets by cause; down: None, for what is lost on a line going down is not
        told apart by streams
    delay_mean_ns : of all packets; NaN: none came, or not measured on this way
    jitter_p50_ns, jitter_p99_ns, jitter_max_ns : over the pairs' largest; NaN: too many unknown
    frozen : pairs with a freeze; None: not measured
    freezes : of all pairs; None: not measured
    frozen_max_ns : of the pair that was frozen for longest in all; NaN: not measured
    """

    stream: str
    way: Literal["down", "up"]
    pairs: int
    due: int
    received: int
    unselected: int
    composed: int
    lost: int
    lost_by_cause: dict[str, int] | None
    delay_mean_ns: float
    jitter_p50_ns: float
    jitter_p99_ns: float
    jitter_max_ns: float
    frozen: int | None
    freezes: int | None
    frozen_max_ns: float

    @property
    def loss(self) -> float:
        """Share of the due packets that was lost; NaN where none was due."""
        return self.lost / self.due if self.due else np.nan


def down_figures(results: Results) -> list[StreamFigures]:
    """Return the streams that come down to rooms, by id."""
    heard = results.measures.listeners
    return [
        _figures(results, int(j), heard.quality, heard.stream == j, heard.due, way="down")
        for j in np.unique(heard.stream)
    ]


def up_figures(results: Results) -> list[StreamFigures]:
    """Return the streams that go up, by id."""
    sent = results.measures.sources
    return [
        _figures(results, int(j), sent.quality, sent.stream == j, sent.sent, way="up")
        for j in np.unique(sent.stream)
    ]


def _figures(
    results: Results,
    j: int,
    quality: Quality,
    rows: NDArray[np.bool_],
    due: NDArray[np.int64],
    *,
    way: Literal["down", "up"],
) -> StreamFigures:
    received = quality.received[rows]
    heard = received > 0
    mean_ns = quality.delay_mean_ns[rows][heard]
    jitter_ns = quality.jitter_max_ns[rows]
    freezes = quality.freezes[rows]
    measured = freezes[~np.isnan(freezes)]
    lost, unselected, composed = None, 0, 0
    if way == "up":
        sent = results.measures.sources
        lost = sent.lost[rows].sum(axis=0).tolist()
        unselected, composed = int(sent.unselected[rows].sum()), int(sent.composed[rows].sum())
    return StreamFigures(
        stream=results.measures.streams[j],
        way=way,
        pairs=int(np.count_nonzero(rows)),
        due=int(due[rows].sum()),
        received=int(received.sum()),
        unselected=unselected,
        composed=composed,
        lost=int(due[rows].sum() - received.sum()) if lost is None else sum(lost),
        lost_by_cause=None if lost is None else dict(zip(CAUSES, lost, strict=True)),
        delay_mean_ns=float((mean_ns * received[heard]).sum() / received.sum())
        if heard.any()
        else np.nan,
        jitter_p50_ns=order_statistic(jitter_ns, 0.5)[1],
        jitter_p99_ns=order_statistic(jitter_ns, 0.99)[1],
        jitter_max_ns=float(np.fmax.reduce(jitter_ns)),
        frozen=int(np.count_nonzero(measured)) if measured.size else None,
        freezes=int(measured.sum()) if measured.size else None,
        frozen_max_ns=float(np.fmax.reduce(quality.frozen_ns[rows])),
    )
