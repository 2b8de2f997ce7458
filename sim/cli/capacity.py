"""`capacity`: how far a number of a scenario can go until each requirement breaks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from rich.live import Live
from rich.text import Text

from sim.cli.interrupts import Interrupted, Interrupts
from sim.cli.live import starting
from sim.cli.output import reader_may_leave, write_exactly
from sim.errors import Problem, ScenarioError
from sim.language.language import ENGLISH, Language
from sim.report.capacity import CapacityWords
from sim.report.capacity_page import capacity_page, print_capacity
from sim.results.clock import clock
from sim.results.summary import Summary, dumps
from sim.studies.answer import Answer, answer_of
from sim.studies.capacity import Searched, StudyProgress, search
from sim.studies.curve import curve_table
from sim.studies.folder import PARTIAL, StudyFolder, is_begun, study_folder
from sim.studies.spec import Asked, Spec, check_ends, read_spec
from sim.studies.summary import summarise
from sim.studies.workers import usable_processors, workers
from sim.terminal import Reader, console
from sim.units import parse_time_ns

NS_PER_S = 10**9
PAGE, SUMMARY, TABLE = "answer.md", "answer.json", "points.parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the user asked for beside the scenario.

    Attributes
    ----------
    vary, over, tolerance, points : the question, as typed
    out : the results root
    seed, duration : instead of the scenario's, unless None; the duration as it was typed
    workers : how many processes; None: one for each processor
    fresh : whether points that are there are thrown away
    output : what goes to stdout at the end
    language : of the words and the chart
    live : whether a terminal shows how far the study is
    """

    vary: str
    over: str
    tolerance: str
    points: int
    out: Path
    seed: int | None
    duration: str | None
    workers: int | None
    fresh: bool
    output: Literal["report", "json", "nothing"]
    language: Language
    live: bool


def capacity(path: Path, options: Options, interrupts: Interrupts) -> None:
    """Find where each requirement breaks, keep every point, and write and print the answer.

    Raises
    ------
    ScenarioError
        If the scenario or an option is wrong; nothing was simulated.
    OSError, RuntimeError
        If a point could not be simulated or kept; the others are kept.
    """
    spec = read_spec(_asked(path, options))
    if not is_begun(options.out, spec):
        check_ends(spec)
    count = options.workers or usable_processors()
    with ExitStack() as cleanup:
        folder = _folder(cleanup, options.out, spec)
        if options.fresh:
            folder.clear()
        pool = cleanup.enter_context(workers(count))
        cleanup.callback(interrupts.hold)
        watcher = Reader(console(stderr=True), options.language)
        with study_line(watcher, wanted=options.live) as show:
            kept = _Kept(interrupts, show)
            try:
                searched = search(spec, folder, pool, parallel=count, watch=kept.watch)
            except (Interrupted, ChildProcessError):
                kept.say(folder)
                raise
        for name in folder.damaged:
            print(f"points/{name} is damaged and was not used", file=sys.stderr)
        answer = answer_of(spec.over, searched.points)
        summary = summarise(spec, answer, searched, workers=count)
        words = CapacityWords(answer, scenario=spec.scenario, language=options.language)
        _write(folder, answer, summary, words, options.language)
        interrupts.check()
    with reader_may_leave():
        if options.output == "json":
            write_exactly(dumps(summary))
        elif options.output == "report":
            effort = _effort(searched, options.language)
            reader = Reader(console(), options.language)
            print_capacity(words, folder.path, reader, effort=effort)


class _Kept:
    """Watches a search, so that it can be said what is kept of one that ends early."""

    def __init__(self, interrupts: Interrupts, show: Callable[[StudyProgress], None]) -> None:
        self._interrupts = interrupts
        self._show = show
        self._done = 0

    def watch(self, progress: StudyProgress) -> None:
        self._done = progress.done
        self._interrupts.check()
        self._show(progress)

    def say(self, folder: StudyFolder) -> None:
        points = "1 point is" if self._done == 1 else f"{self._done} points are"
        print(
            f"{points} kept in {folder.path}; the same command goes on from there.",
            file=sys.stderr,
        )


def _asked(path: Path, options: Options) -> Asked:
    duration_ns = None
    if options.duration is not None:
        try:
            duration_ns = parse_time_ns(options.duration)
            if duration_ns == 0:
                raise ValueError("must be positive")
        except ValueError as error:
            raise ScenarioError([Problem(path="--duration", text=str(error))]) from None
    return Asked(
        path=path,
        vary=options.vary,
        over=options.over,
        tolerance=options.tolerance,
        points=options.points,
        seed=options.seed,
        duration_ns=duration_ns,
    )


def _folder(cleanup: ExitStack, out: Path, spec: Spec) -> StudyFolder:
    """Return the study's folder, made before the simulation rather than after it."""
    try:
        return cleanup.enter_context(study_folder(out, spec))
    except BlockingIOError:
        raise  # another command is at work there: no fault of this one
    except OSError as error:
        text = f"cannot write results to '{out}': {error.strerror}"
        raise ScenarioError([Problem(path="--out", text=text)]) from error


def _write(
    folder: StudyFolder,
    answer: Answer,
    summary: Summary,
    words: CapacityWords,
    language: Language,
) -> None:
    # Matplotlib and Arrow take their time: not before there is something to write.
    from sim.plots.capacity_curve import NAME, draw_capacity
    from sim.results.files import write_table

    with folder.writing(TABLE) as aside:
        write_table(curve_table(answer), aside)
    with TemporaryDirectory(dir=folder.path, prefix=PARTIAL) as aside_folder:
        for file in draw_capacity(
            answer, Path(aside_folder), scenario=str(summary["scenario"]), language=language
        ):
            file.replace(folder.path / file.name)
    folder.write_text(PAGE, capacity_page(words, chart=f"{NAME}.png", language=language))
    folder.write_text(SUMMARY, dumps(summary))


def _effort(searched: Searched, language: Language) -> str:
    points, simulated = len(searched.points), searched.simulated
    if not simulated:
        return language.say_count(
            points, "{n} point, which was there already.", "{n} points, all there already."
        )
    seconds = clock(round(searched.wall_s) * NS_PER_S)
    if simulated == points:
        return language.say_count(
            points,
            "{n} point, simulated in {time}.",
            "{n} points, simulated in {time}.",
            time=seconds,
        )
    return language.say_count(
        simulated,
        "{n} point simulated in {time}; {kept} were there already.",
        "{n} points simulated in {time}; {kept} were there already.",
        kept=language.figure(f"{points - simulated:,}"),
        time=seconds,
    )


def progress_line(progress: StudyProgress, language: Language = ENGLISH) -> str:
    """Return the live line.

    Examples
    --------
    >>> progress_line(
    ...     StudyProgress(done=3, expected=11, running={"5.25 Mbit/s": 0.5}, left_s=75.0)
    ... )
    '3 of about 11 points, 1:15 left; now 5.25 Mbit/s 50 %'
    """
    say, figure = language.say, language.figure
    line = say(
        "{done} of about {expected} points",
        done=figure(f"{progress.done:,}"),
        expected=figure(f"{progress.expected:,}"),
    )
    if progress.left_s is not None:
        left = clock(round(progress.left_s) * NS_PER_S)
        line += ", " + say("{time} left", time=left)
    if not progress.running:
        return line
    running = [
        figure(f"{amount} {100 * share:.0f} %") for amount, share in progress.running.items()
    ]
    return f"{line}; " + say("now {running}", running=", ".join(running))


@contextmanager
def study_line(reader: Reader, *, wanted: bool) -> Iterator[Callable[[StudyProgress], None]]:
    """Give a watcher that keeps one line up to date while the block runs; leaves nothing behind."""
    if not (wanted and reader.out.is_terminal):
        yield lambda progress: None
        return
    first = Text(starting(reader.language))
    with Live(first, console=reader.out, refresh_per_second=8, transient=True) as live:

        def watch(progress: StudyProgress) -> None:
            if progress.done or any(progress.running.values()):
                line = progress_line(progress, reader.language)
                live.update(Text(line, no_wrap=True, overflow="ellipsis"))

        yield watch
