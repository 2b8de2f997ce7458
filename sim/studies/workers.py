"""Workers: processes that simulate one point at a time, and what happens to them.

A worker has a pipe to its parent: tasks come in, progress and one outcome for each task go out. It
does not hear Ctrl-C, which a terminal sends to all; its parent stops it. If the parent is gone, the
pipe is closed, and the worker ends. The first worker starts alone: its first window compiles the
kernels, or finds them compiled, and so the others find them.
"""

from __future__ import annotations

import os
import signal
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path

from sim.errors import ScenarioError
from sim.results.run import Progress
from sim.scenario.varied import Change
from sim.studies.point import Point

TELL_EVERY_S = 0.25
STOP_WITHIN_S = 5.0
_NOT_HEARD = {signal.SIGINT, signal.SIGHUP}


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One point to simulate: a scenario's text with one change.

    Attributes
    ----------
    number, amount : the number that is set, alone and with its unit
    """

    number: Decimal
    amount: str
    path: Path
    text: str
    change: Change
    seed: int | None
    duration_ns: int | None


@dataclass(frozen=True, slots=True)
class _Done:
    point: Point
    wall_s: float


@dataclass(frozen=True, slots=True)
class _Failed:
    text: str
    trace: str  # empty where the text says it all


@dataclass(slots=True)
class _Worker:
    process: SpawnProcess
    pipe: Connection
    task: Task | None = None
    done: float = 0.0  # of the task, as a share


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A point that was simulated, and how long that took."""

    number: Decimal
    point: Point
    wall_s: float


class Workers:
    """A number of processes that share the tasks of a round."""

    def __init__(self, count: int) -> None:
        self._most = count
        self._workers: list[_Worker] = []
        self._warm = False

    def running(self) -> dict[str, float]:
        """Return what is being simulated, and which share of it is done."""
        return {each.task.amount: each.done for each in self._workers if each.task is not None}

    def measure(self, tasks: Iterable[Task], *, tick: Callable[[], None]) -> Iterator[Finished]:
        """Yield the points of some tasks as they are finished, in any order.

        Parameters
        ----------
        tick : called several times a second; may raise, and then the workers can only be stopped

        Raises
        ------
        ChildProcessError
            If a worker died, or had not enough memory; names the point.
        RuntimeError
            If the program failed in a worker; a note has the place.
        """
        waiting = deque(tasks)
        while waiting or self.running():
            self._give(waiting)
            ready = wait([each.pipe for each in self._workers], timeout=TELL_EVERY_S)
            for worker in [each for each in self._workers if each.pipe in ready]:
                finished = self._hear(worker)
                if finished is not None:
                    yield finished
            tick()

    def stop(self) -> None:
        """End all workers, whatever they are doing."""
        for worker in self._workers:
            worker.process.terminate()
        for worker in self._workers:
            worker.process.join(STOP_WITHIN_S)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.pipe.close()
        self._workers.clear()

    def _give(self, waiting: deque[Task]) -> None:
        """Give every idle worker a task, and start workers while there are tasks for them."""
        for worker in self._workers:
            if worker.task is None and waiting:
                self._send(worker, waiting.popleft())
        while waiting and len(self._workers) < (self._most if self._warm else 1):
            worker = _start()
            self._workers.append(worker)
            self._send(worker, waiting.popleft())

    def _send(self, worker: _Worker, task: Task) -> None:
        worker.task, worker.done = task, 0.0
        # A worker that is dead is noticed when its pipe is read.
        with suppress(BrokenPipeError):
            worker.pipe.send(task)

    def _hear(self, worker: _Worker) -> Finished | None:
        task = worker.task
        try:
            told = worker.pipe.recv()
        except (EOFError, ConnectionResetError):
            if task is not None:
                raise _died(worker.process, task) from None
            self._workers.remove(worker)
            return None
        self._warm = True
        assert task is not None, "a worker without a task has nothing to tell"
        if isinstance(told, float):
            worker.done = told
            return None
        worker.task = None
        if isinstance(told, _Done):
            return Finished(number=task.number, point=told.point, wall_s=told.wall_s)
        if not told.trace:
            raise ChildProcessError(f"with {task.amount}: {told.text}")
        error = RuntimeError(f"with {task.amount}: {told.text}")
        error.add_note(told.trace)
        raise error


@contextmanager
def workers(count: int) -> Iterator[Workers]:
    """Give some workers; none is left at the end of the block."""
    made = Workers(count)
    try:
        yield made
    finally:
        made.stop()


def usable_processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _start() -> _Worker:
    context = get_context("spawn")
    pipe, far_end = context.Pipe()
    process = context.Process(target=_work, args=(far_end,), daemon=True)
    # Until the worker can say that it does not hear Ctrl-C, the mask it inherits says so.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _NOT_HEARD)
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    far_end.close()
    return _Worker(process=process, pipe=pipe)


def _died(process: SpawnProcess, task: Task) -> ChildProcessError:
    process.join()
    code = process.exitcode or 0
    how = f"ended with code {code}"
    if code < 0:
        how = f"was killed by {signal.Signals(-code).name}"
    if code == -signal.SIGKILL:
        how += ", perhaps for want of memory: fewer --workers need less"
    return ChildProcessError(f"the worker at {task.amount} {how}")


def _work(pipe: Connection) -> None:
    """Simulate what comes through the pipe, until it is closed."""
    for number in _NOT_HEARD:
        signal.signal(number, signal.SIG_IGN)
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            pipe.send(_outcome(pipe.recv(), pipe))


def _outcome(task: Task, pipe: Connection) -> _Done | _Failed:
    began_s = time.perf_counter()
    try:
        # Numba takes its time, and only workers need it.
        from sim.scenario.loader import load_text
        from sim.simulation import simulate
        from sim.studies.point import point_of

        scenario = load_text(
            task.text,
            task.path,
            seed=task.seed,
            duration_ns=task.duration_ns,
            change=task.change,
        )
        results = simulate(scenario, watch=_teller(pipe))
        point = point_of(results, task.amount)
    except (BrokenPipeError, ConnectionResetError):
        raise  # nobody is there to be told
    except ScenarioError as error:
        return _Failed("; ".join(str(problem) for problem in error.problems), "")
    except MemoryError:
        return _Failed("not enough memory; fewer --workers need less", "")
    except Exception as error:
        return _Failed(f"{type(error).__name__}: {error}", traceback.format_exc())
    return _Done(point, time.perf_counter() - began_s)


def _teller(pipe: Connection) -> Callable[[Progress], None]:
    """Return a watcher that tells the parent how far the run is, but not too often."""
    told_s = 0.0

    def tell(progress: Progress) -> None:
        nonlocal told_s
        now_s = time.monotonic()
        if now_s - told_s >= TELL_EVERY_S:
            told_s = now_s
            pipe.send(progress.now_ns / progress.duration_ns)

    return tell
