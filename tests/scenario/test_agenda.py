"""The agenda: turns in order, up to the next, the end, or where a run was cut short."""

from __future__ import annotations

import pytest

from sim.errors import ScenarioError
from sim.scenario.loader import load, load_text
from sim.scenario.model import Turn
from sim.scenario.resolved import resolved_text
from tests.scenario.files import NOWHERE, edited, problems_of

SECOND = 10**9
SPEECH = (
    "frames: 30/s}",
    "frames: 30/s}\n  speech: {from: speaker, rate: 40 kbit/s, every: 20 ms}",
)
AGENDA = """\
agenda:
  - {at: 6 s, floor: "27688"}
  - {at: 1 s, floor: "26734", for: 2 s}
  - {at: 4 s, floor: "26737"}
"""


def turn(at_s: int, until_s: int, site: str) -> Turn:
    return Turn(at_ns=at_s * SECOND, until_ns=until_s * SECOND, site=site)


def test_a_turn_lasts_for_its_time_or_until_the_next_or_the_end():
    scenario = load_text(edited(SPEECH, append=AGENDA), NOWHERE)
    assert scenario.agenda == (turn(1, 3, "26734"), turn(4, 6, "26737"), turn(6, 10, "27688"))


@pytest.mark.parametrize(
    ("duration_s", "agenda"),
    [
        (20, (turn(1, 3, "26734"), turn(4, 6, "26737"), turn(6, 20, "27688"))),
        (5, (turn(1, 3, "26734"), turn(4, 5, "26737"))),
        (4, (turn(1, 3, "26734"),)),
        (2, (turn(1, 2, "26734"),)),
        (1, ()),
    ],
)
def test_another_duration_cuts_the_agenda_and_still_resolves(tmp_path, duration_s, agenda):
    path = tmp_path / "small.yaml"
    path.write_text(edited(SPEECH, append=AGENDA), encoding="utf-8")
    scenario = load(path, duration_ns=duration_s * SECOND)
    assert scenario.agenda == agenda
    assert load_text(resolved_text(scenario), NOWHERE) == scenario


def test_a_turn_beyond_the_file_s_own_end_is_wrong_however_long_the_run(tmp_path):
    path = tmp_path / "small.yaml"
    text = 'agenda:\n  - {at: 12 s, floor: "26734"}\n'
    path.write_text(edited(SPEECH, append=text), encoding="utf-8")
    with pytest.raises(ScenarioError, match="12 s is not before the end of the meeting, 10 s"):
        load(path, duration_ns=20 * SECOND)


def test_two_hundred_turns_are_allowed():
    turns = "".join(f'  - {{at: {n} ms, floor: "26734"}}\n' for n in range(200))
    assert problems_of(edited(SPEECH, append=f"agenda:\n{turns}")) == []


def test_whoever_has_the_floor_is_among_the_sites_drawn():
    communes = ("26734", "26737", "27688")
    for site in communes:
        text = edited(
            SPEECH,
            ("  table: |", "  count: {commune: 1}\n  table: |"),
            append=f'agenda:\n  - {{at: 1 s, floor: "{site}"}}\n',
        )
        scenario = load_text(text, NOWHERE)
        assert [each.id for each in scenario.sites if each.id in communes] == [site]
