"""Write what is measured into docs/: python -m tests.validation.report.

The tables go into docs/validation.md, the pictures into docs/pictures.

Read the difference before committing it: the page's own words may have to follow.
"""

from __future__ import annotations

from pathlib import Path

from tests.validation.calculus import page as calculus
from tests.validation.namespaces import page as namespaces
from tests.validation.picture import save_all
from tests.validation.theory.experiment import Experiment, measured
from tests.validation.theory.experiments import EXPERIMENTS

PAGE = Path(__file__).parents[2] / "docs" / "validation.md"
PICTURES = PAGE.parent / "pictures"
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


TABLES = {
    "measured": table,
    "calculus": calculus.table,
    "namespaces": namespaces.table,
}


def replaced(page: str, name: str) -> str:
    """Return the page with one of its tables as it is now."""
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"
    before, rest = page.split(begin)
    _, after = rest.split(end)
    return before + begin + TABLES[name]() + end + after


def main() -> None:
    """Write all tables, and draw all pictures."""
    text = PAGE.read_text(encoding="utf-8")
    for name in TABLES:
        text = replaced(text, name)
    PAGE.write_text(text, encoding="utf-8")
    save_all(PICTURES)
    calculus.draw(PICTURES)


if __name__ == "__main__":
    main()
