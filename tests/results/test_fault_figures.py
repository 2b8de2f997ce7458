"""What faults did, in figures: recovery, moves, the load of backups, and the loss of others."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from sim.metrics.fault_losses import FaultLossMeter
from sim.results.fault_figures import fault_figures
from sim.results.tables import tables
from sim.scenario.model import FOREVER_NS
from sim.simulation import simulate
from tests.control.meetings import NOTHING
from tests.control.test_failing_over import BFD, EDITS, FRAME_NS, moved_ns
from tests.results.conftest import FAULTS
from tests.results.meetings import S
from tests.scenario.files import small

FAILED = "events: [{at: 3 s, fail: relay/79}, {at: 7.9 s, fail: room/27688}]\n"


@pytest.fixture(scope="module")
def failed():
    return simulate(small(*EDITS, append=BFD + FAILED), engine="reference")


def test_rooms_recover_by_moving(failed):
    relay, _ = fault_figures(failed)
    moved = moved_ns(failed.scenario)
    assert (relay.rooms_below, relay.rooms_dark, relay.rooms_unlit, relay.moved) == (2, 2, 0, 2)
    soon, late = sorted(at_ns - 3 * S for at_ns in moved.values())
    assert 0 < relay.recovery_p50_ns - soon < 2 * FRAME_NS
    assert 0 < relay.recovery_max_ns - late < 2 * FRAME_NS
    assert relay.recovery_p95_ns == relay.recovery_max_ns


def test_the_backup_was_as_full_as_its_fullest_bin(failed):
    relay, room = fault_figures(failed)
    backups = failed.measures.backups
    assert relay.backup_peak == backups.utilisation_peak.max() > 0
    assert (room.moved, np.isnan(room.backup_peak)) == (0, True)


def test_a_fault_that_darkens_nobody_has_no_recovery(failed):
    _, room = fault_figures(failed)
    # Its last packet is 0.1 s old at the end, and dark is what lasts longer than 1 s.
    assert (room.rooms_below, room.rooms_dark) == (1, 0)
    assert np.isnan([room.recovery_p50_ns, room.recovery_p95_ns, room.recovery_max_ns]).all()


def test_rooms_that_are_not_lit_have_no_recovery_time():
    lasting = "events: [{at: 3 s, fail: relay/79}, {at: 3 s, fail: room/27688, for: 2 s}]\n"
    relay, room = fault_figures(simulate(small(*EDITS[1:], append=lasting), engine="reference"))
    assert (relay.rooms_dark, relay.rooms_unlit) == (2, 2)
    assert np.isnan([relay.recovery_p50_ns, relay.recovery_max_ns]).all()
    assert (room.rooms_dark, room.rooms_unlit) == (1, 0)
    assert 2 * S < room.recovery_max_ns < 2 * S + 2 * FRAME_NS


def test_what_flaps_is_recovered_from_each_time():
    flap = "events: [{at: 1 s, flap: line/27688, for: 6 s, down: 1.5 s, up: 1.5 s}]\n"
    (line,) = fault_figures(simulate(small(*EDITS[1:], append=flap), engine="reference"))
    assert (line.rooms_dark, line.rooms_unlit) == (1, 0)
    assert 1.5 * S < line.recovery_max_ns < 1.5 * S + 2 * FRAME_NS


def test_what_others_lost_while_it_lasted_is_counted_apart(results):
    first, second = fault_figures(results)
    lost, rooms = results.measures.fault_lost, results.measures.endpoints
    ids = [results.network.sites[s].id for s in rooms.site]
    others = [i for i, site in enumerate(ids) if not site.startswith("794")]
    assert first.lost_untouched == lost[0, others].sum() > 0
    assert first.loss_untouched == max(lost[0, i] / rooms.due[i] for i in others)
    assert second.lost_untouched == lost[1].sum() - lost[1, ids.index("76900")]


def test_losses_are_those_of_the_bins_in_which_a_fault_lasts():
    faults = [
        dataclasses.replace(NOTHING, at_ns=at_ns, until_ns=until_ns)
        for at_ns, until_ns in ((0, 10), (12, 20), (15, 21), (19, 40), (29, FOREVER_NS))
    ]
    meter = FaultLossMeter(faults, 1, bin_ns=10, duration_ns=35)
    lost = {0: 0, 10: 1, 20: 10, 30: 100, 35: 1000, FOREVER_NS: 10_000}
    for now_ns, count in lost.items():
        if now_ns and meter.is_edge(now_ns):
            meter.pass_edge(now_ns, np.array([count]))
    assert meter.finish()[:, 0].tolist() == [1, 10 - 1, 100 - 1, 10_000 - 1, 10_000 - 10]


def test_the_table_has_it_all(results):
    assert results.scenario.faults == FAULTS
    table = {column.name: column.values for column in tables(results)["faults"]}
    assert table["rooms_below"].tolist() == [3, 1]
    assert table["moved"].tolist() == [0, 0]
    assert np.isnan(table["backup_peak"]).all()
    assert table["lost_untouched"].dtype == np.int64
