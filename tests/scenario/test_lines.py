"""Lines and relays: what wins over what, and exact quantities."""

from __future__ import annotations

import pytest

from sim.scenario.egresses import NO_EGRESS
from sim.scenario.geography import distance_km
from sim.scenario.loss_text import parse_loss
from sim.scenario.model import Egress, Loss, Policer
from tests.scenario.files import SMALL, small

CLASSES = SMALL[SMALL.index("    classes:") : SMALL.index("streams:")]
POLICED = ("    classes:", "    policer: {rate: 5 Mbit/s, burst: 64 kB}\n    classes:")


def line_of(scenario, site, role="primary"):
    return next(line for line in scenario.lines if (line.site, line.role) == (site, role))


def with_inventory(*rows: str):
    table = "".join(f"      {row}\n" for row in rows)
    return small(("streams:", f"  inventory:\n    table: |\n{table}streams:"))


def with_except(*entries: str):
    return small(("streams:", "  except:\n" + "".join(f"    {e}\n" for e in entries) + "streams:"))


def test_a_line_is_as_its_tier_says():
    line = line_of(small(), "79")
    assert line.parent == "central"
    assert line.carrier == "vnpt"
    assert line.access_class == ""
    assert line.down == line.up
    assert line.down.rate_bps == 50_000_000
    assert line.down.buffer_bytes == 312_500
    assert line.down.mtu_bytes == 1500
    assert line.down.loss == Loss(p=0.0, r=1.0, bad=0.0, good=0.0)


def test_propagation_is_great_circle_times_factor_times_time_per_km():
    km = distance_km(21.0, 105.8, 10.8, 106.7)
    assert km == pytest.approx(1138.3, abs=0.5)
    assert line_of(small(), "79").propagation_ns == round(km * 1.5 * 4900)


def test_a_given_delay_wins_over_the_route():
    scenario = small(("rate: 50 Mbit/s", "rate: 50 Mbit/s, delay: 3 ms"))
    assert line_of(scenario, "79").propagation_ns == 3_000_000


def test_classes_follow_their_shares():
    rows = "".join(f"    x{i:04}, commune, 80, X, 10.5, 106.5,\n" for i in range(4000))
    scenario = small(("    27688", rows + "    27688"))
    fibre = sum(line.access_class == "fibre" for line in scenario.lines)
    # 4003 draws of probability 0.7: a standard deviation is 29.
    assert abs(fibre - 0.7 * 4003) < 4 * 29


def test_fields_beside_classes_hold_for_every_class():
    scenario = small(("    classes:", "    mtu: 1400 B\n    classes:"))
    assert {line_of(scenario, site).down.mtu_bytes for site in ("26734", "26737")} == {1400}
    assert line_of(scenario, "79").down.mtu_bytes == 1500


def test_the_inventory_wins_over_the_class_and_an_empty_cell_leaves_it():
    before = line_of(small(), "26734")
    after = line_of(with_inventory("site, down, loss", "26734, 3 Mbit/s, "), "26734")
    assert before.access_class == after.access_class == "radio"
    assert after.down.rate_bps == 3_000_000
    assert (after.up, after.down.loss) == (before.up, before.down.loss)


def test_the_inventory_may_name_the_class():
    line = line_of(with_inventory("site, class", "26734, fibre"), "26734")
    assert (line.access_class, line.down.rate_bps) == ("fibre", 20_000_000)


def test_backup_rows_add_lines_in_order():
    scenario = with_inventory(
        "site, role, carrier, rate, buffer, parent",
        "79, backup, second, 9 Mbit/s, ,",
        "79, backup, first, 8 Mbit/s, , central",
        "26734, backup, other, 1 Mbit/s, 50 packets, 80",
    )
    lines = [(line.carrier, line.parent) for line in scenario.lines if line.site == "79"]
    assert lines == [("vnpt", "central"), ("second", "central"), ("first", "central")]
    backup = line_of(scenario, "26734", "backup")
    assert (backup.parent, backup.access_class) == ("80", "")


def test_the_up_buffer_of_the_inventory_is_of_that_direction_only():
    line = line_of(with_inventory("site, buffer, up_buffer", "79, 64 kB, 9 kB"), "79")
    assert (line.down.buffer_bytes, line.up.buffer_bytes) == (64_000, 9_000)


def test_exceptions_win_in_the_order_of_the_file():
    scenario = with_except(
        "tier/province: {rate: 7 Mbit/s, mtu: 1300 B}",
        "'79': {down: 8 Mbit/s}",
        "tier/commune in site/79: {delay: 5 ms}",
        "class/radio in region/South: {loss: 1 %}",
        "carrier/vnpt in region/Delta: {buffer: 7 packets}",
    )
    assert line_of(scenario, "79").down.rate_bps == 8_000_000
    assert line_of(scenario, "79").up.rate_bps == 7_000_000
    assert line_of(scenario, "80").down.rate_bps == 7_000_000
    assert line_of(scenario, "80").down.mtu_bytes == 1300
    assert line_of(scenario, "26734").propagation_ns == 5_000_000
    assert line_of(scenario, "27688").propagation_ns != 5_000_000
    assert line_of(scenario, "26734").down.loss.good == 0.01
    assert line_of(scenario, "27688").down.buffer_bytes == 7 * 1500


def test_an_exception_sees_the_carrier_of_those_before_it():
    scenario = with_except("'79': {carrier: viettel}", "carrier/viettel: {rate: 1 Mbit/s}")
    assert line_of(scenario, "79").down.rate_bps == 1_000_000
    assert line_of(scenario, "80").down.rate_bps == 50_000_000


def test_a_policer_is_whole_in_the_file_and_by_column_in_the_inventory():
    table = """\
  inventory:
    table: |
      site, policer_rate, policer_burst
      26734, 3 Mbit/s,
      26737, , 9 kB
      79, 20 Mbit/s, 1 MB
streams:"""
    scenario = small(POLICED, ("streams:", table))
    for site, policer in {
        "26734": Policer(rate_bps=3_000_000, burst_bytes=64_000),
        "26737": Policer(rate_bps=5_000_000, burst_bytes=9_000),
        "27688": Policer(rate_bps=5_000_000, burst_bytes=64_000),
        "79": Policer(rate_bps=20_000_000, burst_bytes=1_000_000),
        "80": None,
    }.items():
        line = line_of(scenario, site)
        assert line.down.policer == line.up.policer == policer


def test_a_class_or_an_exception_may_do_without_its_tiers_policer():
    scenario = small(
        POLICED,
        ("buffer: 100 packets}", "buffer: 100 packets, policer: none}"),
        ("streams:", "  except: {'26734': {policer: {rate: 1 Mbit/s, burst: 2 kB}}}\nstreams:"),
    )
    fibre = {line.down.policer for line in scenario.lines if line.access_class == "fibre"}
    assert fibre == {None}
    assert line_of(scenario, "26734").down.policer == Policer(rate_bps=1_000_000, burst_bytes=2_000)
    without = small(
        POLICED,
        ("streams:", "  except: {tier/commune: {policer: none}}\nstreams:"),
    )
    assert {line.down.policer for line in without.lines} == {None}


def test_loss_in_bursts_has_the_stated_mean_and_length():
    loss = parse_loss("0.5 % in bursts of 4 packets")
    assert loss.mean == pytest.approx(0.005, rel=1e-12)
    assert 1 / loss.r == 4
    assert (loss.bad, loss.good) == (1, 0)


def test_relays_merge_tier_carriers_and_exceptions():
    scenario = small(
        (
            "  province: {processing: 2 ms, egress: {rate: 100 Mbit/s, buffer: 20 ms}}",
            """\
  province: {processing: 2 ms, egress: {rate: 100 Mbit/s, buffer: 20 ms, overhead: 2 us,
             carriers: {viettel: {rate: 1 Gbit/s}}}}
  except: {'79': {egress: {rate: 200 Mbit/s}}, '80': {egress: none}}""",
        )
    )
    relays = {relay.site: relay for relay in scenario.relays}
    # A buffer given as a time follows each interface's own rate.
    own = Egress(
        carrier="viettel",
        server="",
        rate_bps=10**9,
        buffer_bytes=2_500_000,
        mtu_bytes=1500,
        overhead_ns=2000,
        scheduling="fifo",
        background=None,
    )
    assert own in relays["79"].egresses
    rest = [egress for egress in relays["79"].egresses if egress.carrier == ""]
    assert [egress.rate_bps for egress in rest] == [200_000_000]
    assert relays["80"].egresses == (NO_EGRESS,)
    assert relays["central"].processing_ns == 2_000_000


def test_an_egress_that_feeds_no_line_is_left_out():
    scenario = small(
        (
            "rate: 1 Gbit/s, buffer: 20 ms}",
            "buffer: 20 ms, carriers: {vnpt: {rate: 1 Gbit/s}, viettel: {rate: 1 Gbit/s}}}",
        )
    )
    central = next(relay for relay in scenario.relays if relay.site == "central")
    assert [egress.carrier for egress in central.egresses] == ["vnpt"]
