"""Words of the results that files keep in English and a reader sees in their own language."""

from __future__ import annotations

from sim.language.language import Language


def cause(language: Language, name: str) -> str:
    """Return why a packet was lost.

    Raises
    ------
    KeyError
        If there is no such cause.

    Examples
    --------
    >>> cause(Language("vi"), "queue"), cause(Language("en"), "queue")
    ('hàng đợi', 'queue')
    """
    return {
        "outage": language.say("outage"),
        "policer": language.say("policer"),
        "queue": language.say("queue"),
        "line": language.say("line"),
        "endpoint": language.say("endpoint"),
        "port": language.say("port"),
    }[name]


def way(language: Language, name: str) -> str:
    """Return which way packets go.

    Raises
    ------
    KeyError
        If there is no such way.

    Examples
    --------
    >>> way(Language("vi"), "up")
    'lên'
    """
    return {"down": language.say("down"), "up": language.say("up")}[name]


def role(language: Language, name: str) -> str:
    """Return what a line is for.

    Raises
    ------
    KeyError
        If there is no such role.

    Examples
    --------
    >>> role(Language("vi"), "backup")
    'dự phòng'
    """
    return {"primary": language.say("primary"), "backup": language.say("backup")}[name]
