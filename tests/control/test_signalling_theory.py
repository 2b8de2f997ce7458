"""The signalling server against queueing theory, by independent replications.

Intervals are four standard errors of 40 replications wide on each side, and each must be narrower
than the error that it is to notice: a wrong mean of so large a share. In K all requests count,
those being served too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import factorial

import numpy as np
import pytest

from sim import rng
from sim.control.server import Refusal, Server
from tests.control.meeting import MS, Run, meeting, rules, server, step
from tests.validation.reference import expected
from tests.validation.theory.interval import Interval, interval

SERVICE_NS = 10 * MS
REPLICATIONS = 40
WARM_UP, COUNTED = 2_000, 16_000
NOTICED = 0.05


def erlang_c(load: float, workers: int) -> float:
    """Return the chance that a request waits in M/M/c, load in Erlangs (Erlang, 1917)."""
    terms = [load**k / factorial(k) for k in range(workers)]
    last = load**workers / factorial(workers) * workers / (workers - load)
    return last / (sum(terms) + last)


def mmc_wait(load: float, workers: int) -> float:
    """Return the mean wait in M/M/c in mean service times."""
    return erlang_c(load, workers) / (workers - load)


def mmck(load: float, workers: int, k: int) -> tuple[float, float]:
    """Return the share refused by M/M/c/K and the mean wait of the others, in service times.

    The stationary distribution of the birth and death chain (Kleinrock, Queueing Systems I).
    """
    weights = [1.0]
    for n in range(1, k + 1):
        weights.append(weights[-1] * load / min(n, workers))
    shares = np.array(weights) / sum(weights)
    waiting = sum((n - workers) * shares[n] for n in range(workers, k + 1))
    return float(shares[k]), float(waiting / (load * (1 - shares[k])))


def mdc_wait(load: float, workers: int, most: int = 200) -> float:
    """Return the mean wait in M/D/c in service times.

    All that are being served at t have gone at t + D, and nobody else: so the number of requests
    is a Markov chain at the multiples of D (Crommelin, 1932), here cut off at `most`.
    """
    come = np.exp(-load) * np.cumprod([1.0, *(load / n for n in range(1, most + 1))])
    chain = np.zeros((most + 1, most + 1))
    for n in range(most + 1):
        left = max(n - workers, 0)
        chain[n, left:] = come[: most + 1 - left]
        chain[n, most] += 1 - chain[n].sum()
    equations = np.vstack([chain.T - np.eye(most + 1), np.ones(most + 1)])
    shares = np.linalg.lstsq(equations, np.append(np.zeros(most + 1), 1.0), rcond=None)[0]
    return float(np.arange(most + 1) @ shares / load - 1)


@dataclass(frozen=True)
class Measured:
    """The mean wait of those served, in mean service times, and the share refused."""

    wait: Interval
    refused: Interval


def poisson_ns(seed: int, load: float, count: int) -> list[int]:
    """Return the instants of requests that are offered at `load` Erlangs."""
    gaps = -rng.logarithm(rng.uniforms(rng.key(seed, "requests", "gap"), 0, count))
    return np.rint(np.cumsum(gaps) * SERVICE_NS / load).astype(np.int64).tolist()


@cache
def measured(load: float, workers: int, queue: int, service: str) -> Measured:
    described = server(
        service=service, service_ns=SERVICE_NS, workers=workers, queue=queue, full="refuse"
    )
    waits, refused = [], []
    for seed in range(REPLICATIONS):
        one = Server(described, seed=seed)
        offers = [one.offer(at_ns) for at_ns in poisson_ns(seed, load, WARM_UP + COUNTED)]
        lost = sum(isinstance(offer, Refusal) for offer in offers[WARM_UP:])
        served_before = sum(not isinstance(offer, Refusal) for offer in offers[:WARM_UP])
        load_of_it = one.load(site=0, until_ns=2**62)
        waits.append(load_of_it.waited_ns[served_before:].mean() / SERVICE_NS)
        refused.append(lost / COUNTED)
    return Measured(wait=interval(waits), refused=interval(refused))


@pytest.mark.parametrize(("case", "load"), [("md1_0.5_1", 0.5), ("md1_0.8_1", 0.8)])
def test_fixed_service_waits_as_pollaczek_and_khinchine_say(case, load):
    """M/D/1: W = load / (2 (1 - load)) service times (Kleinrock, Queueing Systems I)."""
    wait = load / (2 * (1 - load))
    assert wait == pytest.approx(expected("queueing", case, "Wq"), rel=1e-9)
    found = measured(load, 1, -1, "fixed").wait
    assert wait in found
    assert found.half_width < NOTICED * wait, "too few requests to notice an error"
    assert 2 * wait not in found, "exponential service would be noticed"


@pytest.mark.parametrize(("load", "workers"), [(1.4, 2), (2.4, 3)])
def test_fixed_service_by_several_workers_waits_as_crommelin_says(load, workers):
    assert mdc_wait(0.8, 1) == pytest.approx(2.0, rel=1e-6), "M/D/1 is the same by another way"
    wait = mdc_wait(load, workers)
    found = measured(load, workers, -1, "fixed").wait
    assert wait in found
    assert found.half_width < NOTICED * wait
    assert mmc_wait(load, workers) not in found
    assert mdc_wait(load, workers + 1) not in found


@pytest.mark.parametrize(("case", "load", "workers"), [("erlang_8_10", 8.0, 10)])
def test_exponential_service_waits_as_erlang_says(case, load, workers):
    wait = mmc_wait(load, workers)
    assert erlang_c(load, workers) == pytest.approx(expected("queueing", case, "erlang_C"))
    assert wait == pytest.approx(expected("queueing", case, "Wq_in_mean_holding_times"))
    found = measured(load, workers, -1, "exponential").wait
    assert wait in found
    assert found.half_width < 2 * NOTICED * wait
    assert mmc_wait(load, workers + 1) not in found
    assert mdc_wait(load, workers) not in found


@pytest.mark.parametrize(
    ("case", "load", "workers", "k", "noticed"),
    [
        ("mm1k_9_10_5", 0.9, 1, 5, NOTICED),
        ("mmck_8_1_10_20", 8.0, 10, 20, 3 * NOTICED),
        ("mmck_30_2_16_16", 15, 16, 16, NOTICED),
    ],
)
def test_a_full_queue_refuses_as_often_as_theory_says(case, load, workers, k, noticed):
    """M/M/c/K: the share refused, and the mean wait of those served; K = c has no queue."""
    refused, wait = mmck(load, workers, k)
    assert refused == pytest.approx(expected("queueing", case, "P_loss"), rel=1e-6)
    found = measured(load, workers, k - workers, "exponential")
    assert refused in found.refused
    assert wait in found.wait
    assert found.refused.half_width < noticed * refused
    for off in (k - 1, k + 1):
        if off >= workers:
            assert mmck(load, workers, off)[0] not in found.refused, "K is off by one"
    if k > workers:
        assert found.wait.half_width < 2 * NOTICED * wait


@pytest.mark.parametrize(("case", "load", "k"), [("md1k_0.8_1_5", 0.8, 5)])
def test_a_full_queue_of_fixed_service_refuses_as_often_as_theory_says(case, load, k):
    found = measured(load, 1, k - 1, "fixed")
    for quantity, interval_of_it in (("P_loss", found.refused), ("Wq", found.wait)):
        value = expected("queueing", case, quantity)
        assert value in interval_of_it
        assert interval_of_it.half_width < NOTICED * value


@pytest.mark.parametrize("service", ["fixed", "exponential"])
def test_calls_wait_as_the_server_says(service):
    """Through processes and timers a call waits for exactly what its server makes it."""
    described = server(service=service, service_ns=SERVICE_NS, workers=3, queue=4)
    come_ns = poisson_ns(7, 2.7, 1_500)
    alone = Server(described, seed=7)
    no_delays_ns = {"a": 0, "b": 0, "c": 0}
    parents = {"root": "", "a": "root", "b": "root", "c": "root"}
    signalling = rules(step(), servers=[described])
    scenario = meeting(signalling, parents=parents, delays_ns=no_delays_ns, seed=7)
    answers = Run(scenario).calls([(at_ns, 1) for at_ns in come_ns])
    for at_ns, (ended_ns, answer) in zip(come_ns, answers, strict=True):
        offer = alone.offer(at_ns)
        assert answer.admitted == (not isinstance(offer, Refusal))
        assert ended_ns == (at_ns if isinstance(offer, Refusal) else offer.ends_ns)
    assert 0 < sum(not answer.admitted for _, answer in answers) < 500


def test_the_load_over_time_is_that_of_the_requests():
    """The area under the steps is what the requests waited and were served, to the nanosecond."""
    one = Server(server(service="exponential", service_ns=SERVICE_NS, workers=3, queue=4), seed=3)
    offers = [one.offer(at_ns) for at_ns in poisson_ns(3, 2.7, 3_000)]
    served = [offer for offer in offers if not isinstance(offer, Refusal)]
    load = one.load(site=0, until_ns=2**62)
    spans_ns = np.diff(load.at_ns)
    assert int(spans_ns @ load.waiting[:-1]) == int(load.waited_ns.sum())
    assert int(spans_ns @ load.busy[:-1]) == sum(each.ends_ns - each.begins_ns for each in served)
    assert (load.waiting.max(), load.busy.max()) == (4, 3)
    assert (load.busy[load.waiting > 0] == 3).all(), "nobody waits while a worker is free"
    assert load.served + load.full == 3_000
    half = one.load(site=0, until_ns=int(load.at_ns[-1]) // 2)
    np.testing.assert_array_equal(half.waiting, load.waiting[: half.waiting.size])
