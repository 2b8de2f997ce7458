"""Gates: what relays do to what comes up to them, and whether what comes up fits that."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sim.scenario.document import Document
from sim.scenario.model import PARENT, Mode, Relay, Stream, Turn
from sim.scenario.network_schema import RelayFields
from sim.scenario.problems import Place
from sim.scenario.sites import Tree


@dataclass(frozen=True, slots=True)
class Gate:
    """Mode and limits of a relay, as in `Relay`; the place of its `ports`, if it has any."""

    mode: Mode = "forward"
    transcoding_ns: int = 0
    select: int = 0
    ports: int = 0
    ports_place: Place | None = None


OPEN = Gate()


def lay_gate(
    document: Document, base: Gate, fields: RelayFields, path: tuple[str, ...], *, root: bool
) -> Gate:
    """Return a gate with what `fields` gives laid over it, after recording what cannot be.

    A change of mode leaves behind what only the other mode has. `root` says whether it is that of
    the root's relay, which passes nothing on.
    """
    gate = base
    if fields.mode == "compose":
        gate = replace(gate, mode="compose", select=0)
    elif fields.mode is not None:
        gate = replace(gate, mode="forward", transcoding_ns=0)
    if root and gate.mode == "compose":
        text = "all that comes up ends at the root anyway; it composes for no relay above"
        document.problems.add(document.place(*path, "mode"), text)
    if fields.transcoding is not None:
        if gate.mode == "compose":
            gate = replace(gate, transcoding_ns=fields.transcoding)
        else:
            text = "only a relay of 'mode: compose' transcodes"
            document.problems.add(document.place(*path, "transcoding"), text)
    if fields.select is not None:
        if fields.select and root:
            text = "all that comes up ends at the root; it has nothing to select from"
            document.problems.add(document.place(*path, "select"), text)
        elif fields.select and gate.mode == "compose":
            text = "a relay of 'mode: compose' passes on no streams to select from"
            document.problems.add(document.place(*path, "select"), text)
        else:
            gate = replace(gate, select=fields.select)
    if fields.ports is not None:
        place = document.place(*path, "ports") if fields.ports else None
        gate = replace(gate, ports=fields.ports, ports_place=place)
    return gate


def check_composites(
    document: Document, tree: Tree, relays: Iterable[Relay], streams: Iterable[Stream]
) -> None:
    """Record composites from sites whose relays do not compose."""
    if document.any_left_out("relays"):
        return
    composing = {relay.site for relay in relays if relay.mode == "compose"}
    for stream in streams:
        others = [site for site in stream.origins if site not in composing]
        if stream.composite and others:
            text = (
                f"{tree.title(others[0])} has no relay of 'mode: compose', and only such a relay "
                "sends a composite; see `relays`, or change 'from'"
            )
            document.problems.add(document.place("streams", stream.id, "composite"), text)


def check_ports(
    document: Document,
    tree: Tree,
    relays: Sequence[Relay],
    streams: Iterable[Stream],
    agenda: Iterable[Turn],
    places: Mapping[str, Place],
) -> None:
    """Record relays with fewer ports than sources come to them from below.

    `places` are those of `ports`, by site; of relays that share one the worst is named.
    """
    if not places:
        return
    composing = frozenset(relay.site for relay in relays if relay.mode == "compose")
    speakers = sorted({turn.site for turn in agenda})
    coming: dict[str, Counter[str]] = defaultdict(Counter)
    for stream in streams:
        for site, count in _coming(tree, stream, composing, speakers).items():
            coming[site][stream.id] += count
    full: dict[Place, list[Relay]] = defaultdict(list)
    for relay in relays:
        if relay.ports and coming[relay.site].total() > relay.ports:
            full[places[relay.site]].append(relay)
    for place, those in full.items():
        worst = max(those, key=lambda relay: coming[relay.site].total())
        sources = coming[worst.site]
        each = ", ".join(f"{sources[id_]} of '{id_}'" for id_ in sorted(sources))
        others = len(those) - 1
        more = f", and too many to {others} more relay{'s' * (others > 1)}" if others else ""
        text = (
            f"{sources.total()} sources ({each}) come up to the relay of {tree.title(worst.site)}, "
            f"which has ports for {worst.ports}{more}; give it {sources.total()}, or compose or "
            "end streams below it"
        )
        document.problems.add(place, text)


def _coming(
    tree: Tree, stream: Stream, composing: frozenset[str], speakers: Sequence[str]
) -> dict[str, int]:
    """Return how many sources of a stream come up to each relay from below."""
    if stream.direction == "down":
        return {}
    tiers = {tier: number for number, tier in enumerate(tree.tiers)}
    going: list[dict[str, int]] = [defaultdict(int) for _ in tiers]  # up from sites, by tier
    for site in stream.origins if stream.direction == "up" else speakers:
        going[tiers[tree.sites[site].tier]][site] += 1
    last = tiers.get(stream.to, 0)
    coming: dict[str, int] = defaultdict(int)
    for level in reversed(going):
        for site, sources in level.items():
            above = tree.sites[site].parent
            if not above:
                continue
            coming[above] += sources
            tier = tiers[tree.sites[above].tier]
            ends = stream.to == PARENT or tier <= last
            if not ends and not (stream.direction == "up" and above in composing):
                going[tier][above] += sources
    return coming
