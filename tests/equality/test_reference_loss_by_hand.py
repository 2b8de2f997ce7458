"""Which packets the reference engine loses on a line: draws laid out by hand from their keys.

One packet of 1 byte each ns on a line of 1 byte/ns: packet n is acceptance n.
"""

from __future__ import annotations

import numpy as np
import pytest

from sim import rng
from sim.dataplane.edit import FailLine, RestoreLine, SetLineLoss
from sim.dataplane.reference.engine import ReferenceEngine
from sim.dataplane.tally import Fate
from sim.scenario.model import Loss, Scenario
from tests.equality.decided import hops, rehearse
from tests.equality.trees import direction, line, scenario

PAIR = {"0": "", "1": "0"}


def lost_numbers(engine: ReferenceEngine) -> list[int]:
    """Return the numbers of the packets lost on the line of site 1."""
    return [packet for packet, fate, _ in hops(engine, 1) if fate == Fate.LINE_LOSS]


def keys(scenario: Scenario) -> tuple[rng.Key, rng.Key]:
    """Return the state key and the gap key of the line of site 1."""
    name = "line/1/down"
    return rng.key(scenario.seed, name, "loss state"), rng.key(scenario.seed, name, "loss gap")


def test_bernoulli_gaps_are_the_draws_of_the_gap_key() -> None:
    """The first loss is after gap 0, the second after gap 1 more, and so on.

    The packets refused while the line is down take no number: 3 of them shift the rest.
    """
    loss = Loss(p=0.0, r=1.0, bad=0.0, good=0.3)
    tree = scenario(PAIR, lines={"1": line(direction(loss=loss))})
    _, gap_key = keys(tree)
    survivors = np.array([rng.geometric(gap_key, index, 0.3) for index in range(40)])
    lost = [n for n in (np.cumsum(survivors + 1) - 1).tolist() if n < 40]
    assert len(lost) > 5
    assert lost_numbers(rehearse(tree, [(n, 0, 1) for n in range(40)])) == lost
    edits = [FailLine(at_ns=10, target=1), RestoreLine(at_ns=13, target=1)]
    interrupted = rehearse(tree, [(n, 0, 1) for n in range(43)], edits)
    # The packet accepted at 9 leaves at 10, so the fault takes it; its number is spent.
    shifted = [n if n < 10 else n + 3 for n in lost if n != 9]
    assert lost_numbers(interrupted) == shifted


def test_an_edit_of_loss_discards_the_gap() -> None:
    """Loss 0 uses gap 0 in vain; loss 0.3 from 5 on draws gap 1, and from 20 on the next one."""
    tree = scenario(PAIR)
    more = Loss(p=0.0, r=1.0, bad=0.0, good=0.3)
    edits = [SetLineLoss(at_ns=at, target=1, loss=more) for at in (5, 20)]
    _, gap_key = keys(tree)
    lost, index = [], 1
    for start, end in ((5, 20), (20, 40)):
        n = start + rng.geometric(gap_key, index, 0.3)
        while n < end:
            lost.append(n)
            index += 1
            n += 1 + rng.geometric(gap_key, index, 0.3)
        index += 1
    assert len(lost) > 5
    assert lost_numbers(rehearse(tree, [(n, 0, 1) for n in range(40)], edits)) == lost


def test_states_that_always_switch_lose_every_other_packet() -> None:
    """p = r = 1: each sojourn is one packet; the bad ones are lost, whichever comes first."""
    loss = Loss(p=1.0, r=1.0, bad=1.0, good=0.0)
    for seed in range(4):
        tree = scenario(PAIR, lines={"1": line(direction(loss=loss))}, seed=seed)
        starts_bad = rng.uniform(keys(tree)[0], 0) < 0.5
        lost = list(range(0 if starts_bad else 1, 20, 2))
        assert lost_numbers(rehearse(tree, [(n, 0, 1) for n in range(20)])) == lost


@pytest.mark.parametrize("seed", range(5))
def test_gilbert_elliott_by_sojourns(seed: int) -> None:
    """Lay the sojourns end to end, then the gaps: a fresh one per sojourn and after each loss."""
    loss = Loss(p=0.2, r=0.4, bad=0.7, good=0.1)
    tree = scenario(PAIR, lines={"1": line(direction(loss=loss))}, seed=seed)
    state_key, gap_key = keys(tree)
    bad = rng.uniform(state_key, 0) < 0.2 / (0.2 + 0.4)
    lost, index, start, sojourn = [], 0, 0, 0
    while start < 80:
        length = 1 + rng.geometric(state_key, sojourn + 1, 0.4 if bad else 0.2)
        chance = 0.7 if bad else 0.1
        n = start + rng.geometric(gap_key, index, chance)
        index += 1
        while n < start + length:
            lost.append(n)
            n += 1 + rng.geometric(gap_key, index, chance)
            index += 1
        start, sojourn, bad = start + length, sojourn + 1, not bad
    lost = [n for n in lost if n < 80]
    assert len(lost) > 8
    assert lost_numbers(rehearse(tree, [(n, 0, 1) for n in range(80)])) == lost
