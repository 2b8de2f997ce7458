"""Comparisons as JUnit XML, which CI systems show: a suite for a scenario, a case for a figure.

The schema is the one that Jenkins and others read: testsuites, testsuite, testcase, failure. A
scenario that equals its baseline by the fingerprint has one case, which says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from sim.compare import wording
from sim.compare.comparison import Change
from sim.compare.page import Checked
from sim.language.language import ENGLISH
from sim.units import printable


def junit(checks: Sequence[Checked]) -> str:
    """Return some checks as an XML document, in English."""
    suites = ET.Element("testsuites", name="sim check")
    for check in checks:
        _suite(suites, check)
    for total in ("tests", "failures", "errors"):
        suites.set(total, str(sum(int(suite.get(total, "0")) for suite in suites)))
    suites.set("time", f"{sum(check.wall_s for check in checks):.3f}")
    ET.indent(suites)
    text = ET.tostring(suites, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _suite(suites: ET.Element, check: Checked) -> None:
    comparison = check.comparison
    failing = comparison.failing
    suite = ET.SubElement(
        suites,
        "testsuite",
        name=_shown(comparison.now.scenario),
        tests=str(max(len(comparison.changes), 1)),
        failures=str(len(failing)),
        errors="0",
        skipped="0",
        time=f"{check.wall_s:.3f}",
    )
    answer = _shown(wording.answer(comparison, ENGLISH))
    if not comparison.changes:
        _case(suite, comparison.now.scenario, answer)
    for change in comparison.changes:
        classname = f"{comparison.now.scenario}.{change.part}"
        case = _case(suite, classname, wording.name(change, ENGLISH))
        if change.fails:
            ET.SubElement(
                case, "failure", type=change.status.value, message=_message(change)
            ).text = _shown(f"{check.path}: {wording.sentence(change, ENGLISH)}")
    ET.SubElement(suite, "system-out").text = answer


def _case(suite: ET.Element, classname: str, name: str) -> ET.Element:
    return ET.SubElement(
        suite, "testcase", classname=_shown(classname), name=_shown(name), time="0"
    )


def _message(change: Change) -> str:
    if not change.measure:
        return change.status.value
    was, is_ = wording.before(change, ENGLISH), wording.now(change, ENGLISH)
    return _shown(f"{was} → {is_}; tolerance {wording.tolerance_text(change, ENGLISH)}")


def _shown(text: str) -> str:
    """Return a text that XML can hold: it has no place for control characters or half ones."""
    return printable(text)
