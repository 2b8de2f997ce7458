"""What is said to a reader, in English or in Vietnamese, through one catalogue.

The English text stands where it is said and is the key; `vi.po` beside this file holds the
Vietnamese for each, in the format of GNU gettext that translators' tools read. Names from a
scenario are not translated. Figures keep their units; a reader of Vietnamese writes 9.811 rooms
and 0,05 %.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from importlib.resources import files


class Code(StrEnum):
    """Languages one can ask for."""

    en = "en"
    vi = "vi"


class Language:
    """One language: texts with their values, and figures.

    Parameters
    ----------
    code : a `Code`, or its text

    Raises
    ------
    ValueError
        If there is no such language.

    Examples
    --------
    >>> Language("en").say_count(1, "MET, {n} requirement", "MET, {n} requirements")
    'MET, 1 requirement'
    >>> vietnamese = Language("vi")
    >>> vietnamese.say_count(7, "MET, {n} requirement", "MET, {n} requirements")
    'ĐẠT cả 7 yêu cầu'
    >>> vietnamese.figure("9,331.5 ms")
    '9.331,5 ms'
    """

    def __init__(self, code: str) -> None:
        self.code = Code(code)
        self._texts = {} if self.code == Code.en else _catalogue()

    def say(self, text: str, /, **values: object) -> str:
        """Return a text with `{name}` replaced by the value of that name.

        Raises
        ------
        KeyError
            If the catalogue lacks the text, or the text asks for a value that is not given.
        """
        said = text if self.code == Code.en else self._texts[text]
        return said.format_map(values) if values else said

    def say_count(self, n: int, one: str, many: str, /, **values: object) -> str:
        """Return `one` or `many`, in which `{n}` is the number: how many of something there are.

        Vietnamese has one form for both.
        """
        said = (one if n == 1 else many) if self.code == Code.en else self._texts[one]
        return said.format_map({**values, "n": self.figure(f"{n:,}")})

    def figure(self, figure: str, /) -> str:
        """Return a figure written the English way as the language writes it (CLDR 46, `vi`)."""
        return figure if self.code == Code.en else figure.translate(_SEPARATORS)


ENGLISH = Language(Code.en)

_SEPARATORS = str.maketrans(",.", ".,")


@cache
def _catalogue() -> dict[str, str]:
    # Babel takes its time, and English needs none of it.
    from babel.messages.pofile import read_po

    with (files("sim.language") / "vi.po").open("rb") as file:
        catalogue = read_po(file, locale="vi", abort_invalid=True)
    texts: dict[str, str] = {}
    for message in catalogue:
        if not message.id or message.fuzzy:
            continue
        # Of a text with a plural both are lists, and the singular is its key.
        one, *_ = message.id if isinstance(message.id, list | tuple) else (message.id,)
        said, *_ = message.string if isinstance(message.string, list | tuple) else (message.string,)
        texts[one] = str(said)
    return texts
