"""Queues without chance: what theory says holds to the nanosecond, in both engines.

The smallest error noticed is 1 ns of a service, or one packet of memory; each test shows it.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.validation.theory.road import LOST, NS_PER_BYTE, Road, Traffic, carry
from tests.validation.theory.traffic import one_size, poisson

Int64Array = NDArray[np.int64]

SIZE_BYTES = 300
SERVICE_NS = SIZE_BYTES * NS_PER_BYTE
PACKETS = 600

both_engines = pytest.mark.parametrize("engine", ["packet", "reference"])
every_place = pytest.mark.parametrize("place", ["down", "up", "egress"])


def regular(gap_ns: int) -> Traffic:
    """Return packets at a steady pace."""
    return one_size(np.arange(PACKETS, dtype=np.int64) * gap_ns, SIZE_BYTES)


def times_ns(road: Road, traffic: Traffic, engine: str) -> Int64Array:
    """Return how long each packet took over the whole road; nothing may be lost."""
    passed_ns = carry(road, traffic, engine=engine)[-1]
    assert (passed_ns != LOST).all()
    return passed_ns - traffic.sent_ns


@both_engines
@every_place
@pytest.mark.parametrize("gap_ns", [SERVICE_NS, SERVICE_NS + 1, 2 * SERVICE_NS])
def test_dd1_below_saturation_never_waits(gap_ns: int, place: str, engine: str) -> None:
    taken_ns = times_ns(Road(place=place), regular(gap_ns), engine)
    assert (taken_ns == SERVICE_NS).all()
    assert not (taken_ns == SERVICE_NS + 1).any()


@both_engines
@every_place
@pytest.mark.parametrize("excess_ns", [1, 777, SERVICE_NS])
def test_dd1_above_saturation_grows_by_the_excess(excess_ns: int, place: str, engine: str) -> None:
    """Packet k waits for k times what a service exceeds the gap by."""
    taken_ns = times_ns(Road(place=place), regular(SERVICE_NS - excess_ns), engine)
    number = np.arange(PACKETS)
    np.testing.assert_array_equal(taken_ns, SERVICE_NS + number * excess_ns)
    assert (taken_ns != SERVICE_NS + number * (excess_ns + 1))[1:].all()


@both_engines
@every_place
@pytest.mark.parametrize("k", [2, 3, 5, 50])
def test_dd1k_loses_what_it_cannot_send(k: int, place: str, engine: str) -> None:
    """Of packets that come in 2/3 of a service every third is lost, once the memory is full.

    Packet n finds n (S - T) unsent, and is the first that does not fit when that exceeds
    (K - 1) S: at n = 3 (K - 1) + 1.
    """
    road = Road(place=place, buffer_packets=k, packet_bytes=SIZE_BYTES)
    lost = carry(road, regular(SERVICE_NS * 2 // 3), engine=engine)[-1] == LOST

    def first(k: int) -> int:
        return 3 * (k - 1) + 1

    assert np.flatnonzero(lost)[0] == first(k)
    assert np.flatnonzero(lost)[0] not in (first(k - 1), first(k + 1))
    full = lost[first(k) :]
    assert full[: full.size // 3 * 3].reshape(-1, 3).sum(axis=1).tolist() == [1] * (full.size // 3)


@both_engines
@every_place
def test_clocks_in_step_wait_for_each_other(place: str, engine: str) -> None:
    """N sources at one instant: the last waits for N - 1 services, in every period."""
    sources, periods = 20, 30
    starts_ns = np.arange(periods, dtype=np.int64) * 25 * SERVICE_NS
    traffic = one_size(np.repeat(starts_ns, sources), SIZE_BYTES)
    taken_ns = times_ns(Road(place=place), traffic, engine).reshape(periods, sources)
    assert (taken_ns == SERVICE_NS * np.arange(1, sources + 1)).all()
    assert not (taken_ns == (SERVICE_NS + 1) * np.arange(1, sources + 1)).any()


@both_engines
@pytest.mark.parametrize("place", ["down", "up"])
def test_equal_lines_one_after_the_other_queue_at_the_first_only(place: str, engine: str) -> None:
    """Packets of one size leave a line at least a service apart, so the next is idle for each."""
    road = Road(place=place, hops=3, propagation_ns=12_345, processing_ns=678)
    traffic = poisson(7, gap_ns=SERVICE_NS / 0.9, packets=PACKETS)
    traffic = one_size(traffic.sent_ns, SIZE_BYTES)
    passed_ns = carry(road, traffic, engine=engine)
    between_ns = np.diff(passed_ns, axis=0)
    processing_ns = road.processing_ns
    waited_ns = passed_ns[0] - traffic.sent_ns - SERVICE_NS - road.propagation_ns
    if place == "down":
        waited_ns -= processing_ns  # the root's own relay
    assert (between_ns == processing_ns + SERVICE_NS + road.propagation_ns).all()
    assert not (between_ns == processing_ns + SERVICE_NS + 1 + road.propagation_ns).any()
    assert waited_ns.min() == 0
    assert waited_ns.max() > 5 * SERVICE_NS
