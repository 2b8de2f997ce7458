"""Background in kernels: when the packets of others come to a transmitter.

A source's state is the next packet's instant; drawing ahead is safe, because no draw depends on
anything but its number. Steady background has no packets: it is a slower rate.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sim.compiled import entry, kernel
from sim.dataplane.kernels.arrays import Backgrounds
from sim.draws import exponential
from sim.scenario.model import FOREVER_NS, HOUR_NS, HOURS, Background

QUIET, POISSON, BURSTS = range(3)
KINDS = {"steady": QUIET, "poisson": POISSON, "bursts": BURSTS}
BACKGROUND = -1  # the packet number of a packet of others

_NBIT_PER_BYTE = 8 * 10**9


def quiet_backgrounds(
    each: Sequence[Background | None],
    keys: NDArray[np.uint64],
    *,
    begins_ns: int,
    until_ns: int,
) -> Backgrounds:
    """Return the sources of some transmitters, one or none each, before their first draw.

    Parameters
    ----------
    keys : (transmitters, 2) uint64, of their draws
    begins_ns : time of day of instant 0, ns
    until_ns : no packet comes at this instant or later
    """
    tables: dict[Background, int] = {}
    count = len(each)
    names = Backgrounds._fields[4:]
    columns = {name: np.zeros(count, dtype=np.int64) for name in names}
    columns["next_ns"][:] = FOREVER_NS
    for t, background in enumerate(each):
        if background is not None and KINDS[background.kind] != QUIET:
            columns["kind"][t] = KINDS[background.kind]
            columns["spacing"][t] = tables.setdefault(background, len(tables))
            columns["size_bytes"][t] = background.packet_bytes
            columns["precedence"][t] = background.precedence
            columns["silence_ns"][t] = background.silence_ns
            columns["burst_ns"][t] = background.burst_ns
    return Backgrounds(
        key=keys,
        spacing_ns=np.array([spacings_ns(b) for b in tables] or [[0.0] * HOURS]),
        begins_ns=begins_ns,
        until_ns=until_ns,
        **columns,
    )


def spacings_ns(background: Background) -> list[float]:
    """Return the mean time between packets at the rate of each hour of the day, ns."""
    return [
        background.packet_bytes * _NBIT_PER_BYTE / (background.rate_bps * factor)
        for factor in background.profile
    ]


@kernel
def draw_length(t, mean_ns, others):
    """Draw the next exponential length of source `t`, ns: to the nearest, halves up, at least 1."""
    drawn = others.drawn[t]
    others.drawn[t] = drawn + 1
    return max(np.int64(np.floor(mean_ns * exponential(others.key[t], drawn) + 0.5)), 1)


@kernel
def hourly_spacing(t, at_ns, others):
    """Return the mean time between packets of source `t` in the hour of `at_ns`, ns."""
    hour = (others.begins_ns + at_ns) // HOUR_NS % HOURS
    return others.spacing_ns[others.spacing[t], hour]


@kernel
def next_background(t, at_ns, others):
    """Draw when the packet of source `t` after the one at `at_ns` comes; return it."""
    if others.kind[t] == POISSON:
        next_ns = at_ns + draw_length(t, hourly_spacing(t, at_ns, others), others)
    else:
        next_ns = at_ns + others.step_ns[t]
        if next_ns >= others.burst_end_ns[t]:
            next_ns = next_burst(t, others.burst_end_ns[t], others)
    if next_ns >= others.until_ns:
        next_ns = FOREVER_NS
    others.next_ns[t] = next_ns
    return next_ns


@kernel
def next_burst(t, from_ns, others):
    """Draw the silence from `from_ns` on and the burst after it; return when that begins."""
    begin_ns = from_ns + draw_length(t, others.silence_ns[t], others)
    others.step_ns[t] = max(np.int64(np.floor(hourly_spacing(t, begin_ns, others) + 0.5)), 1)
    others.burst_end_ns[t] = begin_ns + draw_length(t, others.burst_ns[t], others)
    return begin_ns


@entry
def start_backgrounds(others):
    """Draw when the first packet of each source comes."""
    for t in range(others.kind.size):
        if others.kind[t] != QUIET:
            # At 0 no burst is under way: the step from 0 leads to the first one.
            next_background(t, 0, others)
