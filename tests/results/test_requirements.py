"""Requirements held against measures: of whom, on which side, by how much, and how it is told."""

from __future__ import annotations

import dataclasses
import io
import json

import numpy as np
import pytest
from rich.console import Console

from sim.compare.worst import subjects
from sim.language.language import ENGLISH, Language
from sim.metrics.measures import SpanLoss
from sim.metrics.room_times import RoomTimes
from sim.metrics.verdict import deciding, judge
from sim.report import page
from sim.results import summary
from sim.results.summary import limit_in_unit
from sim.results.tables import tables
from sim.scenario.requirement_model import Selection
from sim.simulation import simulate
from sim.terminal import Reader
from tests.results.conftest import requirement
from tests.results.meetings import MS, S
from tests.scenario.files import small

VIETNAMESE = Language("vi")


def some(text: str, *sites: str) -> Selection:
    kind, _, name = text.partition("/")
    return Selection(text=text, words=((kind, name),), sites=sites)


def one(results, wanted):
    (verdict,) = judge([wanted], results.network, results.measures)
    return verdict


def with_endpoints(results, **columns):
    endpoints = dataclasses.replace(results.measures.endpoints, **columns)
    measures = dataclasses.replace(results.measures, endpoints=endpoints)
    return dataclasses.replace(results, measures=measures)


def row(results, verdict, language=ENGLISH):
    out = Console(file=io.StringIO(), width=250, no_color=True)
    told = dataclasses.replace(results, verdicts=(verdict,))
    out.print(page._requirements(told, Reader(out, language)))
    return [cell.strip() for cell in out.file.getvalue().splitlines()[1].split("  ") if cell]


def test_only_the_rooms_that_are_meant_are_judged(results):
    rooms = results.measures.endpoints
    network = results.network
    sites = ("794", "79401", "760")  # 760 has no room
    mine = [i for i, s in enumerate(rooms.site) if network.sites[s].id in sites]
    verdict = one(results, requirement("rooms", "loss", 1.0, 0.4, of=some("group/x", *sites)))
    assert verdict.subjects == 2
    assert verdict.value == rooms.loss[mine].max()
    assert verdict.complying == np.count_nonzero(rooms.loss[mine] <= 0.4)
    assert network.sites[verdict.worst.site].id in sites


def test_only_the_lines_that_are_meant_are_judged(results):
    verdict = one(
        results, requirement("lines", "utilisation", 1.0, 0.8, of=some("tier/province", "79", "80"))
    )
    used = results.measures.lines.utilisation
    index, n = results.network.index, len(results.network.sites)
    assert verdict.subjects == 2
    assert verdict.value == max(used[index[s] + way] for s in ("79", "80") for way in (0, n))


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (some("tier/province", "79", "80"), {("79", ""), ("79", "viettel")}),  # that of 80 is none
        (some("carrier/viettel", "79", "760", "794"), {("vn", ""), ("79", "viettel")}),
        (some("carrier/vnpt", "80", "769", "79400"), {("vn", ""), ("79", ""), ("794", "")}),
    ],
)
def test_only_the_egresses_that_are_meant_are_judged(results, of, expected):
    network, used = results.network, results.measures.egresses.utilisation
    verdict = one(results, requirement("egresses", "utilisation", 1.0, 0.8, of=of))
    values = {
        (network.sites[s].id, egress.carrier): used[e]
        for e, (s, egress) in enumerate(zip(network.egress_site, network.egresses, strict=True))
    }
    assert verdict.subjects == len(expected)
    assert verdict.value == max(values[egress] for egress in expected)


def test_the_margin_is_what_the_limit_leaves(results):
    delay = results.measures.endpoints.delays.p99_ns
    verdict = one(results, requirement("rooms", "delay", 1.0, 150 * MS))
    assert verdict.margin == 150 * MS - delay.max()
    assert verdict.margin_share == verdict.margin / (150 * MS)
    missed = one(results, requirement("rooms", "delay", 1.0, delay.max() / 2))
    assert (missed.met, missed.margin_share) == (False, -1)
    nothing = one(results, requirement("rooms", "dark", 1.0, 0))
    assert nothing.margin == -results.measures.endpoints.dark_ns.max()
    assert np.isnan(nothing.margin_share)


def test_met_is_a_margin_that_is_not_negative(results):
    losses = results.measures.endpoints.loss
    limits = [0.0, *losses, *np.nextafter(losses, 0), 1.0]
    for sense in ("at most", "at least"):
        for share in (0.1, 0.5, 1.0):
            for limit in limits:
                verdict = one(results, requirement("rooms", "loss", share, limit, sense=sense))
                assert verdict.met == (verdict.margin >= 0)


def with_voices(results, *scores):
    """Return results in which the rooms are due voice 0 with these scores; None: it is not due."""
    listeners = results.measures.listeners
    voice = listeners.stream == listeners.stream.min()
    room = np.searchsorted(results.measures.endpoints.site, listeners.site)
    score = np.array([np.nan if score is None else score for score in scores])
    due = np.array([0 if score is None else 100 for score in scores])
    heard = dataclasses.replace(
        listeners,
        voice=voice,
        due=np.where(voice, due[room], listeners.due),
        mos=np.where(voice, score[room], np.nan),
    )
    return dataclasses.replace(
        results, measures=dataclasses.replace(results.measures, listeners=heard)
    )


MOS = requirement("rooms", "mos", 0.7, 3.6, sense="at least")
SCORES = (4.4, 4.0, 3.9, 3.6, 3.5, 2.0, 4.1, 4.2, 4.3, float("nan"))


def test_an_opinion_score_is_met_by_what_is_large(results):
    told = with_voices(results, *SCORES)
    verdict = one(told, MOS)
    assert (verdict.met, verdict.complying, verdict.value, verdict.margin) == (True, 7, 3.6, 0)
    less = one(told, dataclasses.replace(MOS, share=0.9))
    assert (less.met, less.value, less.margin) == (False, 2.0, 2.0 - 3.6)
    assert row(told, less)[:5] == [
        "missed",
        "90 % of rooms: MOS at least 3.6",
        "2.00",
        "-1.60",
        "7 of 10",
    ]
    assert row(told, less, VIETNAMESE)[1:4] == [
        "90 % điểm cầu: điểm MOS không dưới 3,6",
        "2,00",
        "-1,60",
    ]


def test_a_room_that_was_due_a_voice_and_heard_none_is_worst(results):
    told = with_voices(results, *SCORES)
    worst = one(told, MOS).worst
    assert worst.site == results.measures.endpoints.site[9]
    assert np.isnan(worst.value)
    everybody = one(told, dataclasses.replace(MOS, share=1.0))
    assert np.isnan(everybody.value)
    assert row(told, everybody)[2:4] == ["nothing arrived", "–"]


def test_a_room_that_is_due_no_voice_has_no_opinion(results):
    told = with_voices(results, *SCORES[:5], None, *SCORES[6:9], None)
    verdict = one(told, dataclasses.replace(MOS, share=1.0))
    assert (verdict.met, verdict.subjects, verdict.complying, verdict.value) == (False, 8, 7, 3.5)
    assert verdict.worst.site == results.measures.endpoints.site[4]
    assert verdict.worst.detail == results.measures.streams[results.measures.listeners.stream.min()]
    nobody = one(with_voices(results, *[None] * 10), MOS)
    assert (nobody.met, nobody.subjects) == (True, 0)


def test_the_run_tells_which_streams_are_rated_voices():
    codecs = ("codec: opus", "codec: mpeg4", "codec: g711-plain")
    streams = "".join(
        f"  s{i}: {{rate: 40 kbit/s, frames: 30/s, {codec}}}\n" for i, codec in enumerate(codecs)
    )
    measures = simulate(small(("streams:\n", f"streams:\n{streams}"))).measures
    heard = measures.listeners
    assert [measures.streams[j] for j in np.unique(heard.stream[heard.voice])] == ["s0", "s2"]
    worst = [heard.mos[heard.site == s][heard.voice[heard.site == s]].min() for s in (2, 3, 5)]
    assert worst == measures.endpoints.mos.tolist()


def test_dark_in_total_is_one_sum(results):
    dark_ns = results.measures.endpoints.dark_ns
    total = int(dark_ns.sum())
    verdict = one(results, requirement("rooms", "dark_in_total", 1.0, total))
    assert (verdict.met, verdict.subjects, verdict.complying) == (True, 1, 1)
    assert (verdict.value, verdict.margin) == (total, 0)
    assert verdict.worst.value == dark_ns.max()
    assert not one(results, requirement("rooms", "dark_in_total", 1.0, total - 1)).met
    district = one(
        results,
        requirement("rooms", "dark_in_total", 1.0, S, of=some("site/794", "794", "79400", "79401")),
    )
    sites = {results.network.index[s] for s in ("794", "79400", "79401")}
    of_it = [d for d, s in zip(dark_ns, results.measures.endpoints.site, strict=True) if s in sites]
    assert district.value == sum(of_it) > 0


def test_who_decides_stands_at_the_rank_that_is_required(results):
    rooms = results.measures.endpoints.site
    told = with_voices(results, *SCORES)
    for share, room in ((0.7, 3), (0.8, 4), (0.9, 5), (1.0, 9)):
        found = deciding(dataclasses.replace(MOS, share=share), results.network, told.measures)
        assert found.site == rooms[room]
        np.testing.assert_equal(found.value, SCORES[room])
    total = requirement("rooms", "dark_in_total", 1.0, S)
    found = deciding(total, results.network, results.measures)
    assert found.value == results.measures.endpoints.dark_ns.max()
    span = spans(results)
    assert deciding(SPAN, span.network, span.measures).at_ns == 250_400 * MS
    nobody = with_voices(results, *[None] * 10)
    assert deciding(MOS, nobody.network, nobody.measures) is None


def test_a_sum_may_be_more_than_64_bits_hold(results):
    long = with_endpoints(results, dark_ns=np.full(10, 2**62))
    assert one(long, requirement("rooms", "dark_in_total", 1.0, 1)).value == 10 * 2.0**62


def spans(results, **columns):
    rooms = results.measures.endpoints.site.size
    loss, at_ns = np.zeros(rooms), np.zeros(rooms, dtype=np.int64)
    loss[3], at_ns[3] = 0.25, 250_400 * MS
    found = SpanLoss(span_ns=15 * S, **{"loss": loss, "at_ns": at_ns} | columns)
    measures = dataclasses.replace(results.measures, span_losses=(found,))
    return dataclasses.replace(results, measures=measures)


SPAN = requirement("rooms", "loss", 1.0, 0.01, span_ns=15 * S)


def test_the_worst_span_has_a_time(results):
    told = spans(results)
    verdict = one(told, SPAN)
    assert (verdict.met, verdict.value, verdict.complying) == (False, 0.25, 9)
    assert verdict.worst.site == results.measures.endpoints.site[3]
    assert verdict.worst.at_ns == 250_400 * MS
    cells = row(told, verdict)
    assert cells[:3] == ["missed", "100 % of rooms: loss at most 1 % in any 15 s", "25 %"]
    assert cells[3:5] == ["-24 points", "9 of 10"]
    assert cells[5].endswith(" (from 4:10.4): 25 %")


def test_a_room_with_too_few_packets_is_not_judged_and_does_not_comply(results):
    loss = np.zeros(results.measures.endpoints.site.size)
    loss[2] = np.nan
    told = spans(results, loss=loss)
    verdict = one(told, SPAN)
    assert (verdict.met, verdict.complying) == (False, 9)
    assert row(told, verdict)[2:4] == ["too few packets", "–"]
    nothing_due = results.measures.endpoints.due.copy()
    nothing_due[2] = 0
    assert one(with_endpoints(told, due=nothing_due), SPAN).met


@pytest.mark.parametrize(
    ("wanted", "english", "vietnamese"),
    [
        (
            requirement("lines", "utilisation", 1.0, 0.8),
            ["met", "100 % of lines: utilisation at most 80 %", "U, headroom H", "+M points"],
            ["đạt", "100 % tuyến: mức sử dụng không quá 80 %", "U, dự trữ H", "+M điểm %"],
        ),
        (
            requirement("rooms", "dark", 0.5, 2_500 * MS),
            ["met", "50 % of rooms: dark at most 2.5 s", "0 s", "+2.5 s"],
            [
                "đạt",
                "50 % điểm cầu: thời gian mất tín hiệu không quá 2,5 s",
                "0 s",
                "+2,5 s",
            ],
        ),
    ],
)
def test_a_verdict_is_told_in_both_languages(results, wanted, english, vietnamese):
    verdict = one(results, wanted)
    for language, expected in ((ENGLISH, english), (VIETNAMESE, vietnamese)):
        cells = row(results, verdict, language)
        figures = {
            "U": f"{verdict.value:.3g}",
            "H": f"{1 - verdict.value:.3g}",
            "M": f"{verdict.margin:.3g}",
        }
        for cell, text in zip(cells, expected, strict=False):
            if "U," in text or "M " in text:
                for name, figure in figures.items():
                    percent = f"{float(figure) * 100:.3g}"
                    assert name not in text or language.figure(percent) in cell
            else:
                assert cell == text


def test_a_total_has_no_number_that_comply(results):
    verdict = one(results, requirement("rooms", "dark_in_total", 1.0, 60 * S))
    cells = row(results, verdict)
    assert cells[1] == "all rooms together: dark at most 1 min in total"
    assert cells[4] == "–"


@pytest.mark.parametrize(
    ("dark_s", "shown", "left"),
    [
        (2_600, "7.22 h", "-6.22 h"),
        (359, "3590 s", "+10 s"),
        (360_000, "1,000 h", "-999 h"),
    ],
)
def test_long_sums_are_told_in_hours(results, dark_s, shown, left):
    dark_ns = np.full(results.measures.endpoints.site.size, dark_s * S)
    told = with_endpoints(results, dark_ns=dark_ns)
    cells = row(told, one(told, requirement("rooms", "dark_in_total", 1.0, 3600 * S)))
    assert cells[2] == shown
    assert cells[3] == left


def test_the_summary_tells_of_whom_and_by_how_much(results):

    of = some("tier/province", "79", "80")
    lines = one(results, requirement("lines", "utilisation", 1.0, 0.8, of=of))
    told = json.loads(json.dumps(summary._requirement(results, lines)))
    assert (told["of"], told["sense"], told["span_ms"]) == ("tier/province", "at most", None)
    assert told["margin"] == 0.8 - told["value"]
    assert told["margin_share"] == told["margin"] / 0.8
    assert told["headroom"] == 1 - told["value"]
    assert told["worst"]["at_ms"] is None
    over = spans(results)
    told = summary._requirement(over, one(over, SPAN))
    assert (told["of"], told["span_ms"], told["worst"]["at_ms"]) == (None, 15_000, 250_400)
    assert told["headroom"] is None
    dark = one(results, requirement("rooms", "dark", 1.0, 0))
    told = summary._requirement(results, dark)
    assert (told["unit"], told["margin_share"]) == ("ms", None)
    assert told["margin"] == limit_in_unit(dark.requirement, dark.margin) == -told["value"]


JOINING = "joining: {start: 5 s, arrive: {from: 4 s, shape: uniform}}\n"


def times_of(results, **columns):
    n = results.measures.endpoints.site.size
    plain = {
        "called": np.ones(n, dtype=np.bool_),
        "join_ns": np.arange(1, n + 1) * float(S),
        "waiting_ns": np.zeros(n, dtype=np.int64),
        "present_at_start": np.ones(n, dtype=np.bool_),
        "recovery_ns": np.arange(n) * S,
    }
    return RoomTimes(**plain | columns)


def in_time(results, wanted, times):
    (verdict,) = judge([wanted], results.network, results.measures, times)
    return verdict


def test_recovery_is_the_longest_dark_time_of_a_fault(results):
    wanted = requirement("rooms", "recovery", 0.9, 8 * S)
    verdict = in_time(results, wanted, times_of(results))  # 0 to 9 s
    assert (verdict.met, verdict.complying, verdict.value, verdict.margin) == (True, 9, 8 * S, 0)
    assert verdict.worst.value == 9 * S
    stricter = in_time(results, dataclasses.replace(wanted, share=1.0), times_of(results))
    assert (stricter.met, stricter.margin) == (False, -S)
    decides = deciding(wanted, results.network, results.measures, times_of(results))
    assert decides.value == 8 * S
    with pytest.raises(ValueError, match="rooms have no recovery"):
        judge([wanted], results.network, results.measures)


def test_the_time_to_join_is_that_of_who_has_called(results):
    wanted = requirement("rooms", "join_time", 0.5, 4 * S)
    called = np.arange(10) < 6  # 1 to 6 s
    verdict = in_time(results, wanted, times_of(results, called=called))
    assert (verdict.subjects, verdict.complying, verdict.value) == (6, 4, 3 * S)
    join_ns = np.array([1, 2, np.nan, np.nan, np.nan, 6, 0, 0, 0, 0]) * S
    # The third gave up; the fourth may still be let in in time; the fifth no more.
    waiting_ns = np.array([0, 0, 0, 4 * S, 4 * S + 1, 0, 0, 0, 0, 0])
    times = times_of(results, called=called, join_ns=join_ns, waiting_ns=waiting_ns)
    verdict = in_time(results, wanted, times)
    assert (verdict.subjects, verdict.complying, verdict.value, verdict.met) == (5, 2, 6 * S, False)
    assert np.isnan(verdict.worst.value)
    assert "not let in" in row(results, verdict)[-1]


PRESENT = dataclasses.replace(
    requirement("rooms", "present_at_start", 0.8, 0.8, sense="at least"), text="there"
)


@pytest.mark.parametrize(("absent", "met"), [(0, True), (2, True), (3, False)])
def test_the_share_of_those_present_is_what_is_limited(results, absent, met):
    times = times_of(results, present_at_start=np.arange(10) >= absent)
    verdict = in_time(results, PRESENT, times)
    assert (verdict.met, verdict.complying, verdict.subjects) == (met, 10 - absent, 10)
    assert verdict.value == (10 - absent) / 10
    assert met == (verdict.margin >= 0)
    cells = row(results, verdict)
    assert cells[1:3] == ["80 % of rooms: present at the start", f"{100 - 10 * absent} %"]
    assert ("not there" in cells[-1]) == (absent > 0)


def test_requirements_on_joining_are_judged_in_a_run():
    wanted = (
        "requirements: [{rooms: 95 %, join_time: at most 30 s}, "
        "{rooms: 98 %, present_at_start: true}, {rooms: all, recovery: at most 1 s}]\n"
    )
    slow = ("rate: 2 Mbit/s, frames: 30/s", "rate: 200 kbit/s, frames: 30/s")
    results = simulate(small(slow, append=JOINING + wanted), engine="reference")
    assert [verdict.met for verdict in results.verdicts] == [True, True, True]
    join, present, recovery = results.verdicts
    assert (join.subjects, join.value) == (3, 0)
    assert (present.value, present.complying, recovery.value) == (1.0, 3, 0)
    text = ", ".join(verdict.requirement.text for verdict in results.verdicts)
    assert text == (
        "95 % of rooms: joining takes at most 30 s, 98 % of rooms: present at the start, "
        "100 % of rooms: recovery at most 1 s"
    )


@pytest.mark.parametrize(("lost", "met"), [(0, True), (1, True), (2, False)])
def test_the_share_of_those_that_survive_is_what_is_limited(results, lost, met):
    wanted = dataclasses.replace(
        requirement("rooms", "survives", 0.9, 0.9, sense="at least"), failing="province"
    )
    survivors = {"province": np.arange(10) >= lost}
    measures = dataclasses.replace(results.measures, survivors=survivors)
    verdict = one(dataclasses.replace(results, measures=measures), wanted)
    assert (verdict.met, verdict.complying, verdict.value) == (met, 10 - lost, (10 - lost) / 10)
    for language, sentence, cause in (
        (ENGLISH, "90 % of rooms: fed if any single relay of province dies", "no other way"),
        (VIETNAMESE, "90 % điểm cầu: vẫn nhận được khi một nút chuyển tiếp bất kỳ", "không có đườ"),
    ):
        cells = " ".join(row(results, verdict, language))
        assert sentence in cells
        assert (cause in cells) == (lost > 0)


def test_survival_is_judged_in_a_run():
    """The provinces have standbys, central has none."""
    wanted = (
        "requirements: [{rooms: all, survives: province}, {rooms: all, survives: any relay}, "
        "{rooms: 30 %, of: tier/commune in site/80, survives: central}]\n"
    )
    standby = ("province: {processing: 2 ms,", "province: {processing: 2 ms, standby: {vrrp: {}},")
    results = simulate(small(standby, append=wanted), engine="reference")
    assert [(verdict.subjects, verdict.complying) for verdict in results.verdicts] == [
        (3, 3),
        (3, 0),
        (1, 0),
    ]
    assert set(results.measures.survivors) == {"province", "any relay", "central"}
    assert results.verdicts[1].requirement.text == "100 % of rooms: fed if any single relay dies"


def test_a_server_of_a_pool_is_called_by_its_number(results):
    network = results.network
    servers = [
        dataclasses.replace(e, carrier="", server=str(i + 1))
        for i, e in enumerate(network.egresses)
    ]
    pools = dataclasses.replace(network, egresses=tuple(servers))
    used = results.measures.egresses.utilisation
    wanted = requirement("egresses", "utilisation", 1.0, 0.001)
    (verdict,) = judge([wanted], pools, results.measures)
    worst = int(np.nanargmax(used))
    assert verdict.worst.detail == f"server {worst + 1}"
    told = dataclasses.replace(results, network=pools)
    assert f"(server {worst + 1})" in row(told, verdict)[-1]
    assert f"(máy chủ {worst + 1})" in row(told, verdict, VIETNAMESE)[-1]
    named = subjects(told)["egresses"]
    assert named.row(f"{pools.sites[pools.egress_site[worst]].id} server {worst + 1}") is not None
    table = {column.name: column.values for column in tables(told)["egresses"]}
    assert table["server"][:2] == ["1", "2"]
