"""Every command in README.md and docs/ runs, and prints what the page shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.document import Command, matches, steps
from tests.docs.session import PAGES, ROOT, SHOWN_ONLY, Session


@pytest.fixture(scope="module")
def remembered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("remembered")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_print_what_the_page_shows(page: Path, tmp_path: Path, remembered: Path) -> None:
    """If only the output changed: python -m tests.docs.refresh."""
    session = Session(tmp_path, remembered)
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


def test_a_meeting_in_two_languages_is_simulated_once(tmp_path: Path) -> None:
    checkout, remembered = tmp_path / "checkout", tmp_path / "remembered"
    checkout.mkdir()
    remembered.mkdir()
    session = Session(checkout, remembered)
    run = "make run SCENARIO=scenarios/tiny.yaml ARGS='--engine reference --duration 2s {}'"
    english, vietnamese = session.run(run.format("")), session.run(run.format("--lang vi"))
    assert len(list(remembered.iterdir())) == 1
    assert english.splitlines()[-1].startswith("Results: ")
    assert vietnamese.splitlines()[-1].startswith("Kết quả: ")
    assert english[-9:] == vietnamese[-9:], "a fingerprint each"
    session.run(run.format("--seed 2"))
    assert len(list(remembered.iterdir())) == 2


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


def test_the_readme_says_the_same_in_both_languages() -> None:
    """The same sections and links, and the same commands, but for the choice of the language."""
    english, vietnamese = ROOT / "README.md", ROOT / "README.vi.md"
    assert "README.vi.md" in english.read_text(encoding="utf-8").splitlines()[2]
    assert "README.md" in vietnamese.read_text(encoding="utf-8").splitlines()[2]
    commands = [commands_of(page) for page in (english, vietnamese)]
    assert commands[0] == [text.removeprefix("SIM_LANG=vi ") for text in commands[1]]
    assert commands[0] != commands[1]
    assert headings(english) == headings(vietnamese)
    # The Vietnamese one leads to the glossary besides.
    there = {"README.md", "README.vi.md", "docs/glossary.md"}
    assert set(links(english)) - there == set(links(vietnamese)) - there


def commands_of(page: Path) -> list[str]:
    return [step.text for step in steps(page) if isinstance(step, Command)]


def headings(page: Path) -> list[str]:
    """Return the marks of the headings and of the items of lists, in their order."""
    return re.findall(r"^(#+|-) ", page.read_text(encoding="utf-8"), re.MULTILINE)


def links(page: Path) -> list[str]:
    """Return the files a page links to or shows, without the part after `#`."""
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    return [target.split("#")[0] for target in targets if "://" not in target]
