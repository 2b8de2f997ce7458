"""The commands and their options, and `main`, which alone turns errors into messages and codes.

Nothing heavy is imported before a command runs: `--help` must answer at once.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TextIO

import typer

from sim.cli.interrupts import Interrupted, Interrupts
from sim.cli.output import reader_may_leave, write_exactly
from sim.collector import collector_paused
from sim.language.language import Code, Language
from sim.plots.names import Chart

EXIT_MET = 0
EXIT_MISSED = 1
EXIT_BAD_INPUT = 2
EXIT_FAILED = 3
RESULTS = Path("results")
BASELINES = RESULTS / "baseline"

app = typer.Typer(
    name="sim",
    help="Rehearse a very large meeting packet by packet, over a tree of relays.",
    epilog="Begin with: python -m sim run scenarios/tiny.yaml",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

ScenarioFile = Annotated[
    Path, typer.Argument(metavar="SCENARIO", help="The scenario, a YAML file.", show_default=False)
]


Lang = Annotated[
    Code,
    typer.Option(help="Language of what is shown; errors are in English.", envvar="SIM_LANG"),
]


class Engine(StrEnum):
    """Which implementation of the data plane carries the packets."""

    packet = "packet"
    reference = "reference"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    0: every requirement was met, or there was nothing to judge; 1: one was missed; 2: the input
    is wrong, and nothing was simulated; 3: the run was interrupted or failed.
    """
    _print_what_can_be_printed()
    interrupts = Interrupts()
    with interrupts.listening():
        try:
            app(args=arguments, prog_name="python -m sim", obj=interrupts)
        except SystemExit as exit_:
            return exit_.code if isinstance(exit_.code, int) else EXIT_FAILED
        except Interrupted:
            interrupts.hold()
            return _interrupted()
        except Exception as error:
            # A compiler that was stopped in one of its hooks fails later, and that is no news.
            return _interrupted() if interrupts.heard else _explain(error)
    return EXIT_MET


@app.command(
    short_help="Simulate a scenario and judge it.",
    epilog=(
        "Examples:\n\n"
        "\b\n"
        "  python -m sim run scenarios/national.yaml\n"
        "  python -m sim run scenarios/province.yaml --duration '30 s' --seed 7\n"
        "  python -m sim run scenarios/tiny.yaml --trace district-2 --trace commune-05\n"
        "  python -m sim run scenarios/tiny.yaml --json | jq .verdict\n\n"
        "Exit code: 0 all requirements met, 1 one missed, 2 bad input, 3 interrupted or failed."
    ),
)
def run(
    context: typer.Context,
    scenario: ScenarioFile,
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where results/<scenario>/<run>/ is made.")
    ] = RESULTS,
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="Root of all chance, instead of the scenario's.", metavar="N"),
    ] = None,
    duration: Annotated[
        str | None,
        typer.Option(
            help="Simulated length, such as '30 s', instead of the scenario's.", metavar="TIME"
        ),
    ] = None,
    threads: Annotated[
        int, typer.Option(min=1, help="Threads; the results do not depend on it.", metavar="N")
    ] = 1,
    engine: Annotated[
        Engine,
        typer.Option(help="packet: compiled, for countries; reference: SimPy, for small trees."),
    ] = Engine.packet,
    trace: Annotated[
        list[str] | None,
        typer.Option(
            help="Write every packet to or from this site as a table; repeatable.", metavar="SITE"
        ),
    ] = None,
    lang: Lang = Code.en,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print summary.json instead of the report.")
    ] = False,
) -> None:
    """Simulate one scenario, write its results folder, and judge it by its requirements."""
    with collector_paused():
        from sim.cli import run as command

    met = command.run(
        scenario,
        command.Options(
            out=out,
            seed=seed,
            duration=duration,
            threads=threads,
            engine=engine.value,
            trace=tuple(dict.fromkeys(trace or [])),
            output="json" if json else "nothing" if quiet else "report",
            language=Language(lang),
            live=not quiet,
        ),
        context.obj,
    )
    raise typer.Exit(EXIT_MET if met else EXIT_MISSED)


@app.command(
    short_help="Hold scenarios against their baselines.",
    epilog=(
        "Examples:\n\n"
        "\b\n"
        "  python -m sim check scenarios/tiny.yaml\n"
        "  python -m sim check --junit check.xml --markdown check.md scenarios/province.yaml\n"
        "  python -m sim check --update scenarios/national.yaml\n\n"
        "Exit code: 0 equal or better within tolerance, 1 something is worse, 2 bad input, "
        "3 interrupted or failed."
    ),
)
def check(
    context: typer.Context,
    scenarios: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[SCENARIO]...",
            help="Scenarios, YAML files. Without any: those in scenarios/ that have a `check` "
            "section or a baseline.",
            show_default=False,
        ),
    ] = None,
    update: Annotated[
        bool, typer.Option("--update", help="Write the baselines anew, and show the difference.")
    ] = False,
    baselines: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where <scenario>.json are.")
    ] = BASELINES,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a JUnit XML file.")
    ] = None,
    markdown: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a summary in Markdown, for a pull request."),
    ] = None,
    threads: Annotated[
        int, typer.Option(min=1, help="Threads; the results do not depend on it.", metavar="N")
    ] = 1,
    lang: Annotated[
        Code, typer.Option(help="Language of the report and the summary.", envvar="SIM_LANG")
    ] = Code.en,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print every figure as JSON instead of the report.")
    ] = False,
) -> None:
    """Run scenarios in short forms, and say what got worse since their baselines, and where."""
    with collector_paused():
        from sim.cli import check as command

    passed = command.check(
        scenarios or [],
        command.Options(
            baselines=baselines,
            update=update,
            threads=threads,
            junit=junit,
            markdown=markdown,
            output="json" if json else "nothing" if quiet else "report",
            language=Language(lang),
            live=not quiet,
        ),
        context.obj,
    )
    raise typer.Exit(EXIT_MET if passed else EXIT_MISSED)


@app.command(
    short_help="Find how far a number can go until requirements break.",
    epilog=(
        "Examples:\n\n"
        "\b\n"
        "  python -m sim capacity scenarios/tiny.yaml --vary streams.video.rate "
        "--over '1..4 Mbit/s'\n"
        "  python -m sim capacity scenarios/province.yaml --vary lines.commune.classes.radio.down "
        "--over '2..10 Mbit/s' --tolerance '20 kbit/s'\n"
        "  python -m sim capacity scenarios/national.yaml --vary sites.count.commune "
        "--over 5000..10599 --duration '1 min' --workers 4\n\n"
        "Every finished point is kept: after Ctrl-C the same command goes on from there.\n\n"
        "Exit code: 0 the answer is there, whatever it is; 2 bad input; 3 interrupted or failed."
    ),
)
def capacity(
    context: typer.Context,
    scenario: ScenarioFile,
    vary: Annotated[
        str,
        typer.Option(
            help="What to vary: a number in the scenario, such as streams.video.rate; items of "
            "lists by their number from 0, names with dots in double quotes.",
            metavar="PATH",
            show_default=False,
        ),
    ],
    over: Annotated[
        str,
        typer.Option(
            help="From where to where, with its unit, such as '1..8 Mbit/s'.",
            metavar="LOW..HIGH",
            show_default=False,
        ),
    ],
    tolerance: Annotated[
        str,
        typer.Option(
            help="How near to a break is near enough: a share of the range, or such as "
            "'50 kbit/s'. Counts: never below 1.",
            metavar="TOLERANCE",
        ),
    ] = "1 %",
    points: Annotated[
        int,
        typer.Option(min=2, max=1000, help="Points to begin with, ends included.", metavar="N"),
    ] = 5,
    out: Annotated[
        Path,
        typer.Option(metavar="FOLDER", help="Where results/capacity/<scenario>/<study>/ is made."),
    ] = RESULTS,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Root of all chance, instead of the scenario's; the same at every point.",
            metavar="N",
        ),
    ] = None,
    duration: Annotated[
        str | None,
        typer.Option(
            help="Simulated length of each point, such as '30 s', instead of the scenario's.",
            metavar="TIME",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=1000,
            help="Processes, each with a point of its own; default: one for each processor. The "
            "results do not depend on it.",
            metavar="N",
            show_default=False,
        ),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Throw away the points that are there.")
    ] = False,
    lang: Annotated[
        Code, typer.Option(help="Language of the answer and the chart.", envvar="SIM_LANG")
    ] = Code.en,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print answer.json instead of the answer.")
    ] = False,
) -> None:
    """Vary one number of a scenario, and find where each requirement breaks, and at which place.

    Simulates the meeting at some points of a range, and bisects between neighbours that differ in
    a verdict. Writes the capacity curve as chart and table, and a page with the answer first.
    """
    with collector_paused():
        from sim.cli import capacity as command

    command.capacity(
        scenario,
        command.Options(
            vary=vary,
            over=over,
            tolerance=tolerance,
            points=points,
            out=out,
            seed=seed,
            duration=duration,
            workers=workers,
            fresh=fresh,
            output="json" if json else "nothing" if quiet else "report",
            language=Language(lang),
            live=not quiet,
        ),
        context.obj,
    )


@app.command(
    short_help="Draw the charts of a run again.",
    epilog=(
        "Examples:\n\n"
        "\b\n"
        "  python -m sim plot results/national\n"
        "  python -m sim plot results/national --chart map --chart loss --lang vi --out charts\n\n"
        "Exit code: 0 drawn, 2 bad input, 3 interrupted or failed."
    ),
)
def plot(
    context: typer.Context,
    results: Annotated[
        Path,
        typer.Argument(
            metavar="RESULTS",
            help="The folder of a run, or of a scenario, whose newest run is meant.",
            show_default=False,
        ),
    ],
    chart: Annotated[
        list[Chart] | None,
        typer.Option(help="Draw this one only; repeatable.", show_default="all"),
    ] = None,
    lang: Annotated[
        Code, typer.Option(help="Language of the charts.", envvar="SIM_LANG")
    ] = Code.en,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where to.", show_default="the run's own folder"),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Draw the charts of a stored run, without simulating anything."""
    with collector_paused():
        from sim.cli import plot as command

    command.plot(
        results,
        command.Options(
            charts=tuple(dict.fromkeys(chart or Chart)),
            language=Language(lang),
            out=out,
            quiet=quiet,
        ),
        context.obj,
    )


@app.command(
    short_help="Check a scenario; say how full its lines would be.",
    epilog=(
        "Examples:\n\n"
        "\b\n"
        "  python -m sim validate scenarios/national.yaml\n"
        "  python -m sim validate scenarios/tiny.yaml --resolved > resolved.yaml\n\n"
        "Exit code: 0 valid, 2 not valid."
    ),
)
def validate(
    scenario: ScenarioFile,
    resolved: Annotated[
        bool,
        typer.Option("--resolved", help="Print the scenario with every default and draw in it."),
    ] = False,
    lang: Lang = Code.en,
) -> None:
    """Check a scenario, and say what plain arithmetic can: how full its lines would be."""
    with collector_paused():
        from sim.cli import validate as command

    with reader_may_leave():
        if resolved:
            command.print_resolved(scenario)
        else:
            command.print_description(scenario, Language(lang))


@app.command(
    epilog=(
        "Examples:\n\n"
        "\b\n"
        "  python -m sim schema > scenarios/scenario.schema.json\n"
        "  python -m sim schema --markdown > docs/reference.md\n\n"
        "Editors complete and check a scenario that begins with\n\n"
        "\b\n"
        "  # yaml-language-server: $schema=scenario.schema.json"
    )
)
def schema(
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print it as a page for people instead.")
    ] = False,
) -> None:
    """Print the JSON Schema of scenario files, for editors."""
    from sim.scenario.reference import reference_text
    from sim.scenario.schema import schema_text

    with reader_may_leave():
        write_exactly(reference_text() if markdown else schema_text())


def _interrupted() -> int:
    _tell("Interrupted; nothing half-written is left.")
    return EXIT_FAILED


def _explain(error: Exception) -> int:
    """Say what went wrong on stderr; return the exit code."""
    from sim.errors import ResultsError, ScenarioError
    from sim.units import printable

    if isinstance(error, ScenarioError):
        count = len(error.problems)
        noun = "problem" if count == 1 else "problems"
        told = [printable(str(problem)) for problem in error.problems]
        _tell(*told, f"{count} {noun}; nothing was simulated.")
        return EXIT_BAD_INPUT
    if isinstance(error, ResultsError):
        for problem in error.problems:
            print(printable(str(problem)), file=sys.stderr)
        return EXIT_BAD_INPUT
    if not isinstance(error, OSError | MemoryError):
        # A defect of the program: whoever mends it needs the place.
        _tell("".join(traceback.format_exception(error)).rstrip())
    _tell(f"Failed: {_said(error)}")
    return EXIT_FAILED


def _tell(*lines: str) -> None:
    """Print on stderr; where that cannot be, the exit code still says what happened."""
    try:
        print(*lines, sep="\n", file=sys.stderr, flush=True)
    except OSError:
        # So that Python does not fail at exit with what is still in its buffer.
        sys.stderr = _nowhere()


def _said(error: Exception) -> str:
    from sim.units import printable

    if isinstance(error, MemoryError):
        return "not enough memory"
    text = " ".join(str(error).split())
    return printable(text or type(error).__name__)


def _nowhere() -> TextIO:
    return os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")


def _print_what_can_be_printed() -> None:
    """Let a terminal that lacks Vietnamese letters show escapes, and a closed stream nothing."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # started with it closed (`>&-`)
            setattr(sys, name, _nowhere())
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
