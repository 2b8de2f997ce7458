"""The tables of streams and turns: who heard what, what was lost going up, who saw whom when."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sim.metrics.measures import CAUSES, Quality, Waits
from sim.results.columns import (
    Column,
    Table,
    delay_columns,
    integers,
    ms,
    packets,
    plain,
    text,
)
from sim.results.run import Results

Int64Array = NDArray[np.int64]


def streams(results: Results, where: Sequence[str]) -> Table:
    """Return a row for each room and stream that comes down to it; `where` is each site's place."""
    heard = results.measures.listeners
    return (
        *_named(results, where, heard.site),
        _streams(results, heard.stream),
        packets("due", heard.due),
        packets("received", heard.quality.received),
        plain("loss", heard.loss),
        *_quality(heard.quality),
    )


def sources(results: Results, where: Sequence[str]) -> Table:
    """Return a row for each site and stream that goes up from it."""
    sent = results.measures.sources
    return (
        *_named(results, where, sent.site),
        _streams(results, sent.stream),
        packets("sent", sent.sent),
        packets("ended", sent.ended),
        packets("unselected", sent.unselected),
        packets("composed", sent.composed),
        *(packets(f"lost_{cause}", sent.lost[:, i]) for i, cause in enumerate(CAUSES)),
        plain("loss", sent.loss),
        *_quality(sent.quality),
        *delay_columns(sent.site_delays, prefix="site_delay"),
    )


def turns(results: Results, where: Sequence[str]) -> Table:
    """Return a row for each turn of the agenda."""
    agenda, taken = results.scenario.agenda, results.measures.turns
    return (
        integers("turn", "1", np.arange(len(agenda))),
        ms("at_ms", np.array([turn.at_ns for turn in agenda], dtype=np.int64)),
        ms("until_ms", np.array([turn.until_ns for turn in agenda], dtype=np.int64)),
        *_named(results, where, taken.site),
        packets("first_frame", taken.packets),
        integers("rooms", "1", taken.rooms),
        *_waits("first_packet", taken.first),
        *_waits("first_frame", taken.whole),
        integers("rooms_never_whole", "1", taken.never_whole),
    )


def _named(results: Results, where: Sequence[str], sites: Int64Array) -> list[Column]:
    named = [results.network.sites[s] for s in sites]
    return [
        text("site", [site.id for site in named]),
        text("name", [site.name for site in named]),
        text("place", [where[s] for s in sites]),
        text("tier", [site.tier for site in named]),
    ]


def _streams(results: Results, stream: Int64Array) -> Column:
    return text("stream", [results.scenario.streams[j].id for j in stream])


def _quality(quality: Quality) -> list[Column]:
    return [
        ms("delay_mean_ms", quality.delay_mean_ns),
        ms("delay_max_ms", quality.delay_max_ns),
        ms("jitter_max_ms", quality.jitter_max_ns),
        plain("freezes", quality.freezes),
        ms("frozen_ms", quality.frozen_ns),
    ]


def _waits(name: str, waits: Waits) -> list[Column]:
    return [
        integers(f"{name}_rooms", "1", waits.rooms),
        ms(f"{name}_p50_ms", waits.p50_ns),
        ms(f"{name}_p95_ms", waits.p95_ns),
        ms(f"{name}_max_ms", waits.max_ns),
    ]
