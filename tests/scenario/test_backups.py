"""Backup lines: which a site has, where they go, and what they are."""

from __future__ import annotations

import pytest

from sim.scenario.geography import distance_km
from sim.scenario.loader import load_text
from sim.scenario.model import Line
from tests.scenario.files import ROOT, small
from tests.scenario.test_resolved import assert_same

TIER = ("  commune:\n", "  commune:\n    backup: {backup}\n")


def backups(text: str, *edits: tuple[str, str]) -> dict[str, list[Line]]:
    """Return the backups by site, with `text` as that of the tier of the communes."""
    old, new = TIER
    edit = (old, new.replace("{backup}", text))
    scenario = small(edit, *edits)
    assert_same(scenario)
    found: dict[str, list[Line]] = {}
    for line in scenario.lines:
        if line.role == "backup":
            found.setdefault(line.site, []).append(line)
    return found


def test_one_backup_goes_to_the_parent_and_is_what_it_says():
    found = backups("{carrier: mobi, rate: 3 Mbit/s, buffer: 10 packets, delay: 7 ms}")
    assert set(found) == {"26734", "26737", "27688"}
    (line,) = found["26734"]
    assert (line.parent, line.carrier, line.access_class) == ("79", "mobi", "")
    assert (line.down.rate_bps, line.up.rate_bps) == (3_000_000, 3_000_000)
    assert line.down.buffer_bytes == 15_000
    assert line.propagation_ns == 7_000_000


def test_what_a_backup_does_not_say_is_as_the_tier_has_it():
    found = backups(
        "[{carrier: mobi, delay: 1 ms}, {rate: 2 Mbit/s, delay: 1 ms}]\n"
        "    rate: 9 Mbit/s\n    carrier: vnpt\n    buffer: 20 packets\n    loss: 1 %",
    )
    first, second = found["27688"]
    assert (first.carrier, first.down.rate_bps) == ("mobi", 9_000_000)
    assert (second.carrier, second.down.rate_bps) == ("vnpt", 2_000_000)
    assert first.down.loss.mean == second.up.loss.mean == 0.01


def test_a_backup_of_a_class_starts_from_the_class():
    found = backups(
        "none",
        ("buffer: 50 packets, loss: 0.5 %}", "buffer: 50 packets, backup: {delay: 2 ms}}"),
    )
    assert set(found) == {"26734"}  # the only one that drew radio
    (line,) = found["26734"]
    assert (line.access_class, line.carrier, line.down.rate_bps) == ("radio", "viettel", 4_000_000)


@pytest.mark.parametrize(
    ("to", "parent"), [("nearest", "80"), ("central", "central"), ('"80"', "80"), ('"79"', "79")]
)
def test_where_a_backup_goes(to, parent):
    found = backups(f"{{to: {to}, rate: 1 Mbit/s, buffer: 9 packets}}")
    assert found["26734"][0].parent == parent


def test_a_tier_means_the_site_of_that_tier_above_each():
    found = backups("{to: province, rate: 1 Mbit/s, buffer: 9 packets}")
    assert [line.parent for lines in found.values() for line in lines] == ["79", "79", "80"]


def test_the_inventory_wins_over_tier_and_class_and_exceptions_over_all():
    table = (
        "    classes:",
        "    rate: 1 Mbit/s\n    buffer: 9 packets\n    classes:",
    )
    inventory = (
        "streams:\n",
        """\
  inventory:
    table: |
      site, role, parent, carrier
      26734, backup, central, other
      27688, backup, , other
  except:
    "26737": {backup: none}
    "27688": {backup: [{to: central, carrier: one}, {carrier: two}]}
streams:
""",
    )
    found = backups("{carrier: mobi}", table, inventory)
    assert [(line.parent, line.carrier) for line in found["26734"]] == [("central", "other")]
    assert "26737" not in found
    assert [(line.parent, line.carrier) for line in found["27688"]] == [
        ("central", "one"),
        ("80", "two"),
    ]


def test_nearest_is_nearest_by_the_great_circle_for_every_commune():
    """Held against the haversine of all pairs, on the real positions of 19 provinces."""
    path = ROOT / "scenarios" / "south.yaml"
    text = path.read_text(encoding="utf-8")
    assert "\n  commune:\n" in text
    backup = "{to: nearest, rate: 1 Mbit/s, buffer: 20 packets}"
    text = text.replace("\n  commune:\n", f"\n  commune:\n    backup: {backup}\n")
    scenario = load_text(text, path)
    sites = {site.id: site for site in scenario.sites}
    parents = {site.parent for site in scenario.sites}
    chosen = {line.site: line.parent for line in scenario.lines if line.role == "backup"}
    assert len(chosen) > 1000
    for site_id in sorted(chosen)[::40]:
        site = sites[site_id]
        others = [
            each
            for each in scenario.sites
            if each.id in parents
            and each.tier == sites[site.parent].tier
            and each.id != site.parent
        ]

        def km(other, site=site):
            return distance_km(site.latitude, site.longitude, other.latitude, other.longitude)

        assert km(sites[chosen[site_id]]) <= min(map(km, others)) + 1e-9
