"""Names of lines: a site's id for its primary line, `ID/backup-N` for its N-th backup."""

from __future__ import annotations

from collections.abc import Iterable

from sim.scenario.model import Line

BACKUP = "backup-"


def line_names(lines: Iterable[Line]) -> list[str]:
    """Return the name of each line; lines are by site, the primary first, backups in order.

    Examples
    --------
    A site with two backups: `["79", "79/backup-1", "79/backup-2"]`.
    """
    names: list[str] = []
    before, backups = "", 0
    for line in lines:
        backups = backups * (line.site == before) + (line.role == "backup")
        before = line.site
        names.append(line.site if line.role == "primary" else f"{line.site}/{BACKUP}{backups}")
    return names


def site_of(name: str) -> str:
    """Return the id of the site at the lower end of a line.

    Examples
    --------
    >>> site_of("79"), site_of("79/backup-1")
    ('79', '79')
    """
    return name.partition("/")[0]  # no id of a site has a slash


def is_primary(name: str) -> bool:
    """Return whether a name is that of a primary line."""
    return "/" not in name
