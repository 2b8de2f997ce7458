"""The site builds without a warning, and every link in it leads to a file that is there."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.docs.session import PAGES, ROOT


class Anchors(HTMLParser):
    """Collects where a page leads, and what in it can be led to."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.targets += [given[name] or "" for name in ("href", "src") if name in given]
        if given.get("id"):
            self.ids.add(given["id"] or "")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = ["-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    built = subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Anchors]:
    found = {}
    for path in site.rglob("*.html"):
        # The page for what is not there is served at any address.
        if path.name != "404.html":
            found[path.resolve()] = Anchors()
            found[path.resolve()].feed(path.read_text(encoding="utf-8"))
    return found


def test_every_page_is_there(site: Path) -> None:
    assert (site / "index.html").exists()
    assert (site / "vi.html").exists()
    for page in PAGES:
        if page.parent != ROOT:
            uri = page.relative_to(ROOT / "docs").with_suffix(".html")
            assert (site / str(uri).replace("README", "index")).exists(), uri


def test_every_link_leads_to_something_that_is_there(pages: dict[Path, Anchors]) -> None:
    count = 0
    for path, anchors in pages.items():
        for target in anchors.targets:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc or not target.strip("."):
                continue
            found = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert found.exists(), f"{path.name}: {target}"
            if parts.fragment and found in pages and pages[found].ids:
                assert unquote(parts.fragment) in pages[found].ids, f"{path.name}: {target}"
            count += 1
    assert count > 500


def test_no_list_is_taken_for_a_paragraph(site: Path) -> None:
    """Unlike GitHub, MkDocs wants a blank line before a list."""
    for path in site.rglob("*.html"):
        for paragraph in re.findall(r"<p>(.*?)</p>", path.read_text(encoding="utf-8"), re.DOTALL):
            assert "\n- " not in paragraph, path


def test_no_page_asks_another_server(pages: dict[Path, Anchors], site: Path) -> None:
    """A ministry reads it without the Internet: scripts, styles and fonts are the site's own."""
    for path in pages:
        text = path.read_text(encoding="utf-8")
        assert '<script src="http' not in text
        assert '<link rel="stylesheet" href="http' not in text
    for style in site.rglob("*.css"):
        assert "url(http" not in style.read_text(encoding="utf-8")
        assert "@import" not in style.read_text(encoding="utf-8")


def test_every_decision_is_in_their_list() -> None:
    folder = ROOT / "docs" / "decisions"
    text = (folder / "README.md").read_text(encoding="utf-8")
    for page in sorted(folder.glob("0*.md")):
        title = page.read_text(encoding="utf-8").splitlines()[0]
        number, _, words = title.removeprefix("# ").partition(" ")
        assert f"- {number} [{words}]({page.name})" in text
