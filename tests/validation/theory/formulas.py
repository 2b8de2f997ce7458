"""Closed forms. Times are in units of the caller's; K counts the packet being sent."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb, exp, factorial, floor, fsum

import numpy as np

from sim.scenario.model import Loss


def pollaczek_khinchine(rate: float, services: Sequence[float], shares: Sequence[float]) -> float:
    """Return the mean wait of M/G/1 (Pollaczek 1930, Khinchine 1932; Kleinrock, vol. 1)."""
    mean = fsum(share * service for share, service in zip(shares, services, strict=True))
    second = fsum(share * service**2 for share, service in zip(shares, services, strict=True))
    return rate * second / (2 * (1 - rate * mean))


def md1_wait(load: float) -> float:
    """Return the mean wait of M/D/1, in services."""
    return pollaczek_khinchine(load, [1], [1])


def md1_wait_above(load: float, services: float) -> float:
    """Return the share of M/D/1's packets that wait longer (Erlang 1909; Crommelin 1932)."""
    terms = (
        (load * (k - services)) ** k / factorial(k) * exp(-load * (k - services))
        for k in range(floor(services) + 1)
    )
    return 1 - (1 - load) * fsum(terms)


def mm1_wait(load: float) -> float:
    """Return the mean wait of M/M/1, in mean services (Kleinrock, vol. 1)."""
    return load / (1 - load)


def md1k(load: float, k: int) -> tuple[float, float]:
    """Return M/D/1/K's share of packets lost and mean wait of the others, in services.

    The number of packets that a departure leaves behind is a Markov chain, with Poisson
    arrivals in a service (Kleinrock, vol. 1).
    """
    arrivals = [exp(-load) * load**j / factorial(j) for j in range(k)]
    chain = np.zeros((k, k))
    for left in range(k):
        # After an idle time the next service begins with one packet, as it does from 1.
        begins = max(left, 1)
        for came in range(k - begins):
            chain[left, begins - 1 + came] = arrivals[came]
        chain[left, k - 1] = 1 - chain[left, : k - 1].sum()
    balance = np.vstack([chain.T - np.eye(k), np.ones(k)])
    left_behind = np.linalg.lstsq(balance, np.append(np.zeros(k), 1), rcond=None)[0]
    normal = left_behind[0] + load
    lost = 1 - 1 / normal
    present = fsum(n * left_behind[n] / normal for n in range(k)) + k * lost
    return lost, present / (load * (1 - lost)) - 1


def clocks_work_above(sources: int, period: float, work: float) -> float:
    """Return N*D/D/1's share of time with more unfinished work (Roberts and Virtamo 1991)."""
    return fsum(
        comb(sources, n)
        * ((n - work) / period) ** n
        * (1 - (n - work) / period) ** (sources - n)
        * (period - sources + work)
        / (period - n + work)
        for n in range(floor(work) + 1, sources + 1)
    )


def clocks_mean_work(sources: int, period: float) -> float:
    """Return N*D/D/1's mean unfinished work, in services.

    The integral of `clocks_work_above`, which is a polynomial of degree N between two integers.
    """
    nodes, weights = np.polynomial.legendre.leggauss(sources)
    return fsum(
        weight / 2 * clocks_work_above(sources, period, whole + (node + 1) / 2)
        for whole in range(sources)
        for node, weight in zip(nodes.tolist(), weights.tolist(), strict=True)
    )


def burst_first_wait(rate: float, packets: int, service: float) -> float:
    """Return the mean wait of the first packet of a burst, M^[X]/D/1 (Kleinrock, vol. 1)."""
    return pollaczek_khinchine(rate, [packets * service], [1])


def cobham(rates: Sequence[float], services: Sequence[float], number: int) -> float:
    """Return the mean wait in a class; the first goes first, none interrupts (Cobham 1954)."""
    loads = [rate * service for rate, service in zip(rates, services, strict=True)]
    residual = fsum(load * service for load, service in zip(loads, services, strict=True)) / 2
    return residual / ((1 - sum(loads[:number])) * (1 - sum(loads[: number + 1])))


def both_lost(loss: Loss) -> float:
    """Return the share of pairs of successive packets that are both lost."""
    bad = loss.p / (loss.p + loss.r)
    from_good = (1 - loss.p) * loss.good + loss.p * loss.bad
    from_bad = loss.r * loss.good + (1 - loss.r) * loss.bad
    return (1 - bad) * loss.good * from_good + bad * loss.bad * from_bad


def loss_run(loss: Loss) -> float:
    """Return the mean number of packets lost in a row (chain of Gilbert 1960, Elliott 1963)."""
    return loss.mean / (loss.mean - both_lost(loss))


def gap_run(loss: Loss) -> float:
    """Return the mean number of packets not lost in a row."""
    return (1 - loss.mean) / (loss.mean - both_lost(loss))


def window_losses(loss: Loss, window: int) -> list[float]:
    """Return the probability of 0, 1, … losses among so many successive packets."""
    bad = loss.p / (loss.p + loss.r)
    counts = np.zeros((window + 1, 2))  # by losses so far and state: good, bad
    counts[0] = 1 - bad, bad
    lost = np.array([loss.good, loss.bad])
    move = np.array([[1 - loss.p, loss.p], [loss.r, 1 - loss.r]])
    for _ in range(window):
        after = counts * (1 - lost)
        after[1:] += (counts * lost)[:-1]
        counts = after @ move
    return counts.sum(axis=1).tolist()
