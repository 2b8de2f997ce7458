"""The glossary and the catalogue use the same words, everywhere."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.language.leftovers import messages, translation

PAGE = Path(__file__).parents[2] / "docs" / "glossary.md"
BOLD = re.compile(r"\*\*(.+?)\*\*")
ROW = re.compile(r"\| ([^|]+) \| ([^|]+) \| ([^|]+) \|")
# The words by which all parts of the program agree.
CORE = {
    *("site", "relay", "endpoint", "line", "primary", "backup", "egress", "transmitter", "stream"),
    *("layer", "window", "control plane", "data plane", "packet-hop", "run", "study", "dark"),
    *("risk group", "loss", "delay", "jitter", "freeze", "requirement", "outage", "policer"),
    *("queue", "port"),
}


@dataclass(frozen=True)
class Term:
    """A row: the English spellings, the Vietnamese (what is bold of it), whether it is said."""

    english: tuple[str, ...]
    vietnamese: str
    said: bool

    def __str__(self) -> str:
        return self.english[0]

    def is_in(self, text: str) -> bool:
        """Return whether an English text has the term, in the singular or the plural."""
        text = text.replace("up to", "at most")
        spellings = "|".join(re.escape(word) for word in self.english)
        return re.search(rf"(?<![\w-])({spellings})(s|es)?(?![\w-])", text, re.I) is not None


def terms() -> list[Term]:
    rows = [ROW.fullmatch(line) for line in PAGE.read_text(encoding="utf-8").splitlines()]
    found = []
    for row in rows:
        if row and row[1] not in ("English", "---"):
            bold = BOLD.search(row[2])
            found.append(Term(tuple(row[1].split(", ")), bold[1] if bold else row[2], bool(bold)))
    return found


SAID = [term for term in terms() if term.said]


def test_every_word_of_the_contract_has_a_row():
    assert {spelling for term in terms() for spelling in term.english} >= CORE


def test_a_spelling_has_one_row():
    spellings = [spelling for term in terms() for spelling in term.english]
    assert len(set(spellings)) == len(spellings)


@pytest.mark.parametrize("term", SAID, ids=str)
def test_what_the_glossary_says_is_said(term: Term) -> None:
    assert any(term.vietnamese in translation(message).lower() for message in messages())


@pytest.mark.parametrize("term", SAID, ids=str)
def test_a_term_is_translated_as_the_glossary_has_it(term: Term) -> None:
    for message in messages():
        texts = message.id if message.pluralizable else (message.id,)
        if any(term.is_in(text) for text in texts):
            said = translation(message).lower().replace("\n", " ")
            assert term.vietnamese in said, message.id


def test_a_term_is_found_in_its_plural_and_not_in_another():
    line, packet = Term(("line",), "tuyến", True), Term(("packet",), "gói tin", True)
    assert line.is_in("Lines, by the tier")
    assert not line.is_in("an online line-up")
    assert packet.is_in("no packet, no room")
    assert not packet.is_in("3 packet-hops")
