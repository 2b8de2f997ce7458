"""The READMEs, and files that pages link to, as parts of the site that MkDocs builds of docs/.

Pages link to each other and to files of the repository as one reads them there. On the site the
READMEs are its first pages, and other files that a page links to stand below `files/`.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
READMES = {"README.md": "index.md", "README.vi.md": "vi.md"}
LINK = re.compile(r"(?<=\]\()[^)\s#]+")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the READMEs, and all that pages link to outside docs/."""
    for path, uri in READMES.items():
        files.append(File.generated(config, uri, abs_src_path=str(ROOT / path)))
    todo = list(files.documentation_pages())
    while todo:
        page = todo.pop()
        for target in LINK.findall(page.content_string):
            path = linked(source(page.src_uri), target)
            uri = site_uri(path)
            if path and (ROOT / path).is_file() and files.get_file_from_path(uri) is None:
                found = File.generated(
                    config,
                    uri,
                    abs_src_path=str(ROOT / path),
                    inclusion=InclusionLevel.NOT_IN_NAV,
                )
                files.append(found)
                todo += [found] if found.is_documentation_page() else []
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Have the links of a page lead to where their targets stand on the site."""
    here = page.file.src_uri

    def moved(link: re.Match[str]) -> str:
        path = linked(source(here), link[0])
        return posixpath.relpath(site_uri(path), posixpath.dirname(here)) if path else link[0]

    return LINK.sub(moved, markdown)


def source(uri: str) -> str:
    """Return the path in the repository of a page of the site."""
    for path, page in READMES.items():
        if page == uri:
            return path
    return uri.removeprefix("files/") if uri.startswith("files/") else f"docs/{uri}"


def site_uri(path: str) -> str:
    """Return where a file of the repository stands on the site."""
    if path in READMES:
        return READMES[path]
    return path.removeprefix("docs/") if path.startswith("docs/") else f"files/{path}"


def linked(path: str, target: str) -> str:
    """Return the path in the repository that a page's link leads to; empty: it leads elsewhere."""
    if "://" in target:
        return ""
    found = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    return f"{found}/README.md" if (ROOT / found).is_dir() else found
