"""Run the program, but simulate no meeting twice: python -m tests.docs.remembered FOLDER run …

The README is there in two languages and shows the report of the same country in both. A run whose
meeting was simulated before takes the measures of then; everything after them is done anew.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path

from sim import simulation
from sim.cli import main
from sim.results.run import Progress, Results
from sim.scenario.model import Scenario
from sim.scenario.resolved import resolved_text


def remember(folder: Path) -> None:
    """Have runs of this process look in a folder for their meeting before they simulate it."""
    simulate = simulation.simulate

    def remembered(
        scenario: Scenario,
        *,
        engine: str,
        threads: int,
        trace: Sequence[str],
        watch: Callable[[Progress], None],
    ) -> Results:
        asked = f"{engine} {trace} {resolved_text(scenario)}"
        file = folder / blake2b(asked.encode(), digest_size=16).hexdigest()
        if not file.exists():
            results = simulate(scenario, engine=engine, threads=threads, trace=trace, watch=watch)
            file.write_bytes(pickle.dumps(results))
        found: Results = pickle.loads(file.read_bytes())
        return found

    simulation.simulate = remembered


if __name__ == "__main__":
    remember(Path(sys.argv[1]))
    sys.exit(main(sys.argv[2:]))
