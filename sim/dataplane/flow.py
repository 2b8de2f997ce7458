"""The packets alive: those sent in this span, and behind them the few no one has decided yet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sim.dataplane.kernels.arrays import Flow
from sim.media.kernels.arrays import Columns, Mail, new_columns, no_mail
from sim.media.packets import Packets

Int64Array = NDArray[np.int64]


class Alive:
    """Columns of the packets alive; a packet's place in them changes from span to span."""

    def __init__(self, sites: int) -> None:
        self._sites = np.arange(sites, dtype=np.int32)
        self._columns = new_columns(0)
        self._sent, self._first = 0, 0
        self._kept_number = np.empty(0, dtype=np.int64)

    def take(self, packets: Packets, pools: Sequence[Int64Array], service_ns: Int64Array) -> Flow:
        """Return the packets of a span, and behind them those that `pools` still name.

        What it returned before may be overwritten.

        Parameters
        ----------
        pools : (rows, fields) int64, column 0 a packet's place or -1; rewritten to its new place
        service_ns : (rows, largest size + 1) int64, ns to send a packet of each size
        """
        sent = len(packets)
        kept = self._keep(pools, sent)
        count = sent + kept.size
        columns, mail = self._with_room(packets, count)
        for name in Columns._fields:
            getattr(columns, name)[sent:count] = getattr(self._columns, name)[kept]
        self._kept_number = self._numbers(kept)
        self._columns = columns
        self._sent, self._first = sent, packets.first
        turns_begin = packets.first_frames.size > 0 or bool((columns.turn[sent:count] >= 0).any())
        return Flow(
            sent=sent,
            first=packets.first,
            kept_number=self._kept_number,
            origin_first=packets.origin_first,
            service_ns=service_ns,
            turns_begin=turns_begin,
            mail=mail,
            **{name: column[:count] for name, column in columns._asdict().items()},
        )

    def _keep(self, pools: Sequence[Int64Array], sent: int) -> Int64Array:
        """Return the places still named, sorted, and have the pools name their new ones."""
        named = np.unique(np.concatenate([pool[:, 0] for pool in pools]))
        kept = named[named >= 0]
        for pool in pools:
            # Others have no place and stay at -1.
            place = sent + np.searchsorted(kept, pool[:, 0])
            pool[:, 0] = np.where(pool[:, 0] >= 0, place, -1)
        return kept

    def _numbers(self, places: Int64Array) -> Int64Array:
        """Return the numbers in the run of packets by the places they have had so far."""
        behind = np.maximum(places - self._sent, 0)
        before = np.append(self._kept_number, 0)[behind]
        return np.where(places < self._sent, self._first + places, before)

    def _with_room(self, packets: Packets, count: int) -> tuple[Columns, Mail]:
        """Return the packets of a span in arrays of at least `count` rows, and their mail."""
        sealed = packets.sealed
        if sealed is not None and sealed.columns.sent_ns.size >= count:
            return sealed.columns, sealed.mail
        packets = packets.written()
        columns = new_columns(count)
        columns.origin[: len(packets)] = np.repeat(self._sites, np.diff(packets.origin_first))
        for name in ("stream", "sequence", "sent_ns", "size_bytes", "turn", "part"):
            getattr(columns, name)[: len(packets)] = getattr(packets, name)
        return columns, no_mail(self._sites.size)
