"""A policed constant bit rate loses exactly what arithmetic says."""

from __future__ import annotations

import pytest

from sim.metrics.measures import Cause
from sim.simulation import simulate
from tests.scenario.files import small

SIZE_BYTES, EVERY_NS, PACKETS = 1240, 10 * 10**6, 6000  # 992 kbit/s for a minute
TOKENS_PER_BYTE = 8 * 10**9


@pytest.mark.parametrize("engine", ["packet", "reference"])
@pytest.mark.parametrize(
    ("rate_bps", "burst_bytes"), [(700_000, 5_000), (700_001, 2_480), (991_999, 2_480), (1, 3_000)]
)
def test_a_steady_stream_above_the_policer_loses_the_exact_share(
    rate_bps: int, burst_bytes: int, engine: str
) -> None:
    """The tokens that came by the last packet are the burst and an interval's worth for each other.

    None is wasted: a bucket for two packets is never full again, for a packet that is refused
    leaves less than its own size, and an interval brings less.
    """
    lines = f"policer: {{rate: {rate_bps} bit/s, burst: {burst_bytes} B}}"
    scenario = small(
        ("duration: 10 s", "duration: 60 s"),
        ("buffer: 50 ms}", f"buffer: 50 ms, {lines}}}"),
        ("video: {rate: 2 Mbit/s, frames: 30/s}", "steady: {frame: 1200 B, every: 10 ms}"),
    )
    results = simulate(scenario, engine=engine)
    assert results.measures.packets == PACKETS
    tokens = burst_bytes * TOKENS_PER_BYTE + (PACKETS - 1) * EVERY_NS * rate_bps
    passing = min(PACKETS, tokens // (SIZE_BYTES * TOKENS_PER_BYTE))
    measured = results.measures.lines
    for province in ("79", "80"):
        s = results.network.index[province]
        assert measured.lost[s, Cause.POLICER] == PACKETS - passing
        assert measured.delivered[s] == passing
        assert measured.lost[s].sum() == PACKETS - passing
    # Each of the three rooms below loses the same, at the province's tier.
    lost = results.measures.endpoints.lost[:, Cause.POLICER]
    assert lost.sum(axis=0).tolist() == [0, 3 * (PACKETS - passing), 0]


def test_a_bucket_of_one_packet_lets_every_second_one_through() -> None:
    """A little is missing after one interval; after two the bucket is full, and more is wasted."""
    scenario = small(
        ("buffer: 50 ms}", "buffer: 50 ms, policer: {rate: 991999 bit/s, burst: 1240 B}}"),
        ("video: {rate: 2 Mbit/s, frames: 30/s}", "steady: {frame: 1200 B, every: 10 ms}"),
    )
    results = simulate(scenario)
    assert results.measures.packets == 1000
    assert results.measures.lines.lost[:, Cause.POLICER].max() == 500


def test_a_steady_stream_at_the_policers_rate_loses_nothing() -> None:
    scenario = small(
        ("buffer: 50 ms}", "buffer: 50 ms, policer: {rate: 992 kbit/s, burst: 1240 B}}"),
        ("video: {rate: 2 Mbit/s, frames: 30/s}", "steady: {frame: 1200 B, every: 10 ms}"),
    )
    assert simulate(scenario).measures.lines.lost[:, Cause.POLICER].sum() == 0
