"""Protection as the file has it: `detection` and `failover`, by tier."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sim.scenario.document import Document
from sim.scenario.model import Line, Relay, Stream
from sim.scenario.protection import Bfd, Consent, Detection, Failover, Rtcp, Silence
from sim.scenario.protection_schema import DetectionFields, FailoverFields, SilenceFields
from sim.scenario.sites import Tree


def read_detection(
    document: Document, tree: Tree, streams: Sequence[Stream]
) -> tuple[Detection, ...]:
    """Return how each tier's sites notice that they are cut off, from the root down."""
    found = {}
    for tier, fields in document.file.detection.items():
        if _check_tier(document, tree, "detection", tier):
            found[tier] = _detection(document, tree, tier, fields, streams)
    return tuple(found[tier] for tier in tree.tiers if tier in found)


def read_failover(
    document: Document,
    tree: Tree,
    lines: Sequence[Line],
    relays: Sequence[Relay],
    watching: Collection[str],
) -> tuple[Failover, ...]:
    """Return what each tier's sites do then, from the root down; `watching` tiers notice."""
    found = {}
    for tier, fields in document.file.failover.items():
        if not _check_tier(document, tree, "failover", tier):
            continue
        if tier not in watching and not document.left_out("detection", tier):
            text = f"needs 'detection.{tier}': what nobody notices, nobody acts on"
            document.problems.add(document.key_place("failover", tier), text)
        _check_backups(document, tree, tier, lines, relays)
        found[tier] = _failover(tier, fields)
    return tuple(found[tier] for tier in tree.tiers if tier in found)


def _check_tier(document: Document, tree: Tree, section: str, tier: str) -> bool:
    place = document.key_place(section, tier)
    if tier not in tree.tiers:
        suggestion = document.problems.suggest(tier, tree.tiers[1:])
        document.problems.add(place, f"no tier '{tier}'{suggestion}")
        return False
    if tier == tree.tiers[0]:
        document.problems.add(place, f"the root tier '{tier}' has no line to watch")
        return False
    return True


def _detection(
    document: Document,
    tree: Tree,
    tier: str,
    fields: DetectionFields,
    streams: Sequence[Stream],
) -> Detection:
    bfd, silence, rtcp, consent = None, None, None, None
    if fields.bfd is not None:
        bfd = Bfd(interval_ns=fields.bfd.interval, multiplier=fields.bfd.multiplier)
    if fields.silence is not None:
        silence = _silence(document, tree, tier, fields.silence, streams)
    if fields.rtcp is not None:
        rtcp = Rtcp(interval_ns=fields.rtcp.interval, multiplier=fields.rtcp.multiplier)
    if fields.consent is not None:
        consent = Consent(interval_ns=fields.consent.interval, expiry_ns=fields.consent.expiry)
    return Detection(
        tier=tier, bfd=bfd, silence=silence, rtcp=rtcp, consent=consent, late_ns=fields.late
    )


def _silence(
    document: Document,
    tree: Tree,
    tier: str,
    fields: int | SilenceFields,
    streams: Sequence[Stream],
) -> Silence:
    problems, path = document.problems, ("detection", tier, "silence")
    deaf = [site for site in tree.sites.values() if site.tier == tier and not site.room]
    if deaf:
        text = f"{tree.title(deaf[0].id)} has no room, and silence is heard in rooms; use 'bfd'"
        problems.add(document.place(*path), text)
    if isinstance(fields, int):
        return Silence(after_ns=fields, streams=())
    names = fields.streams
    if names == []:
        problems.add(document.place(*path, "streams"), "needs a stream; leave it out for all")
    directions = {stream.id: stream.direction for stream in streams}
    for number, name in enumerate(names or ()):
        place = document.place(*path, "streams", number)
        if name not in directions:
            if not document.any_left_out("streams"):
                problems.add(place, f"no stream '{name}'{problems.suggest(name, list(directions))}")
        elif directions[name] == "up":
            problems.add(place, f"'{name}' goes up, and rooms hear what comes down")
    heard = tuple(sorted(set(names or ()), key=str.encode))
    return Silence(after_ns=fields.after, streams=heard)


def _check_backups(
    document: Document, tree: Tree, tier: str, lines: Sequence[Line], relays: Sequence[Relay]
) -> None:
    """Record tiers that have nowhere to go, or may go where a relay could not tell who speaks."""
    backups = [line for line in lines if line.role == "backup"]
    own = [line for line in backups if tree.sites[line.site].tier == tier]
    place = document.key_place("failover", tier)
    if not own and not document.any_left_out("lines"):
        text = f"no site of tier '{tier}' has a backup line; give 'lines.{tier}.backup'"
        document.problems.add(place, text)
    elsewhere = [line for line in own if line.parent != tree.sites[line.site].parent]
    choosing = [relay for relay in relays if relay.mode == "compose" or relay.select]
    if elsewhere and choosing:
        line, relay = elsewhere[0], choosing[0]
        what = "composes" if relay.mode == "compose" else "selects"
        text = (
            f"a backup of {tree.title(line.site)} goes to {tree.title(line.parent)}, not to its "
            f"parent, and the relay of {tree.title(relay.site)} {what}: whom a relay composes or "
            "selects is settled by who is below it at the start; give backups to the parent, or "
            "let relays forward all"
        )
        document.problems.add(place, text)


def _failover(tier: str, fields: FailoverFields) -> Failover:
    return Failover(
        tier=tier,
        hold_down_ns=fields.hold_down,
        revert_ns=fields.revert,
        retry_ns=fields.retry,
    )
