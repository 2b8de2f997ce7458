"""Names of lines and their numbers; see `sim.scenario.line_names`."""

from __future__ import annotations

from sim.network.tree import Network
from sim.scenario.line_names import BACKUP, is_primary, site_of


def line_number(network: Network, name: str) -> int:
    """Return the number of the line with a name.

    Raises
    ------
    KeyError, IndexError
        If there is none.
    """
    site = network.index[site_of(name)]
    if is_primary(name):
        return site
    backup = int(name.rpartition(BACKUP)[2])
    return network.lines_of(site)[backup]


def line_name(network: Network, number: int) -> str:
    """Return the name of the line with a number."""
    site = int(network.line_site[number])
    if number == site:
        return network.sites[site].id
    first = len(network.lines) + int(network.backup_first[site])
    return f"{network.sites[site].id}/{BACKUP}{number - first + 1}"
