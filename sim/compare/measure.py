"""Measures of a baseline: the unit of each, which way is better, and which tolerance is its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Literal

from sim.metrics.measures import CAUSES
from sim.scenario.tolerance import KINDS, Tolerance

Unit = Literal["%", "ms", ""]
Better = Literal["less", "more", "neither"]

MET = "met"  # of a requirement: 1 or 0
NO_DIFFERENCE = Tolerance(most=Decimal(0), factor=Decimal(1))
# From a baseline's unit to a tolerance's: shares are fractions there, and times ns.
_SCALES: Mapping[Unit, Decimal] = MappingProxyType(
    {"%": Decimal("0.01"), "ms": Decimal(10**6), "": Decimal(1)}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What a figure says of its subject.

    Attributes
    ----------
    unit : of the figure in a baseline; empty: a count, or for `met` 1 and 0
    better : which way it should go; `neither`: it is a fact of the meeting that should not change
    tolerance : the scenario's tolerance it has, one of `KINDS`; empty: it has none
    """

    unit: Unit
    better: Better
    tolerance: str

    def allows(self, before: Decimal, now: Decimal, tolerance: Tolerance) -> bool:
        """Return whether two figures are within a tolerance."""
        scale = _SCALES[self.unit]
        return tolerance.allows(before * scale, now * scale)

    def excess(self, before: Decimal, now: Decimal, tolerance: Tolerance) -> float:
        """Return how many times the tolerance two figures are apart; inf where there is none."""
        scale = _SCALES[self.unit]
        less, more = sorted((before * scale, now * scale))
        allowed = max(tolerance.most, less * (tolerance.factor - 1))
        return float((more - less) / allowed) if allowed else float("inf")


def _less(unit: Unit, tolerance: str) -> Measure:
    assert tolerance in KINDS
    return Measure(unit=unit, better="less", tolerance=tolerance)


MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        MET: Measure(unit="", better="more", tolerance=""),
        "complying_percent": Measure(unit="%", better="more", tolerance="complying"),
        "loss_percent": _less("%", "loss"),
        **{f"lost_{cause}_percent": _less("%", "loss") for cause in CAUSES},
        "delay_ms": _less("ms", "delay"),
        "delay_mean_ms": _less("ms", "delay"),
        "delay_p50_ms": _less("ms", "delay"),
        "delay_p99_ms": _less("ms", "delay"),
        "delay_p99_worst_ms": _less("ms", "delay"),
        "first_frame_p95_ms": _less("ms", "delay"),
        "jitter_ms": _less("ms", "jitter"),
        "jitter_p99_ms": _less("ms", "jitter"),
        "mos": Measure(unit="", better="more", tolerance="quality"),
        "dark_ms": _less("ms", "dark"),
        "dark_in_total_ms": _less("ms", "dark"),
        "recovery_ms": _less("ms", "dark"),
        "join_ms": _less("ms", "dark"),
        "join_p95_ms": _less("ms", "dark"),
        "present_percent": Measure(unit="%", better="more", tolerance="complying"),
        "surviving_percent": Measure(unit="%", better="more", tolerance="complying"),
        "rooms_refused": _less("", "rooms"),
        "rooms_given_up": _less("", "rooms"),
        "freezes": _less("", "freezes"),
        "rooms_dark": _less("", "rooms"),
        "rooms_frozen": _less("", "rooms"),
        "rooms_never_whole": _less("", "rooms"),
        "utilisation_percent": _less("%", "utilisation"),
        "utilisation_p99_percent": _less("%", "utilisation"),
        "utilisation_max_percent": _less("%", "utilisation"),
        "mos_p5": Measure(unit="", better="more", tolerance="quality"),
        "video_quality_p5": Measure(unit="", better="more", tolerance="quality"),
        "packets_due": Measure(unit="", better="neither", tolerance="packets"),
        "sites": Measure(unit="", better="neither", tolerance="sites"),
        "rooms": Measure(unit="", better="neither", tolerance="sites"),
    }
)
