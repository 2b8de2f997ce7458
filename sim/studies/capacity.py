"""The capacity study: rounds of points, until every requirement's break is known finely enough."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from sim.studies.bisection import halvings, next_numbers, numbers_left
from sim.studies.folder import StudyFolder
from sim.studies.point import Point
from sim.studies.spec import Spec
from sim.studies.workers import Task, Workers

Points = dict[Decimal, Point]


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyProgress:
    """How far a study has got.

    Attributes
    ----------
    done, expected : points that are there, and about how many it will be in all
    running : what is being simulated -> share of it that is done
    left_s : about how long it will take; None while nothing is known of it
    """

    done: int
    expected: int
    running: Mapping[str, float]
    left_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """What a search found.

    Attributes
    ----------
    points : by number, in order
    simulated : how many of them were simulated now; the others were there
    wall_s : how long it took, seconds
    """

    points: Points
    simulated: int
    wall_s: float


def search(
    spec: Spec,
    folder: StudyFolder,
    workers: Workers,
    *,
    parallel: int,
    watch: Callable[[StudyProgress], None],
) -> Searched:
    """Simulate what is still missing, and keep every point at once.

    Parameters
    ----------
    parallel : how many workers there are
    watch : called several times a second; may raise, and then the kept points remain

    Raises
    ------
    ChildProcessError, RuntimeError
        If a point could not be simulated; names it.
    OSError
        If a point cannot be kept.
    """
    began_s = time.monotonic()
    stored = folder.load()
    tried: Points = {}
    pace = _Pace(parallel)
    wanted = spec.over.first(spec.asked.points)
    later = halvings(spec.over, wanted[0], wanted[1])
    while wanted:
        tried.update((number, stored[number]) for number in wanted if number in stored)
        missing = [number for number in wanted if number not in tried]

        def tick(missing: list[Decimal] = missing, later: int = later) -> None:
            open_ = sum(number not in tried for number in missing)
            running = workers.running()
            watch(
                StudyProgress(
                    done=len(tried),
                    expected=len(tried) + open_ + later,
                    running=running,
                    left_s=pace.left_s(open_ + later, running),
                )
            )

        tasks = [_task(spec, number) for number in missing]
        for finished in workers.measure(tasks, tick=tick):
            folder.save(finished.number, finished.point)
            tried[finished.number] = finished.point
            pace.add(finished.wall_s)
        verdicts = {
            number: [judged.met for judged in point.requirements] for number, point in tried.items()
        }
        wanted = next_numbers(spec.over, verdicts)
        later = numbers_left(spec.over, verdicts) - len(wanted)
    return Searched(
        points=dict(sorted(tried.items())),
        simulated=pace.count,
        wall_s=time.monotonic() - began_s,
    )


class _Pace:
    """How long a point takes, from those that were simulated now."""

    def __init__(self, parallel: int) -> None:
        self.count = 0
        self._parallel = parallel
        self._sum_s = 0.0

    def add(self, wall_s: float) -> None:
        self.count += 1
        self._sum_s += wall_s

    def left_s(self, points: int, running: Mapping[str, float]) -> float | None:
        """Return how long so many points take, of which some are running."""
        if not self.count:
            return None
        left = points - sum(running.values())
        return max(left, 0.0) * self._sum_s / self.count / max(min(self._parallel, points), 1)


def _task(spec: Spec, number: Decimal) -> Task:
    return Task(
        number=number,
        amount=spec.over.amount(number),
        path=spec.asked.path,
        text=spec.text,
        change=spec.over.change(number),
        seed=spec.asked.seed,
        duration_ns=spec.asked.duration_ns,
    )
