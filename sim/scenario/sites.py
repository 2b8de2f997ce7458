"""Sites: from a table or from counts, thinned by `only` and `count`, as a checked tree."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from sim.scenario import draws, quantities
from sim.scenario.document import Document
from sim.scenario.folder import UnreadableError, inside, read_text
from sim.scenario.model import Site
from sim.scenario.problems import Problems
from sim.scenario.table import Table

MAX_SITES = 2_000_000
# What names of tiers would be confused with: fields beside them, and words beside them in a
# stream, a backup or a step of signalling.
RESERVED = (
    "route",
    "inventory",
    "except",
    "rooms",
    "speaker",
    "parent",
    "server",
    "nearest",
)
COLUMNS = ("id", "tier", "parent", "name", "lat", "lon", "region")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The sites of a scenario, linked.

    Attributes
    ----------
    tiers : names, root first
    sites : by id, ordered by id as UTF-8 bytes
    names : site id -> name
    children : site id -> ids of its children; only sites that have some
    regions : region -> ids of its sites
    root : id
    """

    tiers: tuple[str, ...]
    sites: dict[str, Site]
    names: dict[str, str]
    children: dict[str, list[str]]
    regions: dict[str, frozenset[str]]
    root: str

    def below(self, top: str) -> Iterator[str]:
        """Yield a site and everything below it."""
        waiting = [top]
        while waiting:
            site_id = waiting.pop()
            yield site_id
            waiting.extend(self.children.get(site_id, ()))

    def title(self, site_id: str) -> str:
        """Return `'id' (name)`, for messages."""
        name = self.names[site_id]
        return f"'{site_id}'" if name == site_id else f"'{site_id}' ({name})"

    def is_above(self, upper: str, lower: str) -> bool:
        """Return whether the tier of `upper` is above that of `lower`."""
        tiers = self.tiers
        return tiers.index(self.sites[upper].tier) < tiers.index(self.sites[lower].tier)


@dataclass(slots=True)
class Row:
    """A site as listed, with its line in the table; `room` is decided later."""

    id: str
    tier: str
    parent: str
    name: str
    lat: float
    lon: float
    region: str
    line: int


def read_sites(document: Document, seed: int) -> Tree:
    """Return the scenario's sites.

    Raises
    ------
    ScenarioError
        If there are problems with the sites: nothing that refers to them could be judged.
    """
    fields, problems = document.file.sites, document.problems
    if document.left_out("sites"):
        problems.check()
    before = len(problems)
    tiers = tuple(fields.tiers)
    _check_tiers(document, tiers)
    if fields.generate is not None:
        rows = _generate(document, tiers)
    else:
        table = open_table(document, ("sites",), fields.file, fields.table)
        rows = _read_rows(table, tiers, problems) if table else {}
    problems.check_since(before)
    if fields.only is not None:
        rows = _only(document, rows, fields.only)
    for tier, count in (fields.count or {}).items():
        rows = _count(document, rows, tiers, tier, count, seed)
    problems.check_since(before)
    return _tree(rows, tiers, set(fields.rooms))


def open_table(
    document: Document, path: tuple[str, ...], file: str | None, text: str | None
) -> Table | None:
    """Return the table at `path`, from a file or a block; None if it cannot be read."""
    if file is None:
        block = document.scalar(*path, "table")
        assert block is not None
        place = document.place(*path, "table")
        first = place.line + 1 if block.literal else place.line
        return Table(text=text or "", file=place.file, first_line=first, path=place.path)
    try:
        target = inside(document.path.parent, file)
        content = read_text(target)
    except UnreadableError as error:
        here = (*path, "file") if document.scalar(*path, "file") else path
        document.problems.add(document.place(*here), f"'{file}' {error}")
        return None
    return Table(text=content, file=str(target), first_line=1, path="")


def _check_tiers(document: Document, tiers: tuple[str, ...]) -> None:
    fields, problems = document.file.sites, document.problems
    before = len(problems)
    if len(tiers) < 2:
        problems.add(document.place("sites", "tiers"), "needs at least two tiers, the root first")
    for number, tier in enumerate(tiers):
        place = document.place("sites", "tiers", number)
        if tier in tiers[:number]:
            problems.add(place, f"tier '{tier}' is given twice")
        if tier in RESERVED:
            problems.add(place, f"'{tier}' has a meaning of its own; name the tier otherwise")
    for number, tier in enumerate(fields.rooms):
        place = document.place("sites", "rooms", number)
        if tier not in tiers:
            problems.add(place, f"no tier '{tier}'{problems.suggest(tier, tiers)}")
        elif tier == tiers[0]:
            problems.add(place, f"the root tier '{tier}' sends the meeting and has no room")
    problems.check_since(before)
    for tier in fields.count or {}:
        if tier != tiers[-1]:
            place = document.key_place("sites", "count", tier)
            problems.add(place, f"only the last tier, '{tiers[-1]}', can be counted, not '{tier}'")


def _generate(document: Document, tiers: tuple[str, ...]) -> dict[str, Row]:
    counts, problems = document.file.sites.generate or {}, document.problems
    before = len(problems)
    for tier in counts:
        if tier not in tiers[1:]:
            why = "the root is one site" if tier == tiers[0] else f"no tier '{tier}'"
            why += problems.suggest(tier, tiers[1:]) if tier != tiers[0] else "; leave it out"
            problems.add(document.key_place("sites", "generate", tier), why)
    totals, total = [1], 1
    for tier in tiers[1:]:
        amount = counts.get(tier)
        if amount is None:
            problems.add(document.place("sites", "generate", tier), "Field required")
            continue
        count = int(amount.amount) * (totals[-1] if amount.unit == "each" else 1)
        totals.append(count)
        total += count
        if total > MAX_SITES:
            place = document.place("sites", "generate", tier)
            problems.add(place, f"makes {total} sites, above the limit of {MAX_SITES}")
            break
    problems.check_since(before)
    nan = math.nan
    above = [tiers[0]]
    rows = {tiers[0]: Row(tiers[0], tiers[0], "", tiers[0], nan, nan, "", 0)}
    for tier, count in zip(tiers[1:], totals[1:], strict=True):
        width = len(str(count))
        ids = [f"{tier}-{number:0{width}}" for number in range(1, count + 1)]
        place = document.key_place("sites", "generate", tier)
        if len(ids[-1]) > quantities.LONGEST_WORD:
            text = (
                f"makes ids such as '{ids[-1]}', longer than {quantities.LONGEST_WORD} characters"
            )
            problems.add(place, f"{text}; give the tier a shorter name")
        if tiers[0] in ids:
            text = f"makes a site '{tiers[0]}', which is the root's id; name a tier otherwise"
            problems.add(place, text)
        for number, site_id in enumerate(ids):
            parent = above[number * len(above) // count]
            rows[site_id] = Row(site_id, tier, parent, site_id, nan, nan, "", 0)
        above = ids
    problems.check_since(before)
    return rows


def _read_rows(table: Table, tiers: tuple[str, ...], problems: Problems) -> dict[str, Row]:
    rows: dict[str, Row] = {}
    known = set(tiers)
    before, harmless = len(problems), 0
    for line, cells in table.rows(COLUMNS, ("id", "tier", "parent"), problems):
        site_id, tier, parent, name, lat, lon, region = cells
        if len(rows) >= MAX_SITES:
            problems.add(table.place(line, ""), f"more sites than the limit of {MAX_SITES}")
            break
        try:
            quantities.read_word(site_id)
        except ValueError as error:
            problems.add(table.place(line, "id"), str(error))
            continue
        if site_id in rows:
            first = table.place(rows[site_id].line, "").line
            text = f"site '{site_id}' is given twice, first in line {first}"
            problems.add(table.place(line, "id"), text)
            continue
        so_far = len(problems)
        if tier not in known:
            text = f"no tier '{tier}'{problems.suggest(tier, tiers)}"
            problems.add(table.place(line, "tier"), text)
        if not (name.isprintable() and region.isprintable()):
            for column, text in (("name", name), ("region", region)):
                try:
                    quantities.check_characters(text)
                except ValueError as error:
                    problems.add(table.place(line, column), str(error))
        latitude = _degrees(lat, 90, table, line, "lat", problems)
        longitude = _degrees(lon, 180, table, line, "lon", problems)
        if (not lat) != (not lon):
            problems.add(
                table.place(line, "lon" if lat else "lat"), "a position needs both 'lat' and 'lon'"
            )
        rows[site_id] = Row(
            site_id, tier, parent, name or site_id, latitude, longitude, region, line
        )
        harmless += len(problems) - so_far
    # With a row left out, a parent may be missing for that reason.
    whole = len(problems) == before + harmless
    _check_parents(rows, tiers, table, problems, whole=whole)
    return rows


def _degrees(
    cell: str, limit: int, table: Table, line: int, column: str, problems: Problems
) -> float:
    if not cell:
        return math.nan
    try:
        degrees = float(cell)
    except ValueError:
        degrees = math.nan
    if not -limit <= degrees <= limit or "_" in cell:
        text = f"'{cell}' must be degrees between -{limit} and {limit}"
        problems.add(table.place(line, column), text)
        return math.nan
    return degrees


def _check_parents(
    rows: dict[str, Row],
    tiers: tuple[str, ...],
    table: Table,
    problems: Problems,
    *,
    whole: bool,
) -> None:
    rank = {tier: number for number, tier in enumerate(tiers)}
    roots = [row for row in rows.values() if row.tier == tiers[0]]
    if whole and not roots:
        problems.add(table.place(1, "tier"), f"no site is in the root tier '{tiers[0]}'")
    for row in roots[1:]:
        text = f"a second root; '{roots[0].id}' is already in tier '{tiers[0]}'"
        problems.add(table.place(row.line, "tier"), text)
    names = {row.id: row.name for row in rows.values()}
    for row in rows.values():
        above = rows.get(row.parent)
        text = ""
        if row.tier == tiers[0]:
            if row.parent:
                text = f"the root '{row.id}' has no parent; leave the cell empty"
        elif not row.parent:
            text = f"site '{row.id}' needs a parent"
        elif above is None:
            if whole:
                text = f"no site '{row.parent}'{problems.suggest(row.parent, names)}"
        elif above is row:
            text = "a site cannot be its own parent"
        elif rank.get(above.tier, -1) >= rank.get(row.tier, len(tiers)):
            text = f"'{above.id}' is in tier '{above.tier}', which is not above '{row.tier}'"
        if text:
            problems.add(table.place(row.line, "parent"), text)
    if whole and len(rows) == 1 and roots:
        problems.add(table.place(1, ""), "needs at least one site below the root")


def _only(document: Document, rows: dict[str, Row], only: Iterable[str]) -> dict[str, Row]:
    problems = document.problems
    before = len(problems)
    names = {row.id: row.name for row in rows.values()}
    chosen = set()
    for number, site_id in enumerate(only):
        if site_id in rows:
            chosen.add(site_id)
        else:
            text = f"no site '{site_id}'{problems.suggest(site_id, names)}"
            problems.add(document.place("sites", "only", number), text)
    problems.check_since(before)
    if not chosen:
        problems.add(document.place("sites", "only"), "keeps no site; leave it out to keep all")
    inside: dict[str, bool] = {}
    kept = set()
    for site_id in rows:
        climb, up = [], site_id
        while up and up not in inside:
            climb.append(up)
            up = "" if up in chosen else rows[up].parent
        verdict = inside[up] if up else climb[-1] in chosen
        inside.update(dict.fromkeys(climb, verdict))
        if verdict:
            kept.add(site_id)
    for site_id in chosen:
        up = rows[site_id].parent
        while up and up not in kept:
            kept.add(up)
            up = rows[up].parent
    return {site_id: row for site_id, row in rows.items() if site_id in kept}


def _count(
    document: Document,
    rows: dict[str, Row],
    tiers: tuple[str, ...],
    tier: str,
    count: int,
    seed: int,
) -> dict[str, Row]:
    problems = document.problems
    listed = [site_id for site_id, row in rows.items() if row.tier == tier]
    place = document.place("sites", "count", tier)
    if tier != tiers[-1]:
        return rows
    if not len(listed) * 2 >= count:
        text = f"{count} is more than twice the {len(listed)} sites of tier '{tier}'"
        problems.add(place, text)
        return rows
    words = draws.first_words(seed, listed, "draw")
    order = [
        site_id
        for _, _, site_id in sorted(
            (word, site_id.encode(), site_id) for word, site_id in zip(words, listed, strict=True)
        )
    ]
    if count <= len(listed):
        speakers = {turn.floor for turn in document.file.agenda or ()}
        order.sort(key=lambda site_id: site_id not in speakers)
        dropped = set(order[count:])
        return {site_id: row for site_id, row in rows.items() if site_id not in dropped}
    for site_id in order[: count - len(listed)]:
        second = f"{site_id}-2"
        if second in rows or len(second) > quantities.LONGEST_WORD:
            problems.add(place, f"needs a second site '{second}', but that id is not free")
        row = rows[site_id]
        rows[second] = replace(row, id=second, name=f"{row.name} (2)")
    if len(rows) > MAX_SITES:
        problems.add(place, f"makes {len(rows)} sites, above the limit of {MAX_SITES}")
    return rows


def _tree(rows: dict[str, Row], tiers: tuple[str, ...], rooms: set[str]) -> Tree:
    ordered = sorted(rows, key=str.encode)
    parents = {row.parent for row in rows.values()}
    rank = {tier: number for number, tier in enumerate(tiers)}
    region: dict[str, str] = {"": ""}
    # Parents first, so that a region is known before it is inherited.
    for site_id in sorted(ordered, key=lambda site_id: rank[rows[site_id].tier]):
        region[site_id] = rows[site_id].region or region[rows[site_id].parent]
    sites = []
    for site_id in ordered:
        row = rows[site_id]
        sites.append(
            Site(
                id=site_id,
                name=row.name,
                tier=row.tier,
                parent=row.parent,
                region=region[site_id],
                latitude=row.lat,
                longitude=row.lon,
                room=site_id not in parents or row.tier in rooms,
            )
        )
    return link(sites, tiers)


def link(sites: Iterable[Site], tiers: tuple[str, ...]) -> Tree:
    """Return sites, given in canonical order, as a tree."""
    by_id: dict[str, Site] = {}
    children: dict[str, list[str]] = {}
    members: dict[str, list[str]] = {}
    root = ""
    for site in sites:
        by_id[site.id] = site
        if site.parent:
            children.setdefault(site.parent, []).append(site.id)
        else:
            root = site.id
        if site.region:
            members.setdefault(site.region, []).append(site.id)
    return Tree(
        tiers=tiers,
        sites=by_id,
        names={site.id: site.name for site in by_id.values()},
        children=children,
        regions={name: frozenset(ids) for name, ids in members.items()},
        root=root,
    )
