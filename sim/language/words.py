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


def port(language: Language, label: str) -> str:
    """Return which egress of a relay is meant: of which carrier, or which server of its pool.

    Examples
    --------
    >>> port(Language("vi"), "server 3"), port(Language("vi"), "viettel")
    ('máy chủ 3', 'viettel')
    """
    number = server_of(label)
    return language.say("server {number}", number=number) if number else label


def server_of(label: str) -> str:
    """Return the number of the server that an egress's label names; empty: it is none's.

    Examples
    --------
    >>> server_of("server 3"), server_of("viettel")
    ('3', '')
    """
    kind, _, number = label.partition(" ")
    return number if kind == "server" and number.isdecimal() else ""


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
