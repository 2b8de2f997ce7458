"""`run`: from a scenario file to a results folder and a report."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from sim.cli.interrupts import Interrupts
from sim.cli.live import live_line
from sim.cli.output import reader_may_leave, write_exactly
from sim.errors import Problem, ScenarioError, did_you_mean
from sim.language.language import Language
from sim.plots.names import Chart
from sim.report.page import print_report
from sim.results.folder import Staged, run_name, stage
from sim.results.run import Progress, Results
from sim.results.summary import Summary, dumps
from sim.scenario.loader import load
from sim.scenario.model import Scenario
from sim.terminal import Reader, console
from sim.units import parse_time_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the user asked for beside the scenario.

    Attributes
    ----------
    out : the results root
    seed, duration : instead of the scenario's, unless None; the duration as it was typed
    threads, engine : how to simulate
    trace : ids of sites to trace, each once
    output : what goes to stdout at the end
    language : of the report and the charts
    live : whether a terminal shows how far the run is
    """

    out: Path
    seed: int | None
    duration: str | None
    threads: int
    engine: str
    trace: tuple[str, ...]
    output: Literal["report", "json", "nothing"]
    language: Language
    live: bool


def run(path: Path, options: Options, interrupts: Interrupts) -> bool:
    """Simulate a scenario and write its results; return whether it met its requirements.

    Raises
    ------
    ScenarioError
        If the scenario or an option is wrong, or the results could not be written; nothing was
        simulated.
    """
    scenario = _load(path, options)
    with ExitStack() as cleanup:
        staged = _stage(cleanup, options.out, scenario)
        cleanup.callback(interrupts.hold)
        terminal = Reader(console(stderr=True), options.language)
        with live_line(terminal, wanted=options.live) as show:
            # Numba takes its time: not before a wrong scenario is said to be wrong.
            from sim.simulation import simulate

            def watch(progress: Progress) -> None:
                interrupts.check()
                show(progress)

            results = simulate(
                scenario,
                engine=options.engine,
                threads=options.threads,
                trace=options.trace,
                watch=watch,
            )
        # So do Matplotlib and Arrow.
        from sim.plots.charts import draw_charts
        from sim.results.files import write
        from sim.results.stored import read_run

        created = datetime.now(UTC)
        summary = write(results, staged.path, created=created)
        drawn = draw_charts(read_run(staged.path), staged.path, language=options.language)
        # That nobody joined and nothing was dark is no news to who reads the report.
        notes = tuple(note for chart, note in drawn.notes.items() if chart == Chart.map)
        interrupts.check()
        folder = staged.publish(run_name(created, summary["fingerprint"]))
    with reader_may_leave():
        _print(results, summary, folder, notes, options)
    return results.met


def _load(path: Path, options: Options) -> Scenario:
    """Return the scenario, or all that is wrong with it and with the options at once."""
    problems: list[Problem] = []
    duration_ns = None
    if options.duration is not None:
        try:
            duration_ns = parse_time_ns(options.duration)
            if duration_ns == 0:
                raise ValueError("must be positive")
        except ValueError as error:
            problems.append(Problem(path="--duration", text=str(error)))
            duration_ns = None
    try:
        scenario = load(path, seed=options.seed, duration_ns=duration_ns)
    except ScenarioError as error:
        raise ScenarioError([*problems, *error.problems]) from error
    problems += _trace_problems(scenario, options.trace)
    if problems:
        raise ScenarioError(problems)
    return scenario


def _trace_problems(scenario: Scenario, traced: tuple[str, ...]) -> list[Problem]:
    rooms = {site.id: site.room for site in scenario.sites}
    problems = []
    for site in traced:
        if site not in rooms:
            hint = did_you_mean(site, rooms)
            problems.append(Problem(path="--trace", text=f"no site '{site}'{hint}"))
        elif not rooms[site]:
            problems.append(Problem(path="--trace", text=f"site '{site}' has no room"))
    return problems


def _stage(cleanup: ExitStack, out: Path, scenario: Scenario) -> Staged:
    """Return the folder to write into, made before the simulation rather than after it."""
    try:
        return cleanup.enter_context(stage(out, scenario.name))
    except OSError as error:
        text = f"cannot write results to '{out / scenario.name}': {error.strerror}"
        raise ScenarioError([Problem(path="--out", text=text)]) from error


def _print(
    results: Results, summary: Summary, folder: Path, notes: tuple[str, ...], options: Options
) -> None:
    if options.output == "json":
        write_exactly(dumps(summary))
    elif options.output == "report":
        print_report(results, folder, Reader(console(), options.language), notes)
