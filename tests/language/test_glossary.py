"""The glossary and the catalogue use the same words, everywhere."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from babel.messages.catalog import Message

from tests.language.leftovers import FIELD, messages, translation

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


def terms() -> list[Term]:
    rows = [ROW.fullmatch(line) for line in PAGE.read_text(encoding="utf-8").splitlines()]
    found = []
    for row in rows:
        if row and row[1] not in ("English", "---"):
            bold = BOLD.search(row[2])
            found.append(Term(tuple(row[1].split(", ")), bold[1] if bold else row[2], bool(bold)))
    return found


def spelt() -> dict[str, Term]:
    return {spelling: term for term in terms() for spelling in term.english}


def terms_in(text: str) -> set[Term]:
    """Return the terms of an English text, in the singular or the plural: the longest that fit."""
    known = spelt()
    longest_first = sorted(map(re.escape, known), key=len, reverse=True)
    # Names of values are not said, and "up to" is about no way.
    text = FIELD.sub("", text).replace("up to", "at most").lower()
    found = re.findall(rf"(?<![\w-])({'|'.join(longest_first)})(?:s|es)?(?![\w-])", text)
    return {known[spelling] for spelling in found}


SAID = [term for term in terms() if term.said]


def test_every_word_of_the_contract_has_a_row():
    assert set(spelt()) >= CORE


def test_a_spelling_has_one_row():
    spellings = [spelling for term in terms() for spelling in term.english]
    assert len(set(spellings)) == len(spellings)


@pytest.mark.parametrize("term", SAID, ids=str)
def test_what_the_glossary_says_is_said(term: Term) -> None:
    assert any(term.vietnamese in translation(message).lower() for message in messages())


@pytest.mark.parametrize("message", messages(), ids=lambda message: str(message.id)[:40])
def test_terms_are_translated_as_the_glossary_has_them(message: Message) -> None:
    texts = message.id if message.pluralizable else (message.id,)
    said = translation(message).lower().replace("\n", " ")
    # Other words than those of the contract are parts of idioms, too: "on its way".
    found = {term for term in set.union(*map(terms_in, texts)) if CORE & set(term.english)}
    assert not {term.vietnamese for term in found if term.said and term.vietnamese not in said}


def test_a_term_is_found_in_its_plural_and_not_in_another():
    assert {str(term) for term in terms_in("Lines, by the tier")} == {"line", "tier"}
    assert not terms_in("an online line-up of {relay}")
    assert {str(term) for term in terms_in("no packet in 3 packet-hops")} == {
        "packet",
        "packet-hop",
    }
    assert {str(term) for term in terms_in("its access class")} == {"access class"}
