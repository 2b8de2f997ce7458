"""The report in Vietnamese: all of it, in columns, with the figures of the English one."""

from __future__ import annotations

import dataclasses
import io
import re
from pathlib import Path

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console

from sim.language.language import Language
from sim.report.page import print_report
from sim.results.run import Results
from sim.terminal import Reader
from tests.language.leftovers import names, not_vietnamese
from tests.results.conftest import FAULTS, with_many_turns

FOLDER = Path("results/talk/1")
CELL = re.compile(r"\S+(?: \S+)*")


@pytest.fixture(scope="module")
def eventful(talk_results: Results) -> Results:
    """All that the report can speak of: relays that choose, ratings, faults, many turns."""
    talk_results = with_many_turns(talk_results)
    measures, rooms = talk_results.measures, talk_results.measures.endpoints
    milder = dataclasses.replace(
        FAULTS[1], label="degrade line/76901", lines=("76901",), added_loss=0.025
    )
    lucky = dataclasses.replace(FAULTS[0], label="fail nothing", relays=(), rooms=())
    return dataclasses.replace(
        talk_results,
        scenario=dataclasses.replace(
            talk_results.scenario, faults=(*FAULTS, milder, lucky), late_faults=2
        ),
        measures=dataclasses.replace(
            measures,
            fault_lost=measures.fault_lost[[0, 1, 1, 0]],
            sources=dataclasses.replace(
                measures.sources,
                unselected=measures.sources.sent // 4,
                composed=measures.sources.sent // 2,
            ),
            endpoints=dataclasses.replace(
                rooms,
                mos=np.linspace(4.5, 2, rooms.site.size),
                video_quality=np.linspace(1, 3.25, rooms.site.size),
            ),
            # Of groups the report says only that there are some.
            groups=measures.groups or object(),
        ),
        # What is required is said by tests of its own.
        verdicts=(),
    )


def printed(results: Results, code: str, width: int = 300) -> str:
    out = Console(file=io.StringIO(), width=width, no_color=True)
    print_report(results, FOLDER, Reader(out, Language(code)))
    return out.file.getvalue()


def tables(text: str) -> list[list[str]]:
    """Return the lines of each table, without its title."""
    _, _, after_the_verdict = text.split("\n", maxsplit=2)
    *blocks, _ = after_the_verdict.split("\n\n")
    return [block.splitlines()[1:] for block in blocks]


def test_no_word_is_left_in_english(eventful):
    known = [*names(eventful.scenario), str(FOLDER)]
    assert not not_vietnamese(printed(eventful, "vi"), known)
    # The test would see one.
    assert {"frozen", "outage", "utilisation", "worst"} <= not_vietnamese(
        printed(eventful, "en"), known
    )


def test_a_figure_is_the_same_but_for_its_marks(eventful):
    english, vietnamese = (
        re.findall(r"\d[\d.,:]*\d|\d", printed(eventful, code)) for code in ("en", "vi")
    )
    swapped = [figure.translate(str.maketrans(",.", ".,")) for figure in english]
    # The order of words in a sentence differs, and with it that of its figures.
    assert sorted(vietnamese) == sorted(swapped)
    assert any("." in figure for figure in vietnamese)
    assert any("," in figure for figure in vietnamese)


def test_columns_stand_below_their_headings(eventful):
    found = tables(printed(eventful, "vi"))
    assert len(found) == 8
    for lines in found:
        assert len({cell_len(line) for line in lines}) == 1
        # A table with headings of two lines has the first of them, which has one, on the second.
        last = 1 if lines[0].startswith(" ") else 0
        for row in lines[last + 1 :]:
            cells = list(CELL.finditer(row))
            starts, ends = {cell.start() for cell in cells}, {cell.end() for cell in cells}
            for heading in CELL.finditer(lines[last]):
                assert heading.start() in starts or heading.end() in ends, (heading[0], row)
