"""What a Vietnamese page has that is not Vietnamese: whoever says something past the catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.resources import files

from babel.messages.catalog import Message
from babel.messages.pofile import read_po

from sim.scenario.model import Scenario
from sim.units import RATES, SIZES, TIMES

WORD = re.compile(r"[^\W\d_]+")
FIELD = re.compile(r"{\w+}")


def messages() -> list[Message]:
    """Return all of the Vietnamese catalogue but its head."""
    with (files("sim.language") / "vi.po").open("rb") as file:
        catalogue = read_po(file, locale="vi", abort_invalid=True)
    return [message for message in catalogue if message.id]


def translation(message: Message) -> str:
    """Return what is said in Vietnamese; there is no plural."""
    return message.string[0] if message.pluralizable else message.string


def words(*texts: str) -> set[str]:
    """Return the words of texts, in lower case: what is written in letters."""
    return {word.lower() for text in texts for word in WORD.findall(text)}


def names(scenario: Scenario) -> list[str]:
    """Return what a scenario calls its things: a page shows these as they are."""
    sites = (text for site in scenario.sites for text in (site.id, site.name))
    lines = (text for line in scenario.lines for text in (line.carrier, line.access_class))
    streams = (stream.id for stream in scenario.streams)
    faults = (fault.label for fault in scenario.faults)
    return [
        scenario.name,
        scenario.about,
        *scenario.tiers,
        *scenario.classes,
        *sites,
        *lines,
        *streams,
        *faults,
    ]


def not_vietnamese(page: str, known: Iterable[str]) -> set[str]:
    """Return the words of a page that are no translation's, no unit's and none of those known."""
    said = words(*(FIELD.sub("", translation(message)) for message in messages()))
    units = words(*RATES, *SIZES, *TIMES, "p50")
    return words(page) - said - units - words(*known)
