"""Requirements as sentences, in either language."""

from __future__ import annotations

from sim.language.language import Language
from sim.scenario.requirement_model import ANY_RELAY, Requirement
from sim.units import format_factor, format_share, format_time


def sentence(requirement: Requirement, language: Language) -> str:
    """Return what a requirement asks for.

    Examples
    --------
    >>> from sim.language.language import ENGLISH
    >>> from sim.scenario.requirement_model import Selection
    >>> communes = Selection(text="tier/commune", words=(("tier", "commune"),), sites=("00001",))
    >>> sentence(
    ...     Requirement(
    ...         text="",
    ...         subject="rooms",
    ...         of=communes,
    ...         share=0.99,
    ...         measure="loss",
    ...         percentile=0.0,
    ...         span_ns=15 * 10**9,
    ...         sense="at most",
    ...         limit=0.01,
    ...     ),
    ...     ENGLISH,
    ... )
    '99 % of rooms (tier commune): loss at most 1 % in any 15 s'
    """
    return f"{_subjects(requirement, language)}: {_limit(requirement, language)}"


def limit_text(requirement: Requirement) -> str:
    """Return the limit exactly, with its unit."""
    if requirement.unit == "ns":
        return format_time(int(requirement.limit), digits=None)
    if requirement.unit == "count":
        return f"{int(requirement.limit)}"
    if requirement.unit == "score":
        return format_factor(requirement.limit).removeprefix("× ")
    return format_share(requirement.limit, digits=None)


def _subjects(requirement: Requirement, language: Language) -> str:
    share = language.figure(format_share(requirement.share, digits=None))
    if requirement.measure == "dark_in_total":
        who = language.say("all rooms together")
    elif requirement.subject == "rooms":
        who = language.say("{share} of rooms", share=share)
    elif requirement.subject == "lines":
        who = language.say("{share} of lines", share=share)
    else:
        who = language.say("{share} of egresses", share=share)
    if requirement.of is None:
        return who
    which = ", ".join(_selected(kind, name, language) for kind, name in requirement.of.words)
    return f"{who} ({which})"


def _selected(kind: str, name: str, language: Language) -> str:
    if kind == "tier":
        return language.say("tier {name}", name=name)
    if kind == "region":
        return language.say("region {name}", name=name)
    if kind == "site":
        return language.say("{name} and below", name=name)
    if kind == "carrier":
        return language.say("carrier {name}", name=name)
    if kind == "class":
        return language.say("access class {name}", name=name)
    return language.say("group {name}", name=name)


def _limit(requirement: Requirement, language: Language) -> str:
    limit = language.figure(limit_text(requirement))
    if requirement.span_ns:
        span = language.figure(format_time(requirement.span_ns, digits=None))
        return language.say("loss at most {limit} in any {span}", limit=limit, span=span)
    if requirement.measure == "loss":
        return language.say("loss at most {limit}", limit=limit)
    if requirement.measure == "delay" and requirement.percentile == 100:
        return language.say("delay max at most {limit}", limit=limit)
    if requirement.measure == "delay":
        percentile = f"p{requirement.percentile:g}"
        return language.say(
            "delay {percentile} at most {limit}", percentile=percentile, limit=limit
        )
    if requirement.measure == "jitter":
        return language.say("jitter at most {limit}", limit=limit)
    if requirement.measure == "mos":
        return language.say("MOS at least {limit}", limit=limit)
    if requirement.measure == "freezes":
        return language.say("freezes at most {limit}", limit=limit)
    if requirement.measure == "dark":
        return language.say("dark at most {limit}", limit=limit)
    if requirement.measure == "dark_in_total":
        return language.say("dark at most {limit} in total", limit=limit)
    if requirement.measure == "recovery":
        return language.say("recovery at most {limit}", limit=limit)
    if requirement.measure == "join_time":
        return language.say("joining takes at most {limit}", limit=limit)
    if requirement.measure == "present_at_start":
        return language.say("present at the start")
    if requirement.failing == ANY_RELAY:
        return language.say("fed if any single relay dies")
    if requirement.measure == "survives":
        return language.say("fed if any single relay of {tier} dies", tier=requirement.failing)
    return language.say("utilisation at most {limit}", limit=limit)
