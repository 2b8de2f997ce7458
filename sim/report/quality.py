"""Quality in the report: how good voices and videos were by tier, and in the worst branches."""

from __future__ import annotations

import numpy as np
from rich.table import Table

from sim.report.figures import UNKNOWN
from sim.results.quality_figures import GroupQuality, Scores, quality_figures
from sim.results.run import Results
from sim.terminal import Reader, numbers, shown, table

WORST_BRANCHES = 3


def quality_table(results: Results, reader: Reader) -> Table:
    """Return the quality in the rooms of each tier and in the branches with the worst voices."""
    say = reader.language.say
    ranks = (say("half ≥"), "95 % ≥", say("all ≥"))
    figures = quality_figures(results)
    tiers = [each for each in figures if each.kind == "tier"]
    branches = [each for each in figures if each.kind not in ("all", "tier")]
    made = table(
        reader.out,
        say("Quality: of each room's worst voice (MOS) and video (indicator), 1 to 5"),
        say("rooms of"),
        *numbers(say("rooms")),
        *numbers(*ranks, under=say("voice")),
        *numbers(*ranks, under=say("video")),
        *numbers(say("frozen\nrooms"), say("freezes\nin all")),
    )
    for each in (*tiers, *_worst(branches)):
        made.add_row(
            shown(each.name if each.kind == "tier" else f"{each.id} {each.name}"),
            *reader.figures(
                f"{each.rooms:,}",
                *_shown(each.mos),
                *_shown(each.video_quality),
                f"{each.frozen:,}",
                f"{each.freezes:,}",
            ),
        )
    return made


def _worst(branches: list[GroupQuality]) -> list[GroupQuality]:
    """Return the branches where voices, else videos, are worst; none if there is but one."""
    if len(branches) < 2:
        return []

    def badness(each: GroupQuality) -> tuple[float, float]:
        return float(np.nan_to_num(each.mos.p5, nan=5)), float(
            np.nan_to_num(each.video_quality.p5, nan=5)
        )

    return sorted(branches, key=badness)[:WORST_BRANCHES]


def _shown(scores: Scores) -> tuple[str, str, str]:
    return _score(scores.p50), _score(scores.p5), _score(scores.least)


def _score(value: float) -> str:
    return UNKNOWN if np.isnan(value) else f"{value:.2f}"
