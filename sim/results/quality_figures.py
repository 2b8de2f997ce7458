"""How good voices and videos were, over the rooms of each tier and of each branch of the root."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.metrics.histogram import order_statistic
from sim.results.run import Results

Float64Array = NDArray[np.float64]
Int64Array = NDArray[np.int64]
Bools = NDArray[np.bool_]

MOST = 0.95  # of the rooms that are rated, which have at least the score `p5`


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """A score of some rooms.

    Attributes
    ----------
    rated : rooms that have one
    p50, p5, least : what half, 95 % and all of them have at least; NaN: none is rated
    """

    rated: int
    p50: float
    p5: float
    least: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupQuality:
    """Quality in a group of rooms.

    Attributes
    ----------
    kind, id, name : as of `Group`: all rooms, a tier's, or those of a branch of the root
    rooms : how many
    mos, video_quality : of each room's worst voice, and worst video
    frozen, freezes : rooms in which a stream froze, and how often all did
    """

    kind: str
    id: str
    name: str
    rooms: int
    mos: Scores
    video_quality: Scores
    frozen: int
    freezes: int


def quality_figures(results: Results) -> list[GroupQuality]:
    """Return the quality in all rooms, then in those of each tier, and of each branch."""
    rooms, heard = results.measures.endpoints, results.measures.listeners
    # Once for each room: a root may have very many branches.
    freezes = np.zeros(rooms.site.size, dtype=np.int64)
    counted = np.nan_to_num(heard.quality.freezes).astype(np.int64)
    np.add.at(freezes, np.searchsorted(rooms.site, heard.site), counted)
    return [
        _of_group(results, freezes, kind, id_, name, rows)
        for kind, id_, name, rows in _groups(results)
    ]


def is_rated(results: Results) -> bool:
    """Return whether any stream is rated in any room."""
    rooms = results.measures.endpoints
    return not (np.isnan(rooms.mos).all() and np.isnan(rooms.video_quality).all())


def _groups(results: Results) -> Iterator[tuple[str, str, str, Bools | slice]]:
    network, site = results.network, results.measures.endpoints.site
    yield "all", "", "", slice(None)
    for t, tier in enumerate(network.tiers):
        rows = network.tier[site] == t
        if rows.any():
            yield "tier", tier, tier, rows
    for s in np.flatnonzero(network.depth == 1):
        # In preorder a branch is a span of sites.
        first, end = np.searchsorted(site, (s, network.end[s])).tolist()
        if first < end:
            yield network.tiers[1], network.sites[s].id, network.sites[s].name, slice(first, end)


def _of_group(
    results: Results, freezes: Int64Array, kind: str, id_: str, name: str, rows: Bools | slice
) -> GroupQuality:
    """Return the quality in some rooms; `freezes` are those of each room, (r,)."""
    rooms = results.measures.endpoints
    return GroupQuality(
        kind=kind,
        id=id_,
        name=name,
        rooms=rooms.site[rows].size,
        mos=_scores(rooms.mos[rows]),
        video_quality=_scores(rooms.video_quality[rows]),
        frozen=int(np.count_nonzero(freezes[rows])),
        freezes=int(freezes[rows].sum()),
    )


def _scores(scores: Float64Array) -> Scores:
    known = scores[~np.isnan(scores)]
    if not known.size:
        return Scores(rated=0, p50=np.nan, p5=np.nan, least=np.nan)
    # The best first: what a share of the rooms has at least.
    return Scores(
        rated=known.size,
        p50=-order_statistic(-known, 0.5)[1],
        p5=-order_statistic(-known, MOST)[1],
        least=float(known.min()),
    )
