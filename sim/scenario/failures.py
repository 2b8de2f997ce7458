"""Random failures: the faults that chance makes of lines, relays and rooms during the meeting."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sim import variates
from sim.scenario.document import Document
from sim.scenario.failure_schema import FailureFields, RepairFields
from sim.scenario.lifetimes import Lifetime, downtimes, expected
from sim.scenario.line_names import line_names
from sim.scenario.lines import known_carriers, known_classes
from sim.scenario.model import FOREVER_NS, Fault, Line
from sim.scenario.selectors import Selector, candidates, read_selector
from sim.scenario.sites import Tree
from sim.units import MAX_TIME_NS

MOST_FAULTS = 100_000
KINDS = {
    "lines": ("tier", "carrier", "class"),
    "relays": ("tier",),
    "rooms": ("tier",),
}


@dataclass(frozen=True, slots=True)
class Part:
    """What may fail: the target that names it, its site, and by what it is selected."""

    target: str
    site: str
    names: Mapping[str, str]


def read_failures(
    document: Document, tree: Tree, lines: tuple[Line, ...], *, seed: int, duration_ns: int
) -> tuple[Fault, ...]:
    """Return what fails at random before `duration_ns`, in order of time, then of targets."""
    fields = document.file.failures
    if fields is None:
        return ()
    known = {
        "carrier": known_carriers(document, lines),
        "class": known_classes(document, lines),
    }
    faults: list[Fault] = []
    total = 0.0
    sections = (
        ("lines", fields.lines, _line_parts(tree, lines)),
        ("relays", fields.relays, _site_parts(tree, "relay")),
        ("rooms", fields.rooms, _site_parts(tree, "room")),
    )
    for section, entries, parts in sections:
        chosen = _chosen(document, tree, section, entries, parts, known)
        for text, those in chosen.items():
            lifetime = _lifetime(entries[text])
            total += expected(lifetime, parts=len(those), duration_ns=duration_ns)
            if total > MOST_FAULTS:
                place = document.place("failures", section, text)
                problem = f"makes about {total:.0f} faults, more than the limit of {MOST_FAULTS}"
                document.problems.add(place, f"{problem}; raise 'mttf'")
                return ()
            faults += _drawn(lifetime, those, seed=seed, duration_ns=duration_ns)
    return tuple(sorted(faults, key=lambda fault: (fault.at_ns, fault.label.encode())))


def _line_parts(tree: Tree, lines: tuple[Line, ...]) -> list[Part]:
    return [
        Part(
            f"line/{name}",
            line.site,
            {
                "site": line.site,
                "tier": tree.sites[line.site].tier,
                "carrier": line.carrier,
                "class": line.access_class,
            },
        )
        for name, line in zip(line_names(lines), lines, strict=True)
    ]


def _site_parts(tree: Tree, kind: str) -> list[Part]:
    return [
        Part(f"{kind}/{site.id}", site.id, {"site": site.id, "tier": site.tier})
        for site in tree.sites.values()
        if (site.room if kind == "room" else site.id in tree.children)
    ]


def _chosen(
    document: Document,
    tree: Tree,
    section: str,
    entries: Mapping[str, FailureFields],
    parts: Sequence[Part],
    known: Mapping[str, frozenset[str]],
) -> dict[str, list[str]]:
    """Return the targets that each entry is about; of entries about one part the last is."""
    selectors: list[tuple[str, Selector]] = []
    for text in entries:
        place = document.key_place("failures", section, text)
        selector = read_selector(text, KINDS[section], tree, document.problems, place, bare="site")
        if selector is None:
            continue
        names = known.get(selector.kind)
        if names is not None and selector.name not in names:
            if not document.any_left_out("lines"):
                suggestion = document.problems.suggest(selector.name, names)
                document.problems.add(place, f"no {selector.kind} '{selector.name}'{suggestion}")
            continue
        selectors.append((text, selector))
    concerned = candidates(selector for _, selector in selectors)
    chosen: dict[str, list[str]] = {text: [] for text, _ in selectors}
    found = dict.fromkeys(chosen, False)
    for part in parts:
        winner = ""
        for number in concerned.of(part.site):
            text, selector = selectors[number]
            if selector.name == part.names[selector.kind] and selector.covers(part.site):
                winner, found[text] = text, True
        if winner:
            chosen[winner].append(part.target)
    _check_found(document, section, selectors, found)
    return chosen


def _check_found(
    document: Document,
    section: str,
    selectors: Iterable[tuple[str, Selector]],
    found: Mapping[str, bool],
) -> None:
    """Record entries about nothing; a class or carrier may just have been drawn by no site."""
    for text, selector in selectors:
        if not found[text] and selector.kind in ("site", "tier") and selector.scope is None:
            place = document.key_place("failures", section, text)
            document.problems.add(place, f"'{text}' has no {section.removesuffix('s')} to fail")


def _lifetime(fields: FailureFields) -> Lifetime:
    return Lifetime(
        mttf_ns=fields.mttf,
        shape=fields.shape,
        median_ns=_median_ns(fields.repair),
        sigma=fields.repair.sigma,
    )


def _median_ns(repair: RepairFields) -> float:
    if repair.mean is None:
        return float(repair.median or 0)
    return repair.mean / variates.exp(repair.sigma**2 / 2)


def _drawn(
    lifetime: Lifetime, targets: Sequence[str], *, seed: int, duration_ns: int
) -> Iterator[Fault]:
    for target, at_ns, until_ns in downtimes(
        lifetime, seed=seed, names=targets, duration_ns=duration_ns
    ):
        kind, _, name = target.partition("/")
        yield Fault(
            label=f"fail {target}",
            action="fail",
            at_ns=at_ns,
            # Of a repair after the longest meeting nobody sees the end.
            until_ns=until_ns if until_ns - at_ns <= MAX_TIME_NS else FOREVER_NS,
            down_ns=0,
            up_ns=0,
            lines=(name,) if kind == "line" else (),
            relays=(name,) if kind == "relay" else (),
            rooms=(name,) if kind == "room" else (),
            sites=(),
            rate_factor=1.0,
            added_loss=0.0,
            passes=(),
        )
