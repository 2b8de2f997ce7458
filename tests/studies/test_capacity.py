"""Studies whose answer one can compute beforehand, and what becomes of points that are there."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from sim.errors import ScenarioError
from sim.studies.folder import study_folder
from sim.studies.program import program_digest
from sim.studies.spec import check_ends, read_spec
from sim.studies.workers import Task, workers
from tests.studies.conftest import ONE_LINE, asked, study

# Frames of ten packets, one of them at 1 s and the other when it is varied to be.
TWO_BURSTS = """\
name: two-bursts
seed: 1
duration: 4 s
mtu: 1240 B
sites: {tiers: [central, commune], generate: {commune: 1}}
relays: {central: {processing: 1 ms, egress: none}}
lines:
  commune: {carrier: vnpt, rate: 1 Mbit/s, buffer: 15 packets, delay: 5 ms}
streams:
  fixed: {frame: 12 kB, every: 10 s, start: 1 s}
  moving: {frame: 12 kB, every: 10 s, start: 2 s}
requirements:
  - {rooms: 100 %, loss: at most 0 %}
"""
# Nine rooms behind an egress that sends nine copies of each packet one after the other.
NINE_ROOMS = """\
name: nine-rooms
seed: 1
duration: 5 s
sites: {tiers: [central, commune], generate: {commune: 9}}
relays: {central: {processing: 1 ms, egress: {rate: 10 Mbit/s, buffer: 40 packets}}}
lines:
  commune: {carrier: vnpt, rate: 100 Mbit/s, buffer: 100 packets, delay: 5 ms}
streams:
  media: {rate: 500 kbit/s, packet: 1200 B, overhead: 40 B}
requirements:
  - {egresses: 100 %, utilisation: at most 80 %}
  - {rooms: 100 %, loss: at most 0 %}
"""


def saved(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "study.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def only(answer, requirement: int):
    (crossing,) = answer.standings[requirement].crossings
    return crossing


def test_utilisation_breaks_where_arithmetic_says(pool, tmp_path):
    """Of 10 Mbit/s, 80 % are reached by media at 8 × 1200/1240 = 7.7419 Mbit/s."""
    path = saved(tmp_path, ONE_LINE)
    question = asked(path, "streams.media.rate", "1..9 Mbit/s", tolerance="10 kbit/s")
    _, answer = study(pool, tmp_path / "out", question)
    crossing = only(answer, 0)
    exact = Decimal(8) * 1200 / 1240
    assert crossing.breaks
    assert crossing.low <= exact <= crossing.high
    assert crossing.high - crossing.low <= Decimal("0.01")
    judged = answer.judged(0, crossing.missed)
    assert judged.deciding is not None
    assert (judged.deciding.kind, judged.deciding.site, judged.deciding.detail) == (
        "line",
        "commune-1",
        "down",
    )
    assert [each.state for each in answer.standings] == ["breaks", "met", "missed"]
    (span,) = answer.spans
    assert (span.low, span.high) == (1, crossing.low)


def test_the_rate_of_a_line_breaks_on_the_way_down(pool, tmp_path):
    """4 Mbit/s of media are 4.1333 on the line, which is 80 % of 5.1667 Mbit/s."""
    path = saved(tmp_path, ONE_LINE)
    question = asked(path, "lines.commune.rate", "5..9 Mbit/s", tolerance="10 kbit/s")
    _, answer = study(pool, tmp_path / "out", question)
    crossing = only(answer, 0)
    assert not crossing.breaks
    assert crossing.low <= Decimal(4) * 1240 / 1200 / Decimal("0.8") <= crossing.high
    (span,) = answer.spans
    assert (span.low, span.high) == (crossing.high, 9)


def test_delay_breaks_where_arithmetic_says_and_the_line_is_to_blame(pool, tmp_path):
    """1 ms in the relay, 1240 B at 10 Mbit/s = 0.992 ms, so 38.008 ms are left for the line."""
    path = saved(tmp_path, ONE_LINE)
    question = asked(path, "lines.commune.delay", "5..60 ms", tolerance="10 us")
    _, answer = study(pool, tmp_path / "out", question)
    crossing = only(answer, 1)
    assert crossing.low <= Decimal("38.008") <= crossing.high
    assert crossing.high - crossing.low <= Decimal("0.01")
    judged = answer.judged(1, crossing.missed)
    assert judged.blame is not None
    assert (judged.blame.kind, judged.blame.site, judged.blame.reason) == (
        "line",
        "commune-1",
        "wait",
    )
    assert judged.blame.time_ms == pytest.approx(float(crossing.missed) + 0.992)


def test_two_bursts_lose_only_where_they_meet(pool, tmp_path):
    """Ten packets of 9.92 ms in a buffer for 15: five must be sent before the next ten come."""
    path = saved(tmp_path, TWO_BURSTS)
    question = asked(path, "streams.moving.start", "0..2000 ms", tolerance="1 ms")
    _, answer = study(pool, tmp_path / "out", question)
    first, second = answer.standings[0].crossings
    apart_ms = 5 * Decimal("9.92")
    assert first.breaks
    assert first.low <= 1000 - apart_ms <= first.high
    assert not second.breaks
    assert second.low <= 1000 + apart_ms <= second.high
    assert [(span.low, span.high) for span in answer.spans] == [
        (0, first.low),
        (second.high, 2000),
    ]
    blame = answer.judged(0, first.missed).blame
    assert blame is not None
    # With the bursts an instant too near, the last packet of the second one is lost: 1 of 20.
    assert (blame.site, blame.reason, blame.lost) == ("commune-1", "loss", {"queue": 1 / 20})


def test_the_egress_that_breaks_it_is_named(pool, tmp_path):
    """Nine copies: 80 % of 10 Mbit/s are 8/9 × 1200/1240 = 0.8602 Mbit/s of media; from 1.0753 on
    more comes than goes, and the room whose copy is refused is the last."""
    path = saved(tmp_path, NINE_ROOMS)
    question = asked(path, "streams.media.rate", "500..2000 kbit/s", tolerance="5 kbit/s")
    _, answer = study(pool, tmp_path / "out", question)
    use, loss = only(answer, 0), only(answer, 1)
    assert use.low <= Decimal(8000) / 9 * 1200 / 1240 <= use.high
    # Five seconds are not enough to fill the buffer at once.
    full = Decimal(10_000) / 9 * 1200 / 1240
    assert full < loss.high < full * Decimal("1.05")
    judged = answer.judged(0, use.missed)
    assert judged.deciding is not None
    assert (judged.deciding.kind, judged.deciding.site) == ("egress", "central")
    judged = answer.judged(1, Decimal(2000))
    assert judged.blame is not None
    assert judged.deciding is not None
    assert (judged.blame.kind, judged.blame.site) == ("egress", "central")
    # All that the room lost, it lost there.
    assert sum(judged.blame.lost.values()) == pytest.approx(judged.deciding.value)


def test_counts_of_sites_are_found_exactly(pool, tmp_path):
    """Media of 500 kbit/s are 516.67 on the line; 80 % of 10 Mbit/s take 15.48 copies of it."""
    path = saved(tmp_path, NINE_ROOMS)
    _, answer = study(
        pool, tmp_path / "out", asked(path, "sites.generate.commune", "2..40", points=3)
    )
    crossing = only(answer, 0)
    assert (crossing.low, crossing.high) == (15, 16)


def test_a_study_that_is_done_simulates_nothing_again(pool, tmp_path):
    question = asked(saved(tmp_path, ONE_LINE), "streams.media.rate", "1..9 Mbit/s")
    first, answer = study(pool, tmp_path / "out", question)
    assert first.simulated == len(first.points) > 5
    again, answer_again = study(pool, tmp_path / "out", question)
    assert again.simulated == 0
    assert answer_again == answer


def point_files(out: Path) -> list[Path]:
    return sorted(out.glob("capacity/*/*/points/*.json"))


def test_a_damaged_point_is_simulated_again(pool, tmp_path):
    question = asked(saved(tmp_path, ONE_LINE), "streams.media.rate", "1..9 Mbit/s")
    _, answer = study(pool, tmp_path / "out", question)
    files = point_files(tmp_path / "out")
    texts = [file.read_text(encoding="utf-8") for file in files]
    files[0].write_text("", encoding="utf-8")
    files[1].write_text(texts[1][: len(texts[1]) // 2], encoding="utf-8")
    files[2].write_text(texts[2].replace('"met": true', '"met": false'), encoding="utf-8")
    files[3].write_text(texts[0], encoding="utf-8")
    with study_folder(tmp_path / "out", read_spec(question)) as folder:
        folder.load()
        assert folder.damaged == [file.name for file in files[:4]]
    again, answer_again = study(pool, tmp_path / "out", question)
    assert again.simulated == 4
    assert answer_again == answer
    assert [file.read_text(encoding="utf-8") for file in files] == texts


@pytest.mark.parametrize(
    "change",
    ["scenario", "comment", "table", "seed", "duration", "tolerance", "range", "program"],
)
def test_points_of_another_study_are_not_used(tmp_path, monkeypatch, change):
    """The name of the folder, and what each point must say of itself, follow from all of them."""
    text = ONE_LINE.replace("generate: {commune: 1}", "file: sites.csv")
    path = saved(tmp_path, text)
    table = tmp_path / "sites.csv"
    table.write_text("id,tier,parent\nvn,central,\na,commune,vn\n", encoding="utf-8")
    question = asked(path, "streams.media.rate", "1..9 Mbit/s")
    before = read_spec(question).identity
    assert read_spec(question).identity == before
    if change == "scenario":
        path.write_text(text.replace("5 ms", "6 ms"), encoding="utf-8")
    elif change == "comment":
        path.write_text(text + "# looked at\n", encoding="utf-8")
    elif change == "table":
        table.write_text("id,tier,parent\nvn,central,\nb,commune,vn\n", encoding="utf-8")
    elif change == "duration":
        question = asked(path, "streams.media.rate", "1..9 Mbit/s", duration_ns=10**9)
    elif change == "tolerance":
        question = asked(path, "streams.media.rate", "1..9 Mbit/s", tolerance="2 %")
    elif change == "range":
        question = asked(path, "streams.media.rate", "1..8 Mbit/s")
    elif change == "program":
        monkeypatch.setattr("sim.studies.spec.program_digest", lambda: "another")
    else:
        path.write_text(text.replace("seed: 1", "seed: 2"), encoding="utf-8")
    assert read_spec(question).identity != before


def test_the_program_is_known_by_its_sources():
    assert len(program_digest()) == 32
    program_digest.cache_clear()
    assert program_digest() == program_digest()


def test_one_command_at_a_time_works_in_a_folder(tmp_path):
    spec = read_spec(asked(saved(tmp_path, ONE_LINE), "streams.media.rate", "1..9 Mbit/s"))
    with (
        study_folder(tmp_path, spec),
        pytest.raises(BlockingIOError, match="another command is at work on this study"),
        study_folder(tmp_path, spec),
    ):
        pass


def test_what_a_killed_command_left_half_written_is_removed(tmp_path):
    spec = read_spec(asked(saved(tmp_path, ONE_LINE), "streams.media.rate", "1..9 Mbit/s"))
    with study_folder(tmp_path, spec) as folder:
        left = [folder.path / ".partial-a", folder.path / "points" / ".partial-b.json"]
        for file in left:
            file.touch()
    with study_folder(tmp_path, spec) as folder:
        assert not any(file.exists() for file in left)
        assert folder.load() == {}
        assert folder.damaged == []


def task(path: Path, *, duration_ns: int, amount: str = "4 Mbit/s") -> Task:
    spec = read_spec(asked(path, "streams.media.rate", "1..9 Mbit/s", duration_ns=duration_ns))
    return Task(
        number=Decimal(4),
        amount=amount,
        path=path,
        text=spec.text,
        change=spec.over.change(Decimal(4)),
        seed=None,
        duration_ns=duration_ns,
    )


def test_a_worker_that_is_killed_is_an_error_that_names_its_point(tmp_path):
    path = saved(tmp_path, ONE_LINE)
    with workers(1) as pool:
        killed = False

        def tick() -> None:
            nonlocal killed
            if any(pool.running().values()) and not killed:
                killed = True
                (worker,) = pool._workers
                assert worker.process.pid is not None
                os.kill(worker.process.pid, signal.SIGKILL)

        with pytest.raises(ChildProcessError) as caught:
            list(pool.measure([task(path, duration_ns=3600 * 10**9)], tick=tick))
    assert str(caught.value) == (
        "the worker at 4 Mbit/s was killed by SIGKILL, perhaps for want of memory: fewer "
        "--workers need less"
    )


def test_a_scenario_that_cannot_be_read_in_a_worker_names_its_point(pool, tmp_path):
    wrong = replace(task(saved(tmp_path, ONE_LINE), duration_ns=10**9), text="name: [")
    with pytest.raises(
        ChildProcessError, match=r"^with 4 Mbit/s: \S+study\.yaml:1:8: not valid YAML"
    ):
        list(pool.measure([wrong], tick=lambda: None))


def test_a_study_that_changes_nothing_is_refused(tmp_path):
    """The exception wins over the tier's rate, so any value of that gives the same meeting."""
    text = ONE_LINE.replace("lines:\n", "lines:\n  except: {commune-1: {rate: 10 Mbit/s}}\n")
    spec = read_spec(asked(saved(tmp_path, text), "lines.commune.rate", "1..9 Mbit/s"))
    with pytest.raises(ScenarioError) as caught:
        check_ends(spec)
    assert str(caught.value) == (
        "--vary: 'lines.commune.rate' changes nothing: the meeting is the same with 1 Mbit/s and "
        "9 Mbit/s; does an exception, an inventory or an option win over it?"
    )


def test_points_are_plain_data(pool, tmp_path):
    question = asked(saved(tmp_path, ONE_LINE), "streams.media.rate", "1..9 Mbit/s", points=2)
    study(pool, tmp_path / "out", question)
    document = json.loads(point_files(tmp_path / "out")[0].read_text(encoding="utf-8"))
    assert set(document) == {"digest", "identity", "number", "point"}
    assert document["point"]["amount"] == f"{document['number']} Mbit/s"
    assert [each["met"] for each in document["point"]["requirements"]] == [True, True, False]
