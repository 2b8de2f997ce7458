"""What an experiment is: a road, what is sent over it, and what theory expects to be seen.

Each quantity says which error it would notice: that of its main parameter, up or down, at which
theory's value is outside the interval that was measured. The tests assert it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from tests.validation.theory.interval import Interval, interval
from tests.validation.theory.road import BYTES_PER_MS, LOST, NS_PER_BYTE, Road, Traffic, carry

REPLICATIONS = 40
PACKETS = 50_000  # in a replication
WARM_UP = 10  # one packet in so many, the first ones, is sent before anything is observed

Observe = Callable[[Traffic, NDArray[np.int64]], Mapping[str, float]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Quantity:
    """One number that theory knows.

    Attributes
    ----------
    name : as the page says it; also the key under which it is observed
    formula : of the main parameter
    main, value : the main parameter: what it is, and what it is here
    notices : relative error of the main parameter
    reference : case and quantity of the reference values; None: the formula is all there is
    mistakes : values that usual mistakes would give; the interval excludes them
    """

    name: str
    formula: Callable[[float], float]
    main: str
    value: float
    notices: float
    reference: tuple[str, str] | None = None
    mistakes: Mapping[str, float] = field(default_factory=dict)

    @property
    def expected(self) -> float:
        """The value by theory."""
        return self.formula(self.value)


@dataclass(frozen=True, kw_only=True, eq=False)
class Experiment:
    """A road, what is sent over it in each replication, and what is expected.

    Attributes
    ----------
    name : as the page says it
    topic : file of the reference values
    traffic : of the number of the replication, which also is the road's seed
    observe : numbers by the quantities' names
    """

    name: str
    topic: str
    road: Road
    traffic: Callable[[int], Traffic]
    observe: Observe
    quantities: tuple[Quantity, ...]
    source: str


def waits_ns(road: Road, traffic: Traffic, passed_ns: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how long packets waited in all before they were sent, ns; NaN where lost."""
    service_ns = traffic.size_bytes * (NS_PER_BYTE * BYTES_PER_MS // road.rate_bps)
    wait_ns = passed_ns[-1] - traffic.sent_ns - road.hops * (service_ns + road.propagation_ns)
    return np.where(passed_ns[-1] == LOST, np.nan, wait_ns)


def settled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what was observed after the warm-up."""
    return values[len(values) // WARM_UP :]


def seed_of(name: str, replication: int) -> int:
    """Return a seed that no other experiment, and no other replication of this one, has."""
    return crc32(name.encode()) * REPLICATIONS + replication


@cache
def measured(experiment: Experiment) -> dict[str, Interval]:
    """Return the intervals of an experiment's quantities, by their names."""
    seen: dict[str, list[float]] = {quantity.name: [] for quantity in experiment.quantities}
    for replication in range(REPLICATIONS):
        seed = seed_of(experiment.name, replication)
        traffic = experiment.traffic(seed)
        passed_ns = carry(replace(experiment.road, seed=seed), traffic)
        observed = experiment.observe(traffic, passed_ns)
        for name, values in seen.items():
            values.append(observed[name])
    return {name: interval(values) for name, values in seen.items()}
