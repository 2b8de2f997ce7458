"""Every command in README.md and docs/ runs, and prints what the page shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.document import Command, matches, steps
from tests.docs.session import PAGES, ROOT, SHOWN_ONLY, Session


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_print_what_the_page_shows(page: Path, tmp_path: Path) -> None:
    """If only the output changed: python -m tests.docs.refresh."""
    session = Session(tmp_path)
    for step in steps(page):
        if not isinstance(step, Command):
            (session.folder / step.name).write_text(step.text, encoding="utf-8")
            continue
        printed = session.run(step.text)
        where = f"{page.name}:{step.line}: {step.text}"
        # 1 is a missed requirement, 2 bad input: pages show both. 3 and above are failures.
        assert session.status in (0, 1, 2), f"{where}\n{printed}"
        if step.text not in SHOWN_ONLY:
            assert matches(step.output, printed), f"{where}\n{printed}"


def test_the_two_commands_are_in_the_readme() -> None:
    shown = [step.text for step in steps(ROOT / "README.md") if isinstance(step, Command)]
    assert "make run" in shown
    assert "make test" in shown


def test_a_page_that_lies_is_noticed() -> None:
    assert matches("a ... c\n... d", "a b c  \nx d\n")
    assert not matches("a ... c", "a b d")
    assert not matches("a", "a\nb")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in links(page):
        assert (page.parent / target).exists(), f"{page.name}: {target}"


def links(page: Path) -> list[str]:
    """Return the files a page links to or shows, without the part after `#`."""
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    return [target.split("#")[0] for target in targets if "://" not in target]
