"""One number of a scenario file: found by its path, and set before anything is validated."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from sim.scenario.loader import load_text
from sim.scenario.varied import Change, dotted, find, inputs_digest, numbers, steps_of
from tests.scenario.files import ROOT

TINY = ROOT / "scenarios" / "tiny.yaml"
TEXT = TINY.read_text(encoding="utf-8")


def test_every_number_set_to_itself_gives_the_same_scenario():
    """So a number is found, cut and written back as the file has it, wherever it stands."""
    scenario = load_text(TEXT, TINY)
    paths = [steps for steps, _ in numbers(TINY, TEXT) if steps != ("seed",)]
    assert len(paths) > 40
    for steps in paths:
        written = find(TINY, TEXT, steps)
        assert written.path == dotted(steps)
        change = written.change(written.number, written.unit)
        assert load_text(TEXT, TINY, change=change) == scenario, written.path


@pytest.mark.parametrize(
    ("path", "number", "instead"),
    [
        ("streams.video.rate", "1.5", ("rate: 1 Mbit/s", "rate: 1.5 Mbit/s")),
        ("sites.generate.commune", "13", ("commune: 12", "commune: 13")),
        ("requirements.0.loss", "3", ("loss: at most 2 %", "loss: at most 3 %")),
        ("events.0.for", "3", ("for: 4 s", "for: 3 s")),
        ("streams.video.frames", "25", ("30/s", "25/s")),
        ("streams.video.key.size", "3", ("× 2.31", "× 3")),
        (
            "lines.commune.classes.radio.loss",
            "1",
            ("0.5 % in bursts of 4 packets", "1 % in bursts of 4 packets"),
        ),
    ],
)
def test_a_number_is_set_as_if_the_file_had_it(path, number, instead):
    written = find(TINY, TEXT, steps_of(path))
    change = written.change(Decimal(number), written.unit)
    by_hand = load_text(TEXT.replace(*instead, 1), TINY)
    assert load_text(TEXT, TINY, change=change) == by_hand
    assert by_hand != load_text(TEXT, TINY)


def test_a_name_with_dots_is_reached_in_quotes():
    text = TEXT.replace(
        "lines:\n", "lines:\n  except: {carrier/vnpt in site/a.b: {rate: 9 Mbit/s}}\n"
    )
    path = 'lines.except."carrier/vnpt in site/a.b".rate'
    assert find(TINY, text, steps_of(path)).number == 9
    assert dotted(steps_of(path)) == path


def test_there_must_be_a_value_to_change():
    with pytest.raises(KeyError, match=r"streams\.video\.rat"):
        load_text(TEXT, TINY, change=Change(steps=("streams", "video", "rat"), text="1 Mbit/s"))


def test_inputs_are_the_text_and_the_tables_it_names(tmp_path: Path):
    text = "sites: {file: a.csv}\nlines: {inventory: b.csv}\n"
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("id\n", encoding="utf-8")
    path = tmp_path / "s.yaml"
    seen = {inputs_digest(path, text), inputs_digest(path, text + "# more\n")}
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("id\nx\n", encoding="utf-8")
        seen.add(inputs_digest(path, text))
    assert len(seen) == 4
