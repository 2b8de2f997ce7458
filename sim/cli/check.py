"""`check`: scenarios in their short forms, held against their baselines."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from sim.cli.interrupts import Interrupts
from sim.cli.live import live_line
from sim.cli.output import reader_may_leave, write_exactly
from sim.compare.baseline import baseline_text, read_baseline
from sim.compare.comparison import compare
from sim.compare.findings import Findings
from sim.compare.junit import junit
from sim.compare.machine import checks_text
from sim.compare.markdown import markdown
from sim.compare.page import Checked, print_checks
from sim.compare.survey import survey
from sim.compare.whole_file import why_not, write_whole
from sim.errors import Problem, ScenarioError
from sim.language.language import Language
from sim.results.run import Progress
from sim.scenario.loader import has_section, load
from sim.scenario.model import Scenario
from sim.scenario.short_form import short_form
from sim.terminal import Reader, console

SCENARIOS = Path("scenarios")
BASELINES = Path("results/baseline")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the user asked for beside the scenarios.

    Attributes
    ----------
    baselines : the folder of the baselines
    update : whether to write them anew
    threads : how many the simulation may use
    junit, markdown : files to write, unless None
    output : what goes to stdout at the end
    language : of the page and the Markdown
    live : whether a terminal shows how far each run is
    """

    baselines: Path
    update: bool
    threads: int
    junit: Path | None
    markdown: Path | None
    output: Literal["report", "json", "nothing"]
    language: Language
    live: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A scenario to be checked; without a baseline only where one is to be written."""

    path: Path
    scenario: Scenario
    baseline_path: Path
    baseline: Findings | None


def check(paths: Sequence[Path], options: Options, interrupts: Interrupts) -> bool:
    """Check scenarios and say what came of it; return whether none failed, or all were updated.

    Raises
    ------
    ScenarioError
        If a scenario, a baseline or an option is wrong; nothing was simulated.
    """
    loaded = _load(paths, options)
    checks = []
    for number, each in enumerate(loaded, start=1):
        label = f"{each.scenario.name} ({number} of {len(loaded)}): "
        checks.append(_run(each, label, options, interrupts))
    interrupts.check()
    interrupts.hold()
    if options.update:
        checks = [_updated(each, checked) for each, checked in zip(loaded, checks, strict=True)]
    if options.junit is not None:
        write_whole(options.junit, junit(checks))
    if options.markdown is not None:
        write_whole(options.markdown, markdown(checks, options.language))
    with reader_may_leave():
        if options.output == "json":
            write_exactly(checks_text(checks))
        elif options.output == "report":
            accept = _accept(options)
            print_checks(checks, Reader(console(), options.language), accept=accept)
    return options.update or not any(each.comparison.failing for each in checks)


def _accept(options: Options) -> list[str]:
    """Return the words of the command that writes a baseline anew, but for the scenario."""
    elsewhere = options.baselines != BASELINES
    folder = ["--baselines", str(options.baselines)] if elsewhere else []
    return ["python", "-m", "sim", "check", "--update", *folder]


def _load(paths: Sequence[Path], options: Options) -> list[Loaded]:
    """Return the scenarios with their baselines, or all that is wrong with any of them."""
    problems = _option_problems(options)
    named = list(dict.fromkeys(paths)) or _gated(options.baselines)
    if not named:
        text = (
            f"no scenario is named, and none in {SCENARIOS}/ has a 'check' section or a baseline "
            f"in {options.baselines}/"
        )
        problems.append(Problem(text=text))
    loaded: dict[str, Loaded] = {}
    for path in named:
        try:
            each = _loaded(path, options)
        except ScenarioError as error:
            problems += error.problems
            continue
        name = each.scenario.name
        if name in loaded:
            text = f"'{name}' is also the name of {loaded[name].path}: they would share a baseline"
            problems.append(Problem(file=str(path), text=text))
        loaded.setdefault(name, each)
    if not paths and not problems:
        problems += _orphans(options.baselines, loaded)
    if problems:
        raise ScenarioError(problems)
    return list(loaded.values())


def _gated(baselines: Path) -> list[Path]:
    """Return the scenarios that are checked when none is named."""
    return [
        path
        for path in sorted(SCENARIOS.glob("*.yaml"))
        if has_section(path, "check") or (baselines / f"{path.stem}.json").exists()
    ]


def _orphans(baselines: Path, loaded: Mapping[str, Loaded]) -> list[Problem]:
    """Return baselines of no scenario: what was checked once must not drop out unnoticed."""
    return [
        Problem(
            file=str(path),
            text=f"no scenario in {SCENARIOS}/ is called '{path.stem}'; delete the baseline, or "
            "name the scenarios to check",
        )
        for path in sorted(baselines.glob("*.json"))
        if path.stem not in loaded
    ]


def _loaded(path: Path, options: Options) -> Loaded:
    scenario = load(path)
    baseline_path = options.baselines / f"{scenario.name}.json"
    remedy = shlex.join([*_accept(options), str(path)])
    baseline = None
    try:
        baseline = read_baseline(baseline_path, remedy=remedy)
        if baseline.scenario != scenario.name:
            text = f"is the baseline of '{baseline.scenario}'; write it anew: {remedy}"
            raise ScenarioError.at(str(baseline_path), 0, 0, "scenario", text)
    except ScenarioError:
        # What is to be written anew need not be right.
        if not options.update:
            raise
    return Loaded(path=path, scenario=scenario, baseline_path=baseline_path, baseline=baseline)


def _option_problems(options: Options) -> list[Problem]:
    problems = []
    for option, path in (("--junit", options.junit), ("--markdown", options.markdown)):
        reason = why_not(path) if path is not None else ""
        if reason:
            problems.append(Problem(path=option, text=f"cannot write '{path}': {reason}"))
    if options.update:
        try:
            options.baselines.mkdir(parents=True, exist_ok=True)
            reason = why_not(options.baselines / "a.json")
        except OSError as error:
            reason = error.strerror or str(error)
        if reason:
            text = f"cannot write to '{options.baselines}': {reason}"
            problems.append(Problem(path="--baselines", text=text))
    return problems


def _run(each: Loaded, label: str, options: Options, interrupts: Interrupts) -> Checked:
    short = short_form(each.scenario)
    watcher = Reader(console(stderr=True), options.language)
    with live_line(watcher, wanted=options.live, label=label) as show:
        # Numba takes its time: not before a wrong scenario is said to be wrong.
        from sim.simulation import simulate

        def watch(progress: Progress) -> None:
            interrupts.check()
            show(progress)

        results = simulate(short, threads=options.threads, watch=watch)
    found = survey(results, timetable=short.check.timetable)
    return Checked(
        path=str(each.path),
        baseline=str(each.baseline_path),
        comparison=compare(each.baseline, found, short.check),
        late_faults=short.late_faults,
        written=False,
        wall_s=results.wall_s,
    )


def _updated(each: Loaded, checked: Checked) -> Checked:
    """Write the baseline, unless it is there already, byte for byte."""
    text = baseline_text(checked.comparison.now)
    path = each.baseline_path
    same = path.is_file() and path.read_bytes() == text.encode()
    if not same:
        write_whole(path, text)
    return replace(checked, written=not same)
