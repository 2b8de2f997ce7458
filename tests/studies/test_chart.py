"""The capacity curve: the data it draws, and that it can draw the odd cases."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from sim.language.language import ENGLISH, Language
from sim.plots.capacity_curve import curves, draw, draw_capacity
from sim.plots.style import style
from sim.studies.answer import Answer, answer_of
from sim.studies.curve import curve_table, share_of_limit
from sim.studies.over import read_over
from sim.studies.point import Point
from tests.studies.conftest import judged, points
from tests.studies.test_over import written


def answer(*verdicts: tuple[float, str], over: str = "1..9 Mbit/s") -> Answer:
    return answer_of(read_over(over, written()), points(*verdicts))


def test_a_curve_is_the_value_over_the_limit_at_every_number():
    found = curves(answer((1, "++"), (3, "+-"), (5, "--"), (9, "-+")))
    assert [curve.number for curve in found] == [1, 2]
    assert [curve.label for curve in found] == ["requirement 0", "requirement 1"]
    assert found[0].x.tolist() == [1, 3, 5, 9]
    assert found[0].y.tolist() == [0.5, 0.5, 2, 2]
    assert found[0].breaks == (4,)
    assert found[1].breaks == (2, 7)


def test_what_is_not_known_is_not_drawn_as_zero():
    assert share_of_limit(judged(True, value=0.2, limit=0.4)) == 0.5
    assert share_of_limit(replace(judged(False), value=None)) is None
    assert share_of_limit(judged(True, value=0.0, limit=0.0)) == 0
    assert share_of_limit(judged(False, value=0.1, limit=0.0)) is None
    opinion = replace(judged(False, value=3.0, limit=3.6), measure="mos", sense="at least")
    assert share_of_limit(opinion) == pytest.approx(1.2)
    nothing = Point(amount="9", requirements=(replace(judged(False), value=None),), packet_hops=1)
    over = read_over("1..9 Mbit/s", written())
    (curve,) = curves(answer_of(over, {**points((1, "+")), Decimal(9): nothing}))
    assert np.isnan(curve.y).tolist() == [False, True]


def test_the_table_has_a_row_for_each_number_and_requirement():
    table = {column.name: column for column in curve_table(answer((1, "+-"), (9, "--")))}
    assert table["number"].values.tolist() == [1, 1, 9, 9]
    assert table["number"].unit == "Mbit/s"
    assert table["requirement"].values.tolist() == [0, 1, 0, 1]
    assert table["met"].values.tolist() == [1, 0, 0, 0]
    assert table["share_of_limit"].values.tolist() == [0.5, 2, 2, 2]
    # Nobody is to blame in what was invented.
    assert table["blame_kind"].values == [""] * 4
    assert np.isnan(table["blame_lost"].values).all()


CASES = {
    "one point each end": answer((1, "+"), (9, "-")),
    "nothing breaks": answer((1, "++"), (9, "++")),
    "never met": answer((1, "--"), (9, "--")),
    "many": answer((1, "+" * 12), (2, "-" * 12), (9, "-+" * 6)),
    "decades": answer((1, "+"), (30, "-"), (2000, "-"), over="1..2000 Mbit/s"),
    "far above": answer_of(
        read_over("1..9 Mbit/s", written()),
        {
            Decimal(1): Point(amount="1", requirements=(judged(True, value=0.0),), packet_hops=1),
            Decimal(9): Point(amount="9", requirements=(judged(False, value=4e4),), packet_hops=1),
        },
    ),
    "nothing arrives": answer_of(
        read_over("1..9 Mbit/s", written()),
        {
            Decimal(number): Point(
                amount=f"{number}",
                requirements=(replace(judged(False), value=None),),
                packet_hops=1,
            )
            for number in (1, 9)
        },
    ),
}


@pytest.mark.parametrize("language", ["en", "vi"])
@pytest.mark.parametrize("case", CASES)
def test_odd_studies_can_be_drawn(case: str, language: str, tmp_path: Path):
    files = draw_capacity(CASES[case], tmp_path, scenario="odd", language=Language(language))
    assert [file.name for file in files] == ["capacity.png", "capacity.svg"]
    assert all(file.stat().st_size > 1000 for file in files)


def test_the_same_study_is_drawn_as_the_same_bytes(tmp_path):
    drawn = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        files = draw_capacity(CASES["many"], folder, scenario="odd", language=ENGLISH)
        drawn.append([file.read_bytes() for file in files])
    assert drawn[0] == drawn[1]


def test_breaks_are_marked_by_their_numbers_and_named_below():
    with style():
        figure = draw(
            answer((1, "++"), (3, "+-"), (5, "--"), (9, "--")), scenario="x", language=ENGLISH
        )
    (axes,) = figure.axes
    marks = [(text.get_text(), text.xy[0]) for text in axes.texts]
    assert marks == [("2", 2.0), ("1", 4.0)]
    (legend,) = figure.legends
    labels = [text.get_text() for text in legend.get_texts()]
    assert "1  requirement 0: breaks between 3 and 5 Mbit/s" in labels
    assert "2  requirement 1: breaks between 1 and 3 Mbit/s" in labels
    assert "all met together" in labels
    assert "in the scenario: 2 Mbit/s" in labels


def test_each_requirement_differs_in_dashes_and_mark_not_in_colour_alone():
    with style():
        figure = draw(CASES["many"], scenario="x", language=ENGLISH)
    lines = [line for line in figure.axes[0].lines if str(line.get_label())[0].isdigit()]
    assert len(lines) == 12
    assert len({line.get_marker() for line in lines[:7]}) == 7
    assert len({line._unscaled_dash_pattern for line in lines[:7]}) == 7
