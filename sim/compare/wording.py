"""Comparisons in words: what a figure is called, what it was and is, and the answer in a line."""

from __future__ import annotations

from sim.compare.comparison import Change, Comparison, Status
from sim.compare.findings import Value
from sim.compare.measure import MEASURES, MET, NO_DIFFERENCE
from sim.language import words
from sim.language.language import Language
from sim.metrics.measures import CAUSES
from sim.scenario import sentences
from sim.scenario.tolerance import KINDS, format_tolerance
from sim.units import format_time

UNKNOWN = "–"
MS_PER_S = 1000


def answer(comparison: Comparison, language: Language) -> str:
    """Return what a comparison comes to: a word or two, how many figures, and the first of them."""
    changes, failing = comparison.changes, comparison.failing
    n = len(changes)
    if comparison.before is None:
        return language.say("NEW, there was no baseline")
    if comparison.equal:
        return language.say("EQUAL, by the fingerprint of all results")
    if failing:
        word = language.say("WORSE") if _any_worse(failing) else language.say("CHANGED")
        return _counted(word, failing, n, language)
    better = comparison.having(Status.better)
    if better:
        return _counted(language.say("BETTER"), better, n, language)
    differing = len(comparison.having(Status.within, Status.changed, Status.new))
    if differing:
        return language.say(
            "WITHIN TOLERANCE, {some} of {n} figures differ",
            some=language.figure(f"{differing:,}"),
            n=language.figure(f"{n:,}"),
        )
    return language.say_count(
        n,
        "SAME, the fingerprint differs and {n} figure does not",
        "SAME, the fingerprint differs and {n} figures do not",
    )


def state(comparison: Comparison) -> str:
    """Return a comparison's answer as a word for programs."""
    if comparison.before is None:
        return "new"
    if comparison.equal:
        return "equal"
    if comparison.failing:
        return "worse" if _any_worse(comparison.failing) else "changed"
    if comparison.having(Status.better):
        return "better"
    return "within" if comparison.having(Status.within, Status.changed, Status.new) else "same"


def status_word(status: Status, language: Language) -> str:
    """Return a status for a table."""
    return {
        Status.missed: language.say("missed"),
        Status.worse: language.say("worse"),
        Status.gone: language.say("gone"),
        Status.changed: language.say("changed"),
        Status.within: language.say("within"),
        Status.better: language.say("better"),
        Status.new: language.say("new"),
        Status.same: language.say("same"),
    }[status]


def name(change: Change, language: Language) -> str:
    """Return what a figure is called, with its place."""
    if change.measure:
        found = _of_subject(change, measure_text(change.measure, language), language)
    else:
        found = _of_subject(change, language.say("all figures"), language)
    if change.at and change.at != change.place:
        return language.say("{figure} (worst: {place})", figure=found, place=change.at)
    return found


def sentence(change: Change, language: Language) -> str:
    """Return a figure with what it was and is: loss in Tỉnh Cà Mau 0.05 % → 0.9 %."""
    called = name(change, language)
    if not change.measure:
        return f"{called}: {status_word(change.status, language)}"
    return f"{called} {before(change, language)} → {now(change, language)}"


def before(change: Change, language: Language) -> str:
    """Return what a figure was, or what it did not exceed."""
    found = value_text(change.measure, change.before, language)
    return f"≤ {found}" if change.most_before else found


def now(change: Change, language: Language) -> str:
    """Return what a figure is."""
    return value_text(change.measure, change.now, language)


def value_text(measure: str, value: Value, language: Language) -> str:
    """Return a figure with its unit."""
    known = MEASURES.get(measure)
    if value is None:
        return UNKNOWN
    if measure == MET:
        return language.say("met") if value else language.say("missed")
    unit = known.unit if known else ""
    if unit == "%":
        return language.figure(f"{value:,f} %")
    if unit == "ms":
        scaled = value / MS_PER_S
        return language.figure(f"{value:f} ms" if value < MS_PER_S else f"{scaled:,f} s")
    return language.figure(f"{value:,f}")


def tolerance_text(change: Change, language: Language) -> str:
    """Return what a figure may differ by."""
    measure = MEASURES.get(change.measure)
    if measure is None or change.status in (Status.gone, Status.new):
        return UNKNOWN
    if change.tolerance == NO_DIFFERENCE:
        return language.say("none")
    parts = format_tolerance(change.tolerance, KINDS[measure.tolerance]).split(" or ")
    parts = [language.figure(part) for part in parts]
    if len(parts) == 1:
        return parts[0]
    return language.say("{difference} or {factor}", difference=parts[0], factor=parts[1])


def notes(comparison: Comparison, language: Language) -> list[str]:
    """Return how the short form itself differs from the baseline's."""
    earlier, later = comparison.before, comparison.now
    found: list[str] = []
    if earlier is None:
        return found
    if earlier.seed != later.seed:
        found.append(
            language.say(
                "The seed was {before} and is {now}: another luck, so figures differ by chance.",
                before=earlier.seed,
                now=later.seed,
            )
        )
    if earlier.duration_ns != later.duration_ns:
        found.append(
            language.say(
                "The short form lasted {before} and lasts {now}.",
                before=language.figure(format_time(earlier.duration_ns)),
                now=language.figure(format_time(later.duration_ns)),
            )
        )
    if earlier.timetable != later.timetable:
        found.append(
            language.say(
                "The timetable was {before} and is {now}.",
                before=earlier.timetable,
                now=later.timetable,
            )
        )
    return found


def measure_text(measure: str, language: Language) -> str:
    """Return what a measure is called; one that this program does not know by its own name."""
    return {
        "met": language.say("verdict"),
        "complying_percent": language.say("share that complies"),
        "loss_percent": language.say("loss"),
        **{
            f"lost_{cause}_percent": language.say(
                "loss by {cause}", cause=words.cause(language, cause)
            )
            for cause in CAUSES
        },
        "delay_ms": language.say("delay"),
        "delay_mean_ms": language.say("mean delay"),
        "delay_p50_ms": language.say("delay p50"),
        "delay_p99_ms": language.say("delay p99"),
        "delay_p99_worst_ms": language.say("largest delay p99 of a room"),
        "first_frame_p95_ms": language.say("wait for the first whole frame, p95"),
        "jitter_ms": language.say("jitter"),
        "jitter_p99_ms": language.say("jitter p99"),
        "mos": language.say("voice MOS"),
        "dark_ms": language.say("time dark"),
        "dark_in_total_ms": language.say("time dark in total"),
        "recovery_ms": language.say("recovery"),
        "join_ms": language.say("time to join"),
        "join_p95_ms": language.say("time to join, p95"),
        "present_percent": language.say("share present at the start"),
        "surviving_percent": language.say("share fed if any single relay dies"),
        "rooms_refused": language.say("rooms refused"),
        "rooms_given_up": language.say("rooms that gave up"),
        "freezes": language.say("freezes"),
        "rooms_dark": language.say("rooms dark"),
        "rooms_frozen": language.say("rooms frozen"),
        "rooms_never_whole": language.say("rooms that never had the first frame whole"),
        "utilisation_percent": language.say("utilisation"),
        "utilisation_p99_percent": language.say("utilisation p99"),
        "utilisation_max_percent": language.say("largest utilisation"),
        "mos_p5": language.say("voice MOS that 95 % of rooms reach"),
        "video_quality_p5": language.say("video quality that 95 % of rooms reach"),
        "packets_due": language.say("packets due"),
        "sites": language.say("sites"),
        "rooms": language.say("rooms"),
    }.get(measure, measure)


def _required(change: Change, language: Language) -> str:
    """Return a requirement in words; one that is not required any more as it was."""
    if change.requirement is None:
        return change.subject
    again = change.subject.removeprefix(change.requirement.text)
    return sentences.sentence(change.requirement, language) + again


def _of_subject(change: Change, measure: str, language: Language) -> str:
    subject, place = change.subject, change.place or change.subject
    first, _, last = subject.partition(" ")
    way = words.way(language, last) if last in ("down", "up") else last
    match change.part:
        case "requirements":
            said = language.say(
                "{requirement}: {measure}", requirement=_required(change, language), measure=measure
            )
        case "tiers":
            said = language.say("{measure} at tier {tier}", measure=measure, tier=subject)
        case "ways":
            said = language.say(
                "{measure} of lines to tier {tier}, {way}", measure=measure, tier=first, way=way
            )
        case "branches":
            said = language.say("{measure} in {place}", measure=measure, place=place)
        case "streams":
            said = language.say(
                "{measure} of stream {stream}, {way}", measure=measure, stream=first, way=way
            )
        case "turns":
            said = language.say(
                "{measure} of {place}'s turn at {time}", measure=measure, place=place, time=last
            )
        case "lines":
            said = language.say(
                "{measure} of the line to {place}, {way}", measure=measure, place=place, way=way
            )
        case "egresses":
            of = f"{place} ({last})" if last else place
            said = language.say("{measure} of the egress of {place}", measure=measure, place=of)
        case "rooms":
            said = language.say("{measure} of room {place}", measure=measure, place=place)
        case _:
            said = language.say("{measure} of the meeting", measure=measure)
    return said


def _counted(word: str, those: tuple[Change, ...], n: int, language: Language) -> str:
    return language.say(
        "{word}, {some} of {n} figures; {first}",
        word=word,
        some=language.figure(f"{len(those):,}"),
        n=language.figure(f"{n:,}"),
        first=sentence(those[0], language),
    )


def _any_worse(those: tuple[Change, ...]) -> bool:
    return any(change.status in (Status.worse, Status.missed) for change in those)
