"""Streams as they were received: by the rooms they come down to, and where they end going up."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.dataplane.tally import StreamCount, Tally
from sim.metrics.due import Due
from sim.metrics.histogram import own_delays
from sim.metrics.measures import Listeners, Quality, Sources
from sim.metrics.opinion import video_quality, voice_mos
from sim.metrics.way_up import SOURCE_LOSSES
from sim.network.tree import Network
from sim.network.ways import sum_above
from sim.quality.codecs import CODECS
from sim.quality.video import VIDEO_CODECS
from sim.scenario.model import Scenario

Int64Array = NDArray[np.int64]


def listeners(
    scenario: Scenario, network: Network, tally: Tally, counted_due: Int64Array
) -> Listeners:
    """Return how each room received each stream that comes down to it.

    Parameters
    ----------
    counted_due : (n, streams), packets of each stream that each room is due
    """
    due = Due(scenario, network)
    site, stream = _down_to_rooms(scenario, network, due)
    quality = _quality(scenario, tally, site, stream)
    runs = tally.stream[site, stream, StreamCount.LOSS_RUNS]
    missing = tally.stream[site, stream, StreamCount.LOSS_RUN_PACKETS]
    mos, video = np.full(site.size, np.nan), np.full(site.size, np.nan)
    voice = np.array([each.codec in CODECS for each in scenario.streams], dtype=np.bool_)[stream]
    for j, each in enumerate(scenario.streams):
        rows = np.flatnonzero(stream == j)
        if each.codec in CODECS:
            mos[rows] = voice_mos(each, quality.take(rows), runs[rows], missing[rows])
        elif each.codec in VIDEO_CODECS:
            video[rows] = video_quality(each, quality.take(rows), missing[rows])
    return Listeners(
        site=site,
        stream=stream,
        # What was on its way to a room as it came is not in what was sent since.
        due=np.maximum(counted_due[site, stream], quality.received),
        playout_ns=_playouts_ns(scenario)[stream],
        quality=quality,
        voice=voice,
        loss_runs=runs,
        loss_run_packets=missing,
        mos=mos,
        video_quality=video,
    )


def sources(scenario: Scenario, network: Network, tally: Tally) -> Sources:
    """Return what became of each stream that goes up from a site, on its way up."""
    due = Due(scenario, network)
    site, stream = _up_from_sites(scenario, network, due)
    counts = tally.stream[site, stream]
    quality = _quality(scenario, tally, site, stream)
    spoken = np.isin(stream, due.floor)
    for unknown in (
        quality.delay_mean_ns,
        quality.delay_max_ns,
        quality.jitter_max_ns,
        quality.freezes,
        quality.frozen_ns,
    ):
        unknown[spoken] = np.nan
    quality.received[spoken] = counts[spoken, StreamCount.ENDED]

    origins, row = np.unique(site, return_inverse=True)
    came_up = tally.stream[origins[:, None], due.up]
    site_delays = own_delays(
        tally.up_delay,
        origins,
        network.grouping,
        count=came_up[:, :, StreamCount.RECEIVED].sum(axis=1),
        sum_ns=came_up[:, :, StreamCount.DELAY_SUM_NS].sum(axis=1),
        max_ns=came_up[:, :, StreamCount.DELAY_MAX_NS].max(axis=1, initial=0),
    )
    return Sources(
        site=site,
        stream=stream,
        sent=counts[:, StreamCount.SENT],
        ended=counts[:, StreamCount.ENDED],
        unselected=counts[:, StreamCount.UNSELECTED],
        composed=counts[:, StreamCount.COMPOSED],
        lost=counts[:, SOURCE_LOSSES],
        site_delays=site_delays.take(row),
        quality=quality,
    )


def _down_to_rooms(scenario: Scenario, network: Network, due: Due) -> tuple[Int64Array, Int64Array]:
    """Return the pairs of a room's site and a stream that someone sends down to it."""
    origin = np.zeros((len(network.sites), len(scenario.streams)), dtype=np.int64)
    for j in due.down:
        origin[[network.index[site] for site in scenario.streams[j].origins], j] = 1
    heard = np.zeros(origin.shape, dtype=np.bool_)
    heard[:, due.down] = sum_above(network, origin[:, due.down]) > 0
    if due.speakers.size:
        heard[:, due.floor] = True
    if due.speakers.size == 1:
        heard[due.speakers[:, None], due.floor] = False
    site, stream = np.nonzero(heard & network.room[:, None])
    return site, stream


def _up_from_sites(scenario: Scenario, network: Network, due: Due) -> tuple[Int64Array, Int64Array]:
    """Return the pairs of a site and a stream that goes up from it."""
    goes_up = np.zeros((len(network.sites), len(scenario.streams)), dtype=np.bool_)
    for j in due.up:
        goes_up[[network.index[site] for site in scenario.streams[j].origins], j] = True
    goes_up[due.speakers[:, None], due.floor] = True
    site, stream = np.nonzero(goes_up)
    return site, stream


def _quality(scenario: Scenario, tally: Tally, site: Int64Array, stream: Int64Array) -> Quality:
    counts = tally.stream[site, stream]
    received = counts[:, StreamCount.RECEIVED]
    playout_ns = _playouts_ns(scenario)[stream]
    some = received > 0
    freezable = some & (playout_ns > 0)
    mean_ns = np.full(received.size, np.nan)
    np.divide(counts[:, StreamCount.DELAY_SUM_NS], received, out=mean_ns, where=some)
    return Quality(
        received=received,
        delay_mean_ns=mean_ns,
        delay_max_ns=np.where(some, counts[:, StreamCount.DELAY_MAX_NS], np.nan),
        jitter_max_ns=np.where(received > 1, counts[:, StreamCount.JITTER_MAX_16NS] / 16, np.nan),
        freezes=np.where(freezable, counts[:, StreamCount.FREEZES], np.nan),
        frozen_ns=np.where(freezable, counts[:, StreamCount.FROZEN_NS], np.nan),
    )


def _playouts_ns(scenario: Scenario) -> Int64Array:
    return np.array([stream.playout_ns for stream in scenario.streams], dtype=np.int64)
