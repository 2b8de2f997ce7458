"""All experiments, with the errors they notice."""

from __future__ import annotations

from tests.validation.theory.losses import chain
from tests.validation.theory.queues import (
    frames,
    md1,
    md1_with_others,
    md1k,
    mg1,
    mm1,
    periodic,
    priority,
    tandem,
)

EXPERIMENTS = (
    md1(0.5, "down", {0.5: 0.01, 1: 0.01, 3: 0.02}, 0.01),
    md1(0.8, "down", {0.5: 0.005, 1: 0.005, 2: 0.005, 5: 0.01, 10: 0.02}, 0.01),
    md1(0.8, "up", {1: 0.01, 5: 0.01}, 0.01),
    md1(0.8, "egress", {1: 0.005, 5: 0.01}, 0.01),
    md1(0.9, "down", {1: 0.01, 5: 0.01, 10: 0.01}, 0.01),
    md1_with_others(0.005),
    mm1(0.01),
    md1k(0.8, 5, "down", {"lost": 0.01, "mean wait": 0.005}),
    md1k(0.95, 10, "up", {"lost": 0.01, "mean wait": 0.005}),
    md1k(1.1, 10, "egress", {"lost": 0.005, "mean wait": 0.005}),
    md1k(0.9, 20, "down", {"lost": 0.01, "mean wait": 0.005}),
    mg1("mg1mix_1.6_2", 0.01),
    mg1("mg1mix_2.0_3", 0.01),
    periodic("nddd1_20_25", {"mean wait": 0.005, "waits above 1": 0.005, "waits above 3": 0.005}),
    periodic("nddd1_50_60", {"mean wait": 0.005, "waits above 1": 0.003, "waits above 5": 0.005}),
    periodic("nddd1_100_110", {"mean wait": 0.005, "waits above 2": 0.003, "waits above 5": 0.005}),
    frames("mxd1_2_10_0.04", "down", 0.03),
    frames("mxd1_30_8_0.003", "egress", 0.02),
    priority("prio_2_5", "down", 0.01),
    priority("prio_1_2_3", "egress", 0.01),
    priority("prio_1_2_3", "up", 0.01),
    tandem("down", 0.005),
    tandem("up", 0.005),
    chain("bernoulli_2pct", {"lost": 0.02}),
    chain("gilbert_1pct_burst3", {"lost": 0.05, "losses in a row": 0.05, "packets between": 0.07}),
    chain(
        "gilbert_p01_r25",
        {"lost": 0.05, "losses in a row": 0.03, "packets between": 0.03, "no loss in 15": 0.03},
    ),
    chain(
        "ge_p02_r30_h05_k0",
        {"lost": 0.03, "losses in a row": 0.03, "packets between": 0.03, "two or more in 20": 0.03},
    ),
    chain("ge_lte_like", {"lost": 0.07, "losses in a row": 0.05, "packets between": 0.07}),
    chain("fibre_backhoe_like", {"lost": 0.4, "losses in a row": 0.05}),
)
