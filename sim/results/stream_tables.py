"""The tables of streams and turns: who heard what, what was lost going up, who saw whom when."""

from __future__ import annotations

from collections.abc import Callable, Sequence

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
from sim.results.quality_figures import GroupQuality, Scores, quality_figures
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
        integers("loss_runs", "1", heard.loss_runs),
        packets("loss_run_packets", heard.loss_run_packets),
        plain("mos", heard.mos),
        plain("video_quality", heard.video_quality),
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


def quality(results: Results) -> Table:
    """Return a row for all rooms, for those of each tier and of each branch of the root."""
    figures = quality_figures(results)

    def score(name: str, take: Callable[[GroupQuality], Scores]) -> list[Column]:
        scores = [take(each) for each in figures]
        return [
            integers(f"{name}_rated", "1", [each.rated for each in scores]),
            plain(f"{name}_p50", np.array([each.p50 for each in scores])),
            plain(f"{name}_p5", np.array([each.p5 for each in scores])),
            plain(f"{name}_least", np.array([each.least for each in scores])),
        ]

    return (
        text("group", [each.kind for each in figures]),
        text("id", [each.id for each in figures]),
        text("name", [each.name for each in figures]),
        integers("rooms", "1", [each.rooms for each in figures]),
        *score("mos", lambda each: each.mos),
        *score("video_quality", lambda each: each.video_quality),
        integers("frozen_rooms", "1", [each.frozen for each in figures]),
        integers("freezes", "1", [each.freezes for each in figures]),
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
