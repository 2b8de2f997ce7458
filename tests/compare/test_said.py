"""How a comparison is said: on a page, to CI systems, in a pull request, in two languages."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from sim.compare import wording
from sim.compare.comparison import Change, Status
from sim.compare.findings import LISTS, TABLES
from sim.compare.junit import junit
from sim.compare.machine import checks_text
from sim.compare.markdown import escaped, markdown
from sim.compare.measure import MEASURES
from sim.compare.page import MOST_ROWS, print_checks
from sim.language.language import Language
from sim.terminal import Reader
from tests.compare.made import checked, findings, held, of_meeting, row

EN, VI = Language("en"), Language("vi")
EVIL = "<b>|`x`*_[a](http://b)@all #1\x1b[2J\u202e\n</b>&amp;"


def branches(before, now, place="Tỉnh Cà Mau"):
    """Compare two runs with a branch each: loss in per cent."""
    return held(
        findings(
            fingerprint="a", tables={"branches": {"96": row({"loss_percent": before}, place=place)}}
        ),
        findings(
            fingerprint="b", tables={"branches": {"96": row({"loss_percent": now}, place=place)}}
        ),
    )


@pytest.mark.parametrize(
    ("comparison", "said", "state"),
    [
        (
            branches("0.05", "0.9"),
            "WORSE, 1 of 1 figures; loss in Tỉnh Cà Mau 0.05 % → 0.9 %",
            "worse",
        ),
        (
            branches("0.9", "0.05"),
            "BETTER, 1 of 1 figures; loss in Tỉnh Cà Mau 0.9 % → 0.05 %",
            "better",
        ),
        (branches("0.9", "0.91"), "WITHIN TOLERANCE, 1 of 1 figures differ", "within"),
        (branches("1", "1"), "SAME, the fingerprint differs and 1 figure does not", "same"),
        (held(findings(), findings()), "EQUAL, by the fingerprint of all results", "equal"),
        (
            of_meeting({"packets_due": 1_234_567}, {"packets_due": 2_000_000}),
            "CHANGED, 1 of 1 figures; packets due of the meeting 1,234,567 → 2,000,000",
            "changed",
        ),
        (
            of_meeting({"delay_p50_ms": "12.3"}, {"delay_p50_ms": "1234"}),
            "WORSE, 1 of 1 figures; delay p50 of the meeting 12.3 ms → 1.234 s",
            "worse",
        ),
    ],
)
def test_the_answer_is_in_the_first_line(comparison, said, state):
    assert wording.answer(comparison, EN) == said
    assert wording.state(comparison) == state
    assert page(comparison).splitlines()[0] == f"made: {said}"


def test_the_answer_in_vietnamese():
    assert wording.answer(branches("0.05", "1234.5"), VI) == (
        "XẤU ĐI, 1 trên 1 số liệu; mất gói tại Tỉnh Cà Mau 0,05 % → 1.234,5 %"
    )


def every_change():
    for part in (*TABLES, *LISTS):
        for measure in (*MEASURES, ""):
            for status in Status:
                yield Change(
                    part=part, subject="a down", measure=measure, status=status, fails=True
                )


@pytest.mark.parametrize("language", [EN, VI], ids=["en", "vi"])
def test_every_figure_of_every_part_can_be_said(language):
    for change in every_change():
        assert wording.sentence(change, language)
        assert wording.tolerance_text(change, language)
        # A measure without words of its own would show its name in the file.
        assert "_" not in wording.name(change, language)


def page(*comparisons, language=EN, written=False):
    out = Console(file=io.StringIO(), width=160, no_color=True)
    checks = [checked(each, written=written) for each in comparisons]
    print_checks(checks, Reader(out, language), accept=["python", "-m", "sim", "check", "--update"])
    return out.file.getvalue()


def test_the_page_shows_before_now_tolerance_and_a_way_out():
    said = page(branches("0.05", "0.9"))
    (line,) = [line for line in said.splitlines() if line.startswith("worse")]
    assert line.split("  ")[0] == "worse"
    for text in ("loss in Tỉnh Cà Mau", "0.05 %", "0.9 %", "0.01 % or × 1.05"):
        assert text in line
    assert said.splitlines()[-1] == "If that is meant: python -m sim check --update made.yaml"


def test_after_an_update_nobody_is_told_to_update():
    said = page(branches("0.05", "0.9"), written=True)
    assert "If that is meant" not in said
    assert said.splitlines()[-1] == "Written: baseline/made.json"


def test_improvements_come_after_what_is_worse():
    comparison = of_meeting(
        {"loss_percent": 1, "delay_p50_ms": 50}, {"loss_percent": 2, "delay_p50_ms": 5}
    )
    words = [line.split()[0] for line in page(comparison).splitlines() if line.strip()]
    assert words.index("worse") < words.index("better")


def test_many_lines_do_not_hide_their_province():
    figures = {f"{i}": row({"loss_percent": 0}) for i in range(MOST_ROWS + 3)}
    worse = {name: row({"loss_percent": 5}) for name in figures}
    comparison = held(
        findings(fingerprint="a", tables={"branches": figures, "streams": figures}),
        findings(fingerprint="b", tables={"branches": worse, "streams": worse}),
    )
    lines = page(comparison).splitlines()
    assert sum("loss in" in line for line in lines[1:]) == MOST_ROWS
    assert sum("loss of stream" in line for line in lines) == MOST_ROWS
    assert any("and 6 more" in line for line in lines)


def test_another_seed_and_another_length_are_said():
    comparison = branches(1, 2)
    comparison = replace(
        comparison, now=replace(comparison.now, seed=2, duration_ns=2 * 10**9, timetable="squeezed")
    )
    said = page(comparison)
    assert "The seed was 1 and is 2: another luck, so figures differ by chance." in said
    assert "The short form lasted 1 s and lasts 2 s." in said
    assert "The timetable was cut and is squeezed." in said


def test_names_are_shown_on_a_terminal_and_not_obeyed():
    said = page(branches(1, 2, place=EVIL))
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert "\\x1b[2J" in said


# What the JUnit schema of Jenkins asks for, and what readers rely on.
SUITE = {"name", "tests", "failures", "errors", "skipped", "time"}


def test_junit_is_what_ci_systems_read():
    both = of_meeting({"loss_percent": 1, "rooms_dark": 0}, {"loss_percent": 2, "rooms_dark": 0})
    text = junit([checked(both), checked(held(findings(), findings()))])
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites ')
    root = ET.fromstring(text.encode())
    assert root.tag == "testsuites"
    assert {suite.tag for suite in root} == {"testsuite"}
    for suite in root:
        assert set(suite.attrib) == SUITE
        cases = suite.findall("testcase")
        assert int(suite.get("tests")) == len(cases) > 0
        assert int(suite.get("failures")) == len(suite.findall("testcase/failure"))
        assert float(suite.get("time")) >= 0
        # Cases stand before the output, and have a class, a name and at most one failure.
        assert [child.tag for child in suite] == ["testcase"] * len(cases) + ["system-out"]
        for case in cases:
            assert set(case.attrib) == {"classname", "name", "time"}
            assert len(case) <= 1
            for failure in case:
                assert failure.tag == "failure"
                assert set(failure.attrib) == {"type", "message"}
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("3", "1", "0")
    (failure,) = root.iter("failure")
    assert failure.get("type") == "worse"
    assert failure.get("message") == "1 % → 2 %; tolerance 0.01 % or × 1.05"
    assert failure.text == "made.yaml: loss of the meeting 1 % → 2 %"


def test_junit_holds_names_that_xml_has_no_place_for():
    text = junit([checked(branches(1, 2, place=f"{EVIL}\x00\ufffe\ud800"))])
    (case,) = ET.fromstring(text.encode()).iter("testcase")
    assert case.get("name").startswith(
        "loss in <b>|`x`*_[a](http://b)@all #1\\x1b[2J\\u202e\\n</b>"
    )
    # XML 1.0, production 2: the characters a document may have.
    allowed = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")
    assert allowed.fullmatch(text)


def test_markdown_shows_names_and_makes_nothing_of_them():
    text = markdown([checked(branches("0.05", "0.9", place=EVIL))], EN)
    lines = text.splitlines()
    assert lines[0].startswith("- ❌ **made**: WORSE, 1 of 1 figures; loss in &#60;b&#62;&#124;")
    (table_row,) = [line for line in lines if line.startswith("| **worse**")]
    # Six bars: five cells.
    assert table_row.count("|") == 6
    named = table_row.split("|")[2]
    assert not set(named.replace("&#", "").replace(";", "")) & set("<>|`*_[]()@#&/:")
    assert "\\" not in named
    # Somebody of that name would be notified, and the number linked.
    assert "&#64;&#8288;all" in named
    assert "&#35;&#8288;1" in named


def test_markdown_is_escaped_character_by_character():
    assert escaped("a|b\nc") == "a&#124;b&#92;nc"
    assert escaped("www.a-b.vn") == "www&#46;a-b.vn"
    assert escaped("Tỉnh Cà Mau › Huyện Năm Căn, 0.05 % → 0.9 %") == (
        "Tỉnh Cà Mau › Huyện Năm Căn, 0.05 % → 0.9 %"
    )


def test_json_has_every_figure():
    comparison = of_meeting({"loss_percent": "0.05", "rooms_dark": 1}, {"loss_percent": 2})
    read = json.loads(checks_text([checked(comparison)]))
    assert read["failed"] is True
    (scenario,) = read["scenarios"]
    assert (scenario["state"], scenario["fingerprint"], scenario["fingerprint_before"]) == (
        "worse",
        "b",
        "a",
    )
    assert [
        (figure["measure"], figure["before"], figure["now"], figure["status"], figure["fails"])
        for figure in scenario["figures"]
    ] == [("rooms_dark", 1, None, "gone", True), ("loss_percent", 0.05, 2, "worse", True)]
