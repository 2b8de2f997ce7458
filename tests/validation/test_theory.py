"""Transmitters and losses against closed forms, by independent replications.

`tests/validation/theory` has the experiments; docs/validation.md shows what is measured here.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tests.validation.picture import FAMILIES, fingerprint, picture, rows
from tests.validation.reference import expected
from tests.validation.report import PAGE, PICTURES, replaced
from tests.validation.theory.experiment import Experiment, measured, seed_of
from tests.validation.theory.experiments import EXPERIMENTS
from tests.validation.theory.road import carry

every_experiment = pytest.mark.parametrize(
    "experiment", EXPERIMENTS, ids=[experiment.name for experiment in EXPERIMENTS]
)
FEW = 1000  # packets, for the reference engine takes an event for each step


@every_experiment
def test_formulas_give_the_reference_values(experiment: Experiment) -> None:
    for quantity in experiment.quantities:
        if quantity.reference is not None:
            scale = 1000 if quantity.name.endswith("ms") else 1
            reference = scale * expected(experiment.topic, *quantity.reference)
            assert quantity.expected == pytest.approx(reference, rel=1e-6), quantity.name


@every_experiment
def test_what_is_measured_is_what_theory_says(experiment: Experiment) -> None:
    for quantity in experiment.quantities:
        assert quantity.expected in measured(experiment)[quantity.name], quantity.name


@every_experiment
def test_a_small_error_would_be_noticed(experiment: Experiment) -> None:
    """An error of the main parameter, up or down, puts theory's value outside the interval."""
    for quantity in experiment.quantities:
        found = measured(experiment)[quantity.name]
        for factor in (1 - quantity.notices, 1 + quantity.notices):
            assert quantity.formula(factor * quantity.value) not in found, quantity.name


@every_experiment
def test_usual_mistakes_would_be_noticed(experiment: Experiment) -> None:
    for quantity in experiment.quantities:
        for mistake, value in quantity.mistakes.items():
            assert value not in measured(experiment)[quantity.name], mistake


@every_experiment
def test_the_reference_engine_passes_the_same_packets_at_the_same_time(
    experiment: Experiment,
) -> None:
    """Both are equal on random small trees (tests/equality); here on what theory is about."""
    seed = seed_of(experiment.name, 0)
    road, traffic = replace(experiment.road, seed=seed), experiment.traffic(seed).first(FEW)
    np.testing.assert_array_equal(carry(road, traffic), carry(road, traffic, engine="reference"))


def test_no_two_experiments_share_their_chance() -> None:
    seeds = [seed_of(experiment.name, k) for experiment in EXPERIMENTS for k in (0, 39)]
    assert len({experiment.name for experiment in EXPERIMENTS}) == len(EXPERIMENTS)
    assert len(set(seeds)) == len(seeds)


def test_the_page_shows_what_is_measured() -> None:
    """If not: `python -m tests.validation.report`, and read what it changed."""
    page = PAGE.read_text(encoding="utf-8")
    assert replaced(page, "measured") == page


def test_every_experiment_is_in_one_picture() -> None:
    families = [prefixes for _, prefixes in FAMILIES.values()]
    for experiment in EXPERIMENTS:
        assert sum(experiment.name.startswith(prefixes) for prefixes in families) == 1
    shown = sum(len(rows(prefixes)) for prefixes in families)
    assert shown == sum(len(experiment.quantities) for experiment in EXPERIMENTS)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_pictures_show_what_is_measured(name: str) -> None:
    """If not: `python -m tests.validation.report`, and look at what it drew."""
    title, prefixes = FAMILIES[name]
    shown = rows(prefixes)
    with Image.open(PICTURES / f"validation-{name}.png") as stored:
        assert stored.text["Description"] == fingerprint(shown)
    (axes,) = picture(title, shown).axes
    (dots, _, _) = axes.containers[0]
    np.testing.assert_allclose(dots.get_xdata(orig=False), [100 * row.measured for row in shown])
    np.testing.assert_array_equal(dots.get_ydata(orig=False), range(len(shown)))
    bars = [line for line in axes.lines if line.get_marker() == "|" and line.get_markersize() > 9]
    assert len(bars) == 2
    for side, bar in enumerate(bars):
        expected = [100 * row.shifted[side] for row in shown]
        np.testing.assert_allclose(bar.get_xdata(orig=False), expected)
    for row in shown:
        inside = abs(1 - row.measured) <= row.half_width
        assert inside, row
        assert all(abs(off - row.measured) > row.half_width for off in row.shifted), row
