"""The words of a capacity study: the answer first, then where each requirement breaks, and why.

The same words are printed, and stand in the page of the study's folder.
"""

from __future__ import annotations

from decimal import Decimal

from sim.language import words
from sim.language.language import Language
from sim.report.figures import UNKNOWN, share, time
from sim.scenario.model import Scenario
from sim.studies.answer import Answer, Edge, Span, Standing
from sim.studies.bisection import Crossing
from sim.studies.point import Blame, Judged, Spot
from sim.units import format_time

NS_PER_MS = 10**6


class CapacityWords:
    """What is said of one study, in one language.

    Parameters
    ----------
    scenario : as the file has it
    """

    def __init__(self, answer: Answer, *, scenario: Scenario, language: Language) -> None:
        self._answer = answer
        self._scenario = scenario
        self._vary = answer.over.written.path
        self._language = language
        self.say = language.say

    def named(self, standing: Standing) -> str:
        """Return a requirement in words."""
        return standing.sentences[self._language.code]

    def title(self) -> str:
        """Return what was asked."""
        return self.say(
            "{scenario}: how far {vary} can go, from {low} to {high}",
            scenario=self._scenario.name,
            vary=self._vary,
            low=self.amount(self._answer.over.low),
            high=self.amount(self._answer.over.high),
        )

    def answer(self) -> list[str]:
        """Return the answer, a paragraph each."""
        answer = self._answer
        paragraphs = [self._never(standing) for standing in answer.missed]
        rest = len(answer.standings) - len(answer.missed)
        if answer.missed and rest:
            paragraphs.append(
                self._language.say_count(
                    rest, "For the {n} other requirement:", "For the {n} other requirements:"
                )
            )
        if answer.breaking:
            paragraphs += self._spans()
        elif rest:
            paragraphs.append(self.say("All are met over the whole range."))
        paragraphs += [
            self.say(
                "“{requirement}” breaks more than once; see below.", requirement=self.named(each)
            )
            for each in answer.breaking
            if len(each.crossings) > 1
        ]
        return paragraphs

    def basis(self) -> str:
        """Return what every point is: how long a meeting, and which luck."""
        scenario = self._scenario
        said = self.say(
            "Each point is a meeting of {duration}; all have the same luck, seed {seed}.",
            duration=self._language.figure(format_time(scenario.duration_ns)),
            seed=scenario.seed,
        )
        if not scenario.late_faults:
            return said
        return f"{said} " + self._language.say_count(
            scenario.late_faults,
            "{n} fault of the scenario comes after its end and is left out.",
            "{n} faults of the scenario come after its end and are left out.",
        )

    def headings(self) -> tuple[str, str, str, str]:
        """Return the headings of `rows`."""
        return (
            "",
            self.say("requirement"),
            self.say("is met"),
            self.say("is missed"),
        )

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Return a row for each requirement, and one more for each further break."""
        rows = []
        for standing in self._answer.standings:
            names = (f"{standing.number + 1}", self.named(standing))
            if standing.state == "met":
                rows.append((*names, self.say("over the whole range"), UNKNOWN))
            elif standing.state == "missed":
                where = self._missed_at(standing.number, self._answer.over.low)
                rows.append((*names, self.say("nowhere"), where))
            for i, crossing in enumerate(standing.crossings):
                where = self._missed_at(standing.number, crossing.missed)
                rows.append((*(names if i == 0 else ("", "")), self._kept(crossing), where))
        return rows

    def point_headings(self) -> list[str]:
        """Return the headings of `point_rows`: what is varied, and the requirements' numbers."""
        return [self._vary, *(f"{each.number + 1}" for each in self._answer.standings)]

    def point_rows(self) -> list[list[str]]:
        """Return a row for each number: what each requirement came to, marked where missed."""
        return [
            [self.amount(number), *(self._cell(judged) for judged in point.requirements)]
            for number, point in zip(self._answer.numbers, self._answer.points, strict=True)
        ]

    def amount(self, number: Decimal) -> str:
        """Return a number of the range with its unit."""
        return self._language.figure(self._answer.over.amount(number))

    def between(self, one: Decimal, other: Decimal) -> str:
        """Return two numbers between which something happens."""
        low, high = sorted((one, other))
        return self.say(
            "between {low} and {high}",
            low=self._language.figure(f"{low:f}"),
            high=self.amount(high),
        )

    def place(self, spot: Spot | Blame) -> str:
        """Return the words for a room, line or egress."""
        if spot.kind == "line":
            way = words.way(self._language, spot.detail)
            return self.say("line to {place} ({way})", place=spot.place, way=way)
        if spot.kind == "egress":
            server = words.server_of(spot.detail)
            if server:
                return self.say("server {number} of {place}", number=server, place=spot.place)
            if spot.detail:
                return self.say(
                    "egress of {place} to {carrier}", place=spot.place, carrier=spot.detail
                )
            return self.say("egress of {place}", place=spot.place)
        if spot.detail:
            return self.say("room {place}, {stream}", place=spot.place, stream=spot.detail)
        return self.say("room {place}", place=spot.place)

    def _never(self, standing: Standing) -> str:
        return self.say(
            "“{requirement}” is missed over the whole range: {where}.",
            requirement=self.named(standing),
            where=self._where(self._answer.judged(standing.number, self._answer.over.low)),
        )

    def _spans(self) -> list[str]:
        answer = self._answer
        if not answer.spans:
            return [self.say("At no number that was tried are all of them met together.")]
        paragraphs = []
        for span in answer.spans:
            paragraphs.append(self._span(span))
            paragraphs += [self._edge(edge) for edge in (span.below, span.above) if edge]
        return paragraphs

    def _span(self, span: Span) -> str:
        low, high = self.amount(span.low), self.amount(span.high)
        if span.below is None:
            return self.say("{vary} can be up to {high}.", vary=self._vary, high=high)
        if span.above is None:
            return self.say("{vary} must be at least {low}.", vary=self._vary, low=low)
        return self.say("{vary} can be from {low} to {high}.", vary=self._vary, low=low, high=high)

    def _edge(self, edge: Edge) -> str:
        said = "; ".join(
            f"“{self.named(self._answer.standings[r])}”: "
            f"{self._where(self._answer.judged(r, edge.missed))}"
            for r in edge.broken
        )
        between = self.between(edge.met, edge.missed)
        if edge.missed > edge.met:
            return self.say("First to break, {between}: {what}.", between=between, what=said)
        return self.say("Last to be met, {between}: {what}.", between=between, what=said)

    def _kept(self, crossing: Crossing) -> str:
        if crossing.breaks:
            return self.say("up to {number}", number=self.amount(crossing.low))
        return self.say("from {number}", number=self.amount(crossing.high))

    def _missed_at(self, requirement: int, number: Decimal) -> str:
        where = self._where(self._answer.judged(requirement, number))
        return self.say("at {number}: {where}", number=self.amount(number), where=where)

    def _where(self, judged: Judged) -> str:
        """Return who decides a requirement, and of a room, which line or egress is to blame."""
        spot = judged.deciding
        if spot is None:
            return UNKNOWN
        said = f"{self.place(spot)}: {self._value(judged, spot.value)}"
        if spot.kind != "room":
            return said
        blame = judged.blame
        if blame is None:
            return said + self.say("; no line or egress on its way loses anything")
        place = self.place(blame)
        if blame.reason == "loss":
            lost = ", ".join(
                f"{words.cause(self._language, cause)} {self._language.figure(share(part))}"
                for cause, part in blame.lost.items()
            )
            return said + self.say("; most is lost at {place}: {lost}", place=place, lost=lost)
        assert blame.time_ms is not None, "a wait has a length"
        longest = self._language.figure(time(blame.time_ms * NS_PER_MS))
        if blame.reason == "wait":
            return said + self.say(
                "; it waits longest at {place}: {time}", place=place, time=longest
            )
        return said + self.say(
            "; the longest queue is at {place}: {time}", place=place, time=longest
        )

    def _value(self, judged: Judged, value: float | None) -> str:
        if not judged.subjects:
            return UNKNOWN
        if value is None:
            return self.say("nothing arrived")
        if judged.unit == "ms":
            return self._language.figure(time(value * NS_PER_MS))
        if judged.measure == "freezes":
            return self._language.figure(f"{value:,.0f}")
        if judged.measure == "mos":
            return self._language.figure(f"{value:.2f}")
        return self._language.figure(share(value))

    def _cell(self, judged: Judged) -> str:
        value = self._value(judged, judged.value)
        return value if judged.met else self.say("{value}, missed", value=value)
