"""Where a site is: the names on the way to it."""

from __future__ import annotations

from sim.network.tree import Network

STEP = " › "


def place(network: Network, site: int) -> str:
    """Return the names from just below the root down to a site; the root's own for the root."""
    return STEP.join(network.sites[s].name for s in network.path(site) or [site])


def id_and_place(network: Network, site: int) -> str:
    """Return a site's id and place; its id only once where that is its name too."""
    end = network.sites[site]
    where = place(network, site)
    return where if end.id == end.name else f"{end.id} {where}"


def places(network: Network) -> list[str]:
    """Return the place of every site, (n,), in one pass."""
    found: list[str] = []
    for s, site in enumerate(network.sites):
        above = int(network.parent[s])
        found.append(site.name if above <= 0 else found[above] + STEP + site.name)
    return found
