"""Egresses: interfaces as far as they are given, and the whole ones that follow from them."""

from __future__ import annotations

from dataclasses import dataclass

from sim.scenario.background import Load, check_load, read_load
from sim.scenario.classes import read_scheduling
from sim.scenario.document import Document
from sim.scenario.egress_schema import CarrierEgress
from sim.scenario.model import Egress, Scheduling
from sim.scenario.problems import Place
from sim.scenario.quantities import Buffer
from sim.units import MAX_SIZE_BYTES, MAX_TIME_NS, format_size, format_time

NO_EGRESS = Egress(
    carrier="",
    server="",
    rate_bps=0,
    buffer_bytes=0,
    mtu_bytes=0,
    overhead_ns=0,
    scheduling="fifo",
    background=None,
)


@dataclass(frozen=True, slots=True)
class Interface:
    """An egress as far as it is given; places are kept for problems of the whole."""

    rate: int | None = None
    buffer: Buffer | None = None
    overhead: int | None = None
    mtu: int | None = None
    scheduling: Scheduling | None = None
    load: Load | None = None
    buffer_place: Place | None = None
    load_place: Place | None = None

    def over(self, base: Interface) -> Interface:
        """Return this with the gaps filled from `base`."""
        return Interface(
            rate=self.rate or base.rate,
            buffer=self.buffer or base.buffer,
            overhead=base.overhead if self.overhead is None else self.overhead,
            mtu=self.mtu or base.mtu,
            scheduling=self.scheduling or base.scheduling,
            load=self.load or base.load,
            buffer_place=self.buffer_place or base.buffer_place,
            load_place=self.load_place or base.load_place,
        )


def read_interface(document: Document, fields: CarrierEgress, *path: str) -> Interface:
    """Return what the fields at a path give."""
    scheduling, load = None, None
    if fields.scheduling is not None:
        scheduling = read_scheduling(document, fields.scheduling, *path, "scheduling")
    if fields.background is not None:
        load = read_load(document, fields.background, *path, "background")
    return Interface(
        rate=fields.rate,
        buffer=fields.buffer,
        overhead=fields.overhead,
        mtu=fields.mtu,
        scheduling=scheduling,
        load=load,
        buffer_place=document.place(*path, "buffer") if fields.buffer else None,
        load_place=document.place(*path, "background") if load else None,
    )


def whole_egress(document: Document, carrier: str, interface: Interface) -> Egress:
    """Return an egress whose rate and buffer are given, after recording what cannot be."""
    assert interface.rate is not None
    assert interface.buffer is not None
    assert interface.buffer_place is not None
    mtu_bytes = interface.mtu or document.file.mtu
    buffer_bytes = interface.buffer.size_bytes(interface.rate, mtu_bytes)
    check_buffer(document, interface.buffer_place, buffer_bytes, interface.rate, mtu_bytes)
    background = interface.load.down if interface.load else None
    if interface.load_place is not None:
        check_load(document, interface.load_place, background, mtu_bytes=mtu_bytes, policer=None)
    return Egress(
        carrier=carrier,
        server="",
        rate_bps=interface.rate,
        buffer_bytes=buffer_bytes,
        mtu_bytes=mtu_bytes,
        overhead_ns=interface.overhead or 0,
        scheduling=interface.scheduling or "fifo",
        background=background,
    )


def check_buffer(
    document: Document, place: Place, buffer_bytes: int, rate_bps: int, mtu_bytes: int
) -> None:
    """Record a problem with a buffer that takes no packet, or ages to drain."""
    if buffer_bytes < mtu_bytes:
        text = f"a buffer of {buffer_bytes} B does not hold one packet of the mtu, {mtu_bytes} B"
        document.problems.add(place, text)
    elif buffer_bytes > MAX_SIZE_BYTES:
        limit = format_size(MAX_SIZE_BYTES)
        document.problems.add(place, f"the buffer is above the limit of {limit}")
    elif buffer_bytes * 8 * 10**9 > MAX_TIME_NS * rate_bps:
        limit = format_time(MAX_TIME_NS)
        document.problems.add(place, f"the buffer takes longer than the limit of {limit} to drain")
