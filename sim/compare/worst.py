"""The worst lines, egresses and rooms of a run, by kind, and the figures of any other of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.compare.findings import WORST, Row, rounded
from sim.metrics.measures import Cause, share
from sim.results.place import id_and_place
from sim.results.run import Results

Float64Array = NDArray[np.float64]


class Subjects:
    """All k lines, egresses or rooms of a run, which a baseline lists the worst of.

    Parameters
    ----------
    names : (k,) each unique
    kinds : (k,) which are ranked apart
    figures : by measure, (k,) float64; NaN: not known
    place : of a number below k
    """

    def __init__(
        self,
        names: Sequence[str],
        kinds: Sequence[str],
        figures: Mapping[str, Float64Array],
        place: Callable[[int], str],
    ) -> None:
        self._names = names
        self._kinds = kinds
        self._figures = figures
        self._place = place
        self._index = {name: i for i, name in enumerate(names)}

    def row(self, name: str) -> Row | None:
        """Return the figures of one subject, whether it is among the worst or not."""
        i = self._index.get(name)
        return None if i is None else self._row(i)

    def worst(self) -> dict[str, dict[str, Row]]:
        """Return the subjects that are among the `WORST` of their kind by any measure.

        What is 0 is never among them. Of equals the first come first; the result is sorted.
        """
        kinds, of = np.unique(np.array(self._kinds, dtype=object), return_inverse=True)
        found: dict[str, dict[str, Row]] = {}
        for k, kind in enumerate(kinds.tolist()):
            members = np.flatnonzero(of == k)
            listed: set[int] = set()
            for values in self._figures.values():
                known = members[values[members] > 0]
                order = np.argsort(-values[known], kind="stable")
                listed.update(known[order[:WORST]].tolist())
            if listed:
                rows = {self._names[i]: self._row(i) for i in listed}
                found[kind] = dict(sorted(rows.items()))
        return found

    def _row(self, i: int) -> Row:
        figures = {name: rounded(float(values[i])) for name, values in self._figures.items()}
        return Row(figures=figures, place=self._place(i))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """What `Subjects` needs, while it is put together."""

    names: list[str]
    kinds: list[str]


def subjects(results: Results) -> dict[str, Subjects]:
    """Return the lines, egresses and rooms of a run."""
    return {"lines": _lines(results), "egresses": _egresses(results), "rooms": _rooms(results)}


def _lines(results: Results) -> Subjects:
    """Directions of primary lines, by tier and access class; their loss is what they lost."""
    network, measured = results.network, results.measures.lines
    n = len(network.sites)
    below = np.arange(1, n)
    hops = np.concatenate([below, n + below])
    named = _Named(names=[], kinds=[])
    for hop in hops.tolist():
        site, line = network.sites[hop % n], network.lines[hop % n]
        assert line is not None, "only the root has no line"
        named.names.append(f"{site.id} {'down' if hop < n else 'up'}")
        named.kinds.append(f"{site.tier} {line.access_class}".strip())
    # What a fault took is not the line's doing, as in the report.
    own = measured.lost[hops, Cause.POLICER :].sum(axis=1)
    return Subjects(
        named.names,
        named.kinds,
        {
            "loss_percent": np.nan_to_num(100 * share(own, measured.offered[hops])),
            "utilisation_percent": 100 * measured.utilisation[hops],
        },
        lambda i: id_and_place(network, int(hops[i] % n)),
    )


def _egresses(results: Results) -> Subjects:
    """Shared egresses, by tier; their loss is what their queue lost."""
    network, measured = results.network, results.measures.egresses
    shared = np.flatnonzero(~np.isnan(measured.utilisation))
    sites = [network.sites[s] for s in network.egress_site[shared].tolist()]
    names = [
        f"{site.id} {network.egresses[e].label}".strip()
        for site, e in zip(sites, shared.tolist(), strict=True)
    ]
    loss = share(measured.lost[shared, 1], measured.offered[shared])
    return Subjects(
        names,
        [site.tier for site in sites],
        {
            "loss_percent": np.nan_to_num(100 * loss),
            "utilisation_percent": 100 * measured.utilisation[shared],
        },
        lambda i: id_and_place(network, int(network.egress_site[shared[i]])),
    )


def _rooms(results: Results) -> Subjects:
    """Rooms, by tier; their loss is all they lost, on the way or in the room."""
    network, rooms = results.network, results.measures.endpoints
    sites = [network.sites[s] for s in rooms.site.tolist()]
    return Subjects(
        [site.id for site in sites],
        [site.tier for site in sites],
        {
            "loss_percent": np.nan_to_num(100 * rooms.loss),
            "delay_p99_ms": rooms.delays.p99_ns / 1e6,
        },
        lambda i: id_and_place(network, int(rooms.site[i])),
    )
