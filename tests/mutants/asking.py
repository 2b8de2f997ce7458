"""The other end of `worker.py`: asks what becomes of a mutant, with patience that ends."""

from __future__ import annotations

import json
import select
import subprocess
import sys
from collections import Counter

from tests.mutants.bases import WARM_UP, Base
from tests.scenario.files import ROOT

TIME_S = 60  # most take milliseconds; the machine may be busy
FIRST_S = 1200  # kernels are compiled


class Worker:
    """The process that answers, started anew after it had to be killed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self.counts: Counter[str] = Counter()
        self.longest_s = 0.0
        self.own_bytes = self.peak_bytes = 0

    def ask(self, base: Base, *, engine: str) -> dict:
        """Return what became of a mutant."""
        if self._process is None:
            self._start()
        found = self._answer(base.files, engine, TIME_S)
        self.counts[found["became"]] += 1
        self.longest_s = max(self.longest_s, found["took_s"])
        self.peak_bytes = max(self.peak_bytes, found["peak_bytes"])
        return found

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.mutants.worker"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )
        self.own_bytes = self._answer(WARM_UP.files, "packet", FIRST_S)["peak_bytes"]

    def _answer(self, files: dict[str, str], engine: str, patience_s: float) -> dict:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps([engine, files]) + "\n")
        process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], patience_s)
        line = process.stdout.readline() if ready else ""
        if line:
            return json.loads(line)
        self.close()
        became = "crash" if ready else "too slow"
        told = [f"the process gave no answer ({process.returncode})"]
        return {"became": became, "told": told, "took_s": patience_s, "peak_bytes": 0}
