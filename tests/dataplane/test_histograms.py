"""Rows of histograms that chunks count in at the same time, and their sums."""

from __future__ import annotations

import numpy as np
import pytest

from sim.dataplane import histograms
from sim.dataplane.histograms import MOST_COUNTED, MOST_SITES, Histograms
from sim.dataplane.tally import Tally
from sim.grouping import MOST_ROOMS, alone, group

# A root, and three branches of a relay and two leaves each.
PARENT = np.array([-1, 0, 1, 1, 0, 4, 4, 0, 7, 7])
TIER = np.array([0, 1, 2, 2, 1, 2, 2, 1, 2, 2])
END = np.array([10, 4, 3, 4, 7, 6, 7, 10, 9, 10])
SITE = np.tile(np.arange(10), 2)  # of each direction
CHUNK = np.array([0, 1, 1, 1, 1, 1, 2, 2, 2, 2])  # cuts the leaves of 4 apart


def shared(rooms=MOST_ROOMS + 1):
    return group(tier=TIER, parent=PARENT, end=END, rooms=rooms)


def tally_of(grouping):
    return Tally.zeros(grouping, backups=0, egresses=1, streams=1, turns=1, tiers=3)


def test_up_to_the_limit_each_site_has_its_own():
    assert not shared(MOST_ROOMS).shared
    grouping = shared(MOST_ROOMS)
    tally = tally_of(grouping)
    own = Histograms(grouping, CHUNK, SITE, tally)
    assert own.room_row.tolist() == list(range(10))
    assert own.line_row.tolist() == list(range(20))
    assert own.line is tally.line_delay
    assert own.room is tally.room_delay
    assert own.up is tally.up_delay


def test_where_there_would_be_too_many_groups_they_are_by_tier(monkeypatch):
    assert shared().groups == 7
    monkeypatch.setattr("sim.grouping.MOST_GROUPS", 6)
    assert shared().site.tolist() == TIER.tolist()


@pytest.mark.parametrize("most_sites", [1, 3, MOST_SITES])
def test_no_row_has_sites_of_two_chunks_or_groups_or_too_many(monkeypatch, most_sites):
    monkeypatch.setattr(histograms, "MOST_SITES", most_sites)
    grouping = shared()
    rows = Histograms(grouping, CHUNK, SITE, tally_of(grouping))
    for row in np.unique(rows.room_row):
        sites = np.flatnonzero(rows.room_row == row)
        assert np.unique(CHUNK[sites]).size == 1
        assert np.unique(grouping.site[sites]).size == 1
        assert sites.size <= most_sites


@pytest.mark.parametrize("most_sites", [1, 3, MOST_SITES])
def test_spans_are_added_up_by_group(monkeypatch, most_sites):
    monkeypatch.setattr(histograms, "MOST_SITES", most_sites)
    grouping = shared()
    tally = tally_of(grouping)
    rows = Histograms(grouping, CHUNK, SITE, tally)
    for _ in range(3):
        for site in range(10):
            rows.room[rows.room_row[site], 5] += site
            rows.up[rows.room_row[site], 6] += 10 * site
            rows.line[rows.line_row[site], 7] += 100 * site
            rows.line[rows.line_row[10 + site], 8] = MOST_COUNTED
        rows.add_up()
    sums = grouping.totals(np.arange(10))
    assert tally.room_delay[:, 5].tolist() == (3 * sums).tolist()
    assert tally.up_delay[:, 6].tolist() == (30 * sums).tolist()
    assert tally.line_delay[:7, 7].tolist() == (300 * sums).tolist()
    full = [np.unique(rows.room_row[grouping.site == group]).size for group in range(7)]
    assert tally.line_delay[7:, 8].tolist() == [3 * MOST_COUNTED * count for count in full]
    assert max(full) > 1
    assert tally.line_delay.sum() == tally.line_delay[:7, 7].sum() + tally.line_delay[7:, 8].sum()


def test_more_than_can_be_counted_in_a_span_is_refused():
    grouping = shared()
    rows = Histograms(grouping, CHUNK, SITE, tally_of(grouping))
    most = MOST_COUNTED // MOST_SITES
    rows.check(most)
    with pytest.raises(OverflowError, match=r"2,097,152 packets .* make the window shorter"):
        rows.check(most + 1)
    each = alone(TIER)
    Histograms(each, CHUNK, SITE, tally_of(each)).check(most + 1)
