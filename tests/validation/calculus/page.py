"""What docs/validation.md shows of the sandwich: a table and a picture."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from statistics import median

from sim.plots import style
from tests.validation.calculus.sandwich import MEETINGS, Compared, shipped

HEAD = (
    "| meeting | transmitters | number | most simulated, ms | bound, ms | simulated / bound "
    "| must fit | do not fit: lose / all |\n|---|---|---|---|---|---|---|---|\n"
)
PICTURE = "validation-calculus.png"
KINDS = ("line up", "egress", "line down")


def groups(name: str) -> list[tuple[str, list[Compared]]]:
    """Return a meeting's transmitters by kind and tier, in the order in which packets pass them."""
    rows = shipped(name)
    tiers = list(dict.fromkeys(row.tier for row in rows))
    order = ("central", "province", "district", "commune")
    assert set(tiers) <= set(order)

    def place(row: Compared) -> tuple[int, int, int]:
        rank = order.index(row.tier)
        if row.kind == "line up":
            return 0, -rank, 0
        return 1, rank, KINDS.index("line down") - KINDS.index(row.kind)

    ordered = sorted(rows, key=place)
    return [
        (f"{row_kind}, {tier}", list(found))
        for (row_kind, tier), found in groupby(ordered, key=lambda row: (row.kind, row.tier))
    ]


def ratios(rows: list[Compared]) -> list[float]:
    """Return the largest backlog of each transmitter as a share of its bound, sorted."""
    return sorted(row.backlog_ns / row.bound.backlog_ns for row in rows)


def table() -> str:
    """Return the table of both meetings."""
    text = HEAD
    for name in MEETINGS:
        for number, (title, rows) in enumerate(groups(name)):
            found = ratios(rows)
            fit = [row for row in rows if row.bound.backlog_ns <= row.bound.full_ns]
            others = [row for row in rows if row.bound.backlog_ns > row.bound.full_ns]
            spread = f"{found[0]:.2f} to {found[-1]:.2f}, median {median(found):.2f}"
            cells = [
                f"`{name.split()[0]}`{name.partition('.yaml')[2]}" if number == 0 else "",
                title,
                f"{len(rows)}",
                f"{max(row.backlog_ns for row in rows) / 1e6:.3f}",
                f"{max(row.bound.backlog_ns for row in rows) / 1e6:.3f}",
                spread if len(rows) > 1 else f"{found[0]:.2f}",
                f"{len(fit)}, lose {sum(row.lost for row in fit)}",
                f"{sum(row.lost > 0 for row in others)} / {len(others)}" if others else "",
            ]
            text += f"| {' | '.join(cells)} |\n"
    return text


def fingerprint() -> str:
    """Return what the picture shows, as text that its file carries."""
    return "; ".join(
        f"{name} {title} " + " ".join(f"{ratio:.6f}" for ratio in ratios(rows))
        for name in MEETINGS
        for title, rows in groups(name)
    )


def draw(folder: Path) -> None:
    """Draw the share of its bound that each transmitter reached."""
    with style.style():
        figure = style.figure(5.2)
        style.title(figure, "Largest backlog simulated, as a share of its bound; bars are medians")
        axes = figure.subplots(1, len(MEETINGS), sharex=True)
        for panel, name in zip(axes, MEETINGS, strict=True):
            found = groups(name)
            for place, (_, rows) in enumerate(found):
                values = ratios(rows)
                # Equal shares stand beside each other, as far as there is room.
                offsets = [0.6 * ((k * 0.618034) % 1 - 0.5) for k in range(len(values))]
                heights = [place + offset * (len(values) > 1) for offset in offsets]
                panel.plot(values, heights, "o", color=style.BLUE, markersize=3, alpha=0.6)
                middle = median(values)
                ends = [place - 0.35, place + 0.35]
                panel.plot([middle, middle], ends, color=style.BLACK, linewidth=2)
            panel.axvline(1, color=style.VERMILION, linewidth=1.2)
            panel.text(0.985, len(found) - 0.45, "bound", color=style.VERMILION, ha="right")
            panel.set_yticks(range(len(found)), [f"{title} ({len(rows)})" for title, rows in found])
            panel.set_ylim(len(found) - 0.3, -0.6)
            panel.set_xlim(0, 1.04)
            panel.set_xlabel("simulated / bound")
            panel.set_title(name)
            style.grid(panel, "x")
        figure.savefig(
            folder / PICTURE,
            dpi=110,
            metadata={"Software": None, "Description": fingerprint()},
        )
