"""Write what the theory tests measure into docs/: python -m tests.validation.report.

The table goes into docs/validation.md, the pictures into docs/pictures.

Read the difference before committing it: the page's own words may have to follow.
"""

from __future__ import annotations

from pathlib import Path

from tests.validation.picture import save_all
from tests.validation.theory.experiment import Experiment, measured
from tests.validation.theory.experiments import EXPERIMENTS

PAGE = Path(__file__).parents[2] / "docs" / "validation.md"
PICTURES = PAGE.parent / "pictures"
BEGIN, END = "<!-- measured: begin -->\n", "<!-- measured: end -->\n"
HEAD = (
    "| case | quantity | theory | measured | would notice | source |\n|---|---|---|---|---|---|\n"
)


def table() -> str:
    """Return the table of all experiments."""
    return HEAD + "".join(line for each in EXPERIMENTS for line in lines(each))


def lines(experiment: Experiment) -> list[str]:
    """Return a line of the table for each quantity; the first has the experiment's name."""
    rows = []
    for number, quantity in enumerate(experiment.quantities):
        found = measured(experiment)[quantity.name]
        decimals = places(quantity.expected)
        cells = [
            experiment.name if number == 0 else "",
            quantity.name,
            f"{quantity.expected:.{decimals}f}",
            f"{found.mean:.{decimals}f} ± {found.half_width:.{decimals}f}",
            f"{100 * quantity.notices:g} % of {quantity.main}",
            experiment.source if number == 0 else "",
        ]
        rows.append(f"| {' | '.join(cells)} |\n")
    return rows


def places(value: float) -> int:
    """Return with how many decimals a value has four figures, five where it begins with a 1."""
    decimals = 0
    while value < 2000:
        value, decimals = value * 10, decimals + 1
    return decimals


def replaced(page: str) -> str:
    """Return the page with the table of what is measured now."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return before + BEGIN + table() + END + after


if __name__ == "__main__":
    PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    save_all(PICTURES)
