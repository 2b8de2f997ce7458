"""`plot`: the charts of a stored run, drawn again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sim.cli.interrupts import Interrupts
from sim.cli.output import reader_may_leave
from sim.errors import Problem, ResultsError
from sim.language.language import Language
from sim.plots.charts import Drawn, draw_charts
from sim.plots.names import Chart
from sim.results.stored import Stored, find_run, read_run
from sim.terminal import console, shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the user asked for beside the run.

    Attributes
    ----------
    charts : which, each once
    language : of the charts
    out : the folder to draw into; None: the run's own
    quiet : whether to print nothing
    """

    charts: tuple[Chart, ...]
    language: Language
    out: Path | None
    quiet: bool


def plot(path: Path, options: Options, interrupts: Interrupts) -> None:
    """Draw charts of the run in a folder, or of the newest run of a scenario.

    Each file is replaced whole: whoever looks meanwhile sees the old one or the new one.

    Raises
    ------
    ResultsError
        If there is no run, or it cannot be read, or nothing can be written there.
    """
    stored = read_run(find_run(path))
    folder = options.out or stored.folder
    drawn = _draw(stored, folder, options, interrupts)
    if options.quiet:
        return
    out = console()
    with reader_may_leave():
        for each in (*drawn.files, *drawn.notes.values()):
            out.print(shown(str(each)), soft_wrap=True)


def _draw(stored: Stored, folder: Path, options: Options, interrupts: Interrupts) -> Drawn:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        aside = TemporaryDirectory(prefix=".partial-", dir=folder)
    except OSError as error:
        text = f"cannot write charts to '{folder}': {error.strerror}"
        raise ResultsError([Problem(path="--out" if options.out else "", text=text)]) from error
    with aside as name:
        drawn = draw_charts(stored, Path(name), language=options.language, charts=options.charts)
        interrupts.check()
        interrupts.hold()
        files = tuple(file.replace(folder / file.name) for file in drawn.files)
    return Drawn(files=files, notes=drawn.notes)
