"""What a scenario may ask, and what it needs, where sites share histograms of delays."""

from __future__ import annotations

import pytest

from sim.dataplane.tally import BUCKETS, LossCause, StreamCount, TurnCount
from sim.grouping import is_shared
from sim.scenario import memory
from tests.scenario.files import edited, problems_of, small

ASKED = """\
requirements:
  - {rooms: 95 %, delay_max: at most 150 ms}
  - {rooms: 95 %, delay_p99: at most 150 ms}
"""


def test_a_percentile_of_each_room_needs_a_histogram_of_each(monkeypatch):
    assert small(append=ASKED).requirements[1].percentile == 99
    monkeypatch.setattr("sim.grouping.MOST_ROOMS", 2)
    (told,) = problems_of(edited(append=ASKED))
    assert told == (
        "28:30: requirements.1.delay_p99: is not kept for single rooms where there are more than "
        "2, and here are 3; require 'delay_max' or 'jitter' instead, or take fewer rooms"
    )


def test_shared_histograms_need_less_memory(monkeypatch):
    monkeypatch.setattr(memory, "MAX_MEMORY_BYTES", 1)
    (own,) = problems_of(edited())
    assert "sites" in own or "window" in own
    monkeypatch.setattr(memory, "MAX_MEMORY_BYTES", memory.SHARED_BYTES + 100 * 10_000)
    many = edited(
        (
            "27688,",
            "\n".join(f"    x{i}, commune, 80, X, 10.5, 106.4," for i in range(100)).lstrip()
            + "\n    27688,",
        )
    )
    monkeypatch.setattr("sim.grouping.MOST_ROOMS", 2)
    assert is_shared(3)
    assert problems_of(many) == []


@pytest.mark.parametrize(
    ("said", "counts", "cells"),
    [
        (memory.HISTOGRAMS_BYTES, 4 * BUCKETS, 4),
        (memory.STREAM_BYTES, len(StreamCount), 8),
        (memory.TURN_BYTES, len(TurnCount), 8),
        (memory.TIER_BYTES, 2 * len(LossCause), 8),
    ],
)
def test_the_estimate_counts_what_a_tally_has(said, counts, cells):
    assert said == counts * cells
