"""The Vietnamese catalogue holds what the code says: no less, no more, with the same values."""

from __future__ import annotations

import string
import unicodedata
from importlib.resources import files
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from rich.cells import cell_len

from sim.language import words
from sim.language.language import Language
from sim.metrics.measures import CAUSES
from tests.language.leftovers import messages, translation

SIM = Path(__file__).parents[2] / "sim"
# How texts are said: `say(text)` and `say_count(n, one, many)`.
KEYWORDS = {"say": None, "say_count": (2, 3)}


def said_in_code() -> dict[str | tuple[str, ...], str]:
    """Return each text that the code says, and where."""
    found = extract_from_dir(SIM, method_map=[("**.py", "python")], keywords=KEYWORDS)
    return {text: f"sim/{file}:{line}" for file, line, text, _, _ in found}


def catalogue() -> Catalog:
    with (files("sim.language") / "vi.po").open("rb") as file:
        return read_po(file, locale="vi", abort_invalid=True)


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_text_that_the_code_says_is_translated():
    known = {message.id for message in messages()}
    missing = {text: place for text, place in said_in_code().items() if text not in known}
    assert not missing


def test_the_catalogue_has_no_text_that_nobody_says():
    assert {message.id for message in messages()} <= set(said_in_code())
    assert not catalogue().obsolete


def test_a_translation_shows_the_same_values():
    for message in messages():
        texts = message.id if message.pluralizable else (message.id,)
        translated = translation(message)
        assert translated, message.id
        assert not message.fuzzy, message.id
        assert fields(translated) == set.union(*map(fields, texts)), message.id


def test_a_translation_is_as_wide_on_a_terminal_as_it_has_letters():
    for message in messages():
        said = translation(message)
        assert unicodedata.is_normalized("NFC", said), message.id
        assert cell_len(said.replace("\n", "")) == len(said.replace("\n", "")), message.id


def test_every_cause_of_loss_has_its_word():
    said = [words.cause(Language("vi"), cause) for cause in CAUSES]
    assert len(set(said)) == len(CAUSES)
    assert [words.cause(Language("en"), cause) for cause in CAUSES] == list(CAUSES)


def test_a_text_that_is_not_in_the_catalogue_is_an_error():
    assert Language("en").say("never said") == "never said"
    with pytest.raises(KeyError, match="never said"):
        Language("vi").say("never said")


def test_there_is_no_third_language():
    with pytest.raises(ValueError, match="'fr' is not a valid Code"):
        Language("fr")
