"""Profiles of arrival become instants: by shares and windows, and by nobody else's luck."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sim.scenario.joining import before_ns
from sim.scenario.joining_model import EVERYBODY_IS_THERE, NEVER_NS, Arrival
from sim.scenario.joining_schema import ArriveFields
from sim.scenario.loader import load_text
from sim.scenario.resolved import resolved_text
from sim.scenario.short_form import short_form
from sim.scenario.signalling_model import AT_ONCE, RETRY, T1_NS, T2_NS
from tests.scenario.files import NOWHERE, edited, small

S = 10**9
MIN = 60 * S
MANY = 4_000
CROWD = (
    ("duration: 10 s", "duration: 10 min"),
    ("  table: |\n", "  generate: {province: 2, commune: 4000}\n"),
    ("  route: {factor: 1.5, per_km: 4.9 us}\n", ""),
    ("province: {carrier: vnpt,", "province: {delay: 1 ms, carrier: vnpt,"),
    ("    classes:\n", "    delay: 1 ms\n    classes:\n"),
)
ROWS = "    id, tier, parent, name, lat, lon, region\n"


def crowd(joining: str, **how: int):
    """Return the arrivals of many rooms, by site."""
    text = edited(*CROWD, append=joining)
    first, last = text.index(ROWS), text.index("relays:")
    scenario = load_text(text[:first] + text[last:], NOWHERE, **how)
    return scenario, {room.site: room for room in scenario.joining.rooms}


def test_without_the_sections_everybody_is_there_and_nobody_asks():
    scenario = small()
    assert (scenario.joining, scenario.signalling) == (EVERYBODY_IS_THERE, AT_ONCE)
    text = resolved_text(scenario)
    assert "joining" not in text
    assert "signalling" not in text


@pytest.mark.parametrize(
    ("arrive", "share_of"),
    [
        ("{from: 4 min, shape: uniform}", lambda x: x),
        ("{from: 4 min}", lambda x: x**4),
        ("{shares: {4 min: 20 %, 2 min: 80 %}}", lambda x: 0.4 * x if x < 0.5 else 1.6 * x - 0.6),
    ],
)
def test_calls_are_spread_as_the_profile_says(arrive, share_of):
    """Kolmogorov and Smirnov: a distance of 1.95 / sqrt(n) has a chance of 1 in 1,000."""
    _, rooms = crowd(f"joining: {{start: 5 min, arrive: {arrive}}}\n")
    assert len(rooms) == MANY
    passed = np.sort([(room.calls_ns - MIN) / (4 * MIN) for room in rooms.values()])
    assert passed[0] >= 0
    assert passed[-1] <= 1
    theory = np.array([share_of(x) for x in passed])
    below, above = np.arange(MANY) / MANY, np.arange(1, MANY + 1) / MANY
    distance = max(np.abs(theory - below).max(), np.abs(theory - above).max())
    assert distance < 1.95 / np.sqrt(MANY)
    assert np.abs(passed**2 - above).max() > 1.95 / np.sqrt(MANY), "another shape is noticed"


def test_a_window_closes_when_it_says_and_draws_at_its_ends_stay_inside():
    for fields in (
        {"from": "60 min", "until": "45 min"},
        {"from": "60 min", "until": "45 min", "shape": "uniform"},
        {"shares": {"60 min": "10 %", "50 min": "90 %"}, "until": "45 min"},
    ):
        arrive = ArriveFields.model_validate(fields)
        before = [before_ns(arrive, u) for u in (2.0**-53, 0.1, 0.5, 1 - 2.0**-53)]
        assert before == sorted(before, reverse=True)
        assert 45 * MIN <= before[-1] <= before[0] <= 60 * MIN
    assert before_ns(arrive, 0.1) == 50 * MIN
    late = ArriveFields.model_validate({"from": "60 min"})
    assert before_ns(late, 0.5) == 60 * MIN - int(0.5**0.25 * 60 * MIN)


def test_who_called_before_the_run_begins_is_there():
    """Of a window of 10 min half lies before the run: of the rooms (1/2)^4."""
    _, rooms = crowd("joining: {start: 5 min, arrive: {from: 10 min}}\n")
    assert abs(1 - len(rooms) / MANY - 0.5**4) < 4 * np.sqrt(0.06 / MANY)
    assert min(room.calls_ns for room in rooms.values()) >= 0


def test_late_comers_and_leavers():
    scenario, rooms = crowd(
        "joining: {start: 1 min, late: {share: 25 %, within: 2 min}, "
        "leave: {share: 40 %, after: 1 min}}\n"
    )
    late = [room for room in rooms.values() if room.calls_ns != NEVER_NS]
    assert abs(len(late) / MANY - 0.25) < 4 * np.sqrt(0.19 / MANY)
    assert all(MIN <= room.calls_ns < 3 * MIN for room in late)
    leavers = [room for room in rooms.values() if room.leaves_ns != NEVER_NS]
    assert abs(len(leavers) / MANY - 0.40) < 4 * np.sqrt(0.24 / MANY)
    assert all(2 * MIN <= room.leaves_ns < scenario.duration_ns for room in leavers)
    assert all(room.leaves_ns > room.calls_ns for room in leavers)
    assert abs(np.mean([room.leaves_ns for room in leavers]) / MIN - 6) < 0.25


def test_one_rooms_profile_moves_nobody_else():
    joining = "joining: {start: 1 min, arrive: {from: 1 min}, late: {share: 10 %, within: 1 min}"
    _, before = crowd(joining + "}\n")
    _, after = crowd(joining + ", except: {site/province-1: {arrive: none}}}\n")
    moved = {site for site in before if before[site] != after.get(site)}
    assert moved
    assert moved <= {f"commune-{n:04}" for n in range(1, 2001)}
    assert crowd(joining + "}\n", seed=3)[1] != before


def test_a_shorter_run_draws_the_same():
    joining = "joining: {start: 1 min, arrive: {from: 1 min}, leave: {share: 50 %}}\n"
    assert crowd(joining, duration_ns=30 * S)[1] == crowd(joining)[1]


def test_exceptions_give_what_differs_and_later_ones_win():
    scenario = small(
        append="""\
joining:
  start: 5 s
  arrive: {from: 1 s}
  leave: {share: 100 %, after: 1 s, within: 1 s}
  except:
    region/South: {arrive: {from: 3 s, until: 2 s}}
    site/27688: {arrive: none}
    tier/commune in site/80: {leave: none}
"""
    )
    rooms = {room.site: room for room in scenario.joining.rooms}
    assert set(rooms) == {"26734", "26737"}, "27688 is there from beginning to end"
    assert all(2 * S <= room.calls_ns <= 3 * S for room in rooms.values())
    assert all(6 * S <= room.leaves_ns < 7 * S for room in rooms.values())


def test_a_table_wins(tmp_path):
    joining = "joining:\n  start: 5 s\n  arrive: {from: 1 s}\n  file: arrivals.csv\n"
    (tmp_path / "arrivals.csv").write_text("site,leaves,calls\n26734,,2 s\n26737,8 s,\n27688,,\n")
    scenario = load_text(edited(append=joining), tmp_path / "test.yaml")
    assert scenario.joining.rooms == (
        Arrival(site="26734", calls_ns=2 * S, leaves_ns=NEVER_NS),
        Arrival(site="26737", calls_ns=NEVER_NS, leaves_ns=8 * S),
    )


def test_an_arrival_leaves_after_it_comes():
    with pytest.raises(ValueError, match="must be after calls_ns"):
        Arrival(site="a", calls_ns=5, leaves_ns=5)


def test_a_squeezed_form_has_every_call_in_proportion():
    scenario = small(
        append="""\
joining:
  start: 5 s
  table: |
    site, calls, leaves
    26734, 2 s, 2000000001 ns
    26737, , 8 s
    27688, 30 s,
check: {duration: 1 s, timetable: squeezed}
"""
    )
    short = short_form(scenario).joining
    assert short.start_ns == S // 2
    assert [(room.calls_ns, room.leaves_ns) for room in short.rooms] == [
        (S // 5, S // 5 + 1),
        (NEVER_NS, 8 * S // 10),
        (3 * S, NEVER_NS),
    ]
    cut = replace(scenario, check=replace(scenario.check, timetable="cut"))
    assert short_form(cut).joining == scenario.joining


def test_signalling_is_resolved_with_its_defaults():
    scenario = small(append="signalling: {servers: {central: {rate: 0.5/s}}}\n")
    rules = scenario.signalling
    (server,) = rules.servers
    assert (server.site, server.service, server.service_ns) == ("central", "fixed", 2 * S)
    assert (server.workers, server.queue, server.full, server.joins) == (1, -1, "refuse", 0)
    assert (rules.sequence, rules.other) == ("sip", ())
    assert [step.name for step in rules.sequences[0].steps] == ["register", "invite", "media"]
    assert (rules.t1_ns, rules.t2_ns, rules.retry) == (T1_NS, T2_NS, RETRY)


def test_a_tier_has_a_server_at_each_of_its_relay_sites():
    scenario = small(
        append="signalling:\n"
        "  servers: {central: {rate: 3/s}, province: {rate: 30/min, joins: 9/min}}\n"
    )
    servers = {server.site: server for server in scenario.signalling.servers}
    assert list(servers) == ["79", "80", "central"]
    assert servers["central"].service_ns == 333_333_333
    assert (servers["80"].service_ns, servers["80"].joins, servers["80"].joins_span_ns) == (
        2 * S,
        9,
        MIN,
    )


def test_sequences_by_selection():
    scenario = small(
        append="""\
signalling:
  servers: {central: {rate: 3/s}}
  except: {site/79: webrtc, site/26737: none, region/Delta: webrtc}
"""
    )
    assert scenario.signalling.other == (
        ("26734", "webrtc"),
        ("26737", "none"),
        ("27688", "webrtc"),
        ("79", "webrtc"),
    )
    assert [each.name for each in scenario.signalling.sequences] == ["none", "sip", "webrtc"]
