"""YAML as text: what a resolved scenario is written with."""

from __future__ import annotations

import json
from collections.abc import Iterable


def quoted(text: str) -> str:
    """Return a YAML text in double quotes; what is not printable is escaped."""
    quoted = json.dumps(text, ensure_ascii=False)
    if quoted.isprintable():
        return quoted
    return "".join(
        character
        if character.isprintable()
        else f"\\u{ord(character):04x}"
        if ord(character) < 0x10000
        else f"\\U{ord(character):08x}"
        for character in quoted
    )


def listed(texts: Iterable[str]) -> str:
    """Return a YAML list of texts on one line."""
    return "[" + ", ".join(quoted(text) for text in texts) + "]"


def mapping(**fields: str) -> str:
    """Return a YAML mapping on one line; a final `_` of a name is left out."""
    return "{" + ", ".join(f"{name.rstrip('_')}: {text}" for name, text in fields.items()) + "}"
