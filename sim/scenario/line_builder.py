"""Line builder: descriptions of lines, layer over layer, and the lines that they become."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from math import isnan
from typing import Any, Literal

from sim.scenario.background import check_load
from sim.scenario.backups import BackupPlan, Parents
from sim.scenario.document import Document
from sim.scenario.egresses import check_buffer
from sim.scenario.geography import Route
from sim.scenario.inventory import Inventory
from sim.scenario.model import Background, Direction, Line, Loss, Policer, Scheduling
from sim.scenario.problems import Place
from sim.scenario.quantities import Buffer
from sim.scenario.sites import Tree

NO_LOSS = Loss(p=0.0, r=1.0, bad=0.0, good=0.0)
# One word of the file may set both directions.
SETS = {"rate": ("down", "up"), "buffer": ("down_buffer", "up_buffer"), "class": ()}

Values = dict[str, tuple[Any, Place]]


@dataclass(frozen=True, slots=True)
class Spec:
    """A line as far as it is described: field -> (value, where it is given)."""

    access_class: str
    values: Values

    def under(self, values: Values) -> Spec:
        """Return this with other values laid over it."""
        merged = dict(self.values)
        for name, value in values.items():
            for target in SETS.get(name, (name,)):
                merged[target] = value
        return Spec(self.access_class, merged)


@dataclass(frozen=True, slots=True)
class Kind:
    """A complete line but for its ends; `delay_ns` None: from geography."""

    carrier: str
    down: Direction
    up: Direction
    delay_ns: int | None


@dataclass(slots=True)
class Tier:
    """The lines of a tier: `base` without a class, the classes with their cumulated shares."""

    base: Spec
    classes: dict[str, Spec] = field(default_factory=dict)
    bounds: list[float] = field(default_factory=list)

    def drawn(self, uniform: float) -> Spec:
        """Return the class of a draw between 0 and 1."""
        specs = list(self.classes.values())
        return specs[min(bisect_right(self.bounds, uniform), len(specs) - 1)]


class LineBuilder:
    """Turns descriptions into lines; the many lines of one description are judged once."""

    def __init__(self, document: Document, tree: Tree, inventory: Inventory) -> None:
        self._document = document
        self._inventory = inventory
        self._tree = tree
        route = document.file.lines.route
        self._route = Route(factor=route.factor, per_km_ns=route.per_km) if route else None
        self._parents = Parents(document, tree)
        self._kinds: dict[Hashable, Kind | None] = {}
        self._without_position: set[Place] = set()  # thousands may share one fault
        self._directions: dict[tuple[object, ...], Direction] = {}

    def backups(self, spec: Spec, tier: Tier, site_id: str) -> Iterator[Line]:
        """Yield the backups that a site's description gives, but for those that are wrong."""
        plans: tuple[BackupPlan, ...] = spec.values.get("backup", ((),))[0]
        for plan in plans:
            parent = self._parents.of(site_id, plan)
            base = tier.classes.get(plan.access_class, tier.base)
            own = base.under(plan.values)
            key = (self._tree.sites[site_id].tier, plan.place)
            if parent:
                yield from self.line(own, site_id, parent, "backup", key=key, place=plan.place)

    def line(
        self,
        spec: Spec,
        site_id: str,
        parent: str,
        role: Literal["primary", "backup"],
        *,
        key: Hashable,
        place: Place | None,
    ) -> Iterator[Line]:
        """Yield the line, or nothing after recording what is missing or wrong.

        Lines of one `key` are of one description, which is judged once; None: of one of its own.
        `place` is that of a row or a backup that describes it.
        """
        if key is None:
            kind = self._kind(spec, site_id, place)
        else:
            if key not in self._kinds:
                self._kinds[key] = self._kind(spec, site_id, place)
            kind = self._kinds[key]
        if kind is None:
            return
        delay_ns = kind.delay_ns
        if delay_ns is None:
            delay_ns = self._propagation_ns(site_id, parent, place)
        yield Line(
            site=site_id,
            parent=parent,
            role=role,
            carrier=kind.carrier,
            access_class=spec.access_class,
            down=kind.down,
            up=kind.up,
            propagation_ns=delay_ns,
        )

    def _kind(self, spec: Spec, site_id: str, place: Place | None) -> Kind | None:
        values, document = spec.values, self._document
        if any(value is None for value, _ in values.values()):
            return None
        path: tuple[str, ...] = ("lines", self._tree.sites[site_id].tier)
        if spec.access_class and document.names(*path, "classes"):
            path = (*path, "classes", spec.access_class)
        gaps = [name for name in ("down", "up", "down_buffer") if name not in values]
        for name in gaps:
            name = "buffer" if name == "down_buffer" else name
            if place is None and self._inventory.faulty:
                continue  # its row may be among those that could not be read
            if place is None:
                document.problems.add(document.place(*path, name), "Field required")
            else:
                text = f"the line of {self._tree.title(site_id)} has no '{name}', here or in "
                document.problems.add(place, text + ".".join(path))
        if gaps:
            return None
        carrier, _ = values.get("carrier", ("", None))
        delay_ns, _ = values.get("delay", (None, None))
        policer = self._policer(values, site_id, path)
        down = self._direction(values, "down", policer)
        up = self._direction(values, "up", policer)
        return Kind(carrier, down, up, delay_ns)

    def _policer(self, values: Values, site_id: str, path: tuple[str, ...]) -> Policer | None:
        """Return the policer; None if there is none, or after recording what it lacks."""
        rate_bps, rate_place = values.get("policer_rate", (0, None))
        burst_bytes, burst_place = values.get("policer_burst", (0, None))
        place = rate_place if rate_bps else burst_place
        if bool(rate_bps) != bool(burst_bytes) and place:  # only a row can give one alone
            lacking = "policer_burst" if rate_bps else "policer_rate"
            text = f"the line of {self._tree.title(site_id)} has no '{lacking}', here or in "
            self._document.problems.add(place, text + ".".join(path))
            return None
        return Policer(rate_bps=rate_bps, burst_bytes=burst_bytes) if rate_bps else None

    def _direction(self, values: Values, name: str, policer: Policer | None) -> Direction:
        rate_bps: int = values[name][0]
        buffer: Buffer
        buffer, place = values[f"{name}_buffer"]
        loss: Loss = values["loss"][0] if "loss" in values else NO_LOSS
        mtu_bytes: int = values["mtu"][0] if "mtu" in values else self._document.file.mtu
        buffer_bytes = buffer.size_bytes(rate_bps, mtu_bytes)
        check_buffer(self._document, place, buffer_bytes, rate_bps, mtu_bytes)
        scheduling: Scheduling = values["scheduling"][0] if "scheduling" in values else "fifo"
        background: Background | None = None
        if "background" in values:
            load, place = values["background"]
            background = load.down if name == "down" else load.up
            check_load(self._document, place, background, mtu_bytes=mtu_bytes, policer=policer)
        key = (rate_bps, buffer_bytes, mtu_bytes, loss, policer, scheduling, background)
        if key not in self._directions:
            # An empty buffer was recorded as a problem; the model refuses it too.
            self._directions[key] = Direction(
                rate_bps=rate_bps,
                buffer_bytes=max(buffer_bytes, 1),
                mtu_bytes=mtu_bytes,
                loss=loss,
                policer=policer,
                scheduling=scheduling,
                background=background,
            )
        return self._directions[key]

    def _propagation_ns(self, site_id: str, parent: str, given_at: Place | None) -> int:
        """Return the propagation time by geography; 0 after recording why there is none."""
        child, above = self._tree.sites[site_id], self._tree.sites[parent]
        if self._route is not None and not (isnan(child.latitude) or isnan(above.latitude)):
            return self._route.propagation_ns(child, above)
        document = self._document
        place = given_at or document.place("lines", child.tier)
        if self._route is None:
            if not document.left_out("lines", "route"):
                text = "a line needs 'delay', or 'lines.route' to take it from the positions"
                document.problems.add(place, text)
            return 0
        lost = self._tree.title(site_id if isnan(child.latitude) else parent)
        if place not in self._without_position:
            text = f"{lost} has no position; give 'lat' and 'lon', or 'delay' here"
            document.problems.add(place, text)
        self._without_position.add(place)
        return 0
