"""The E-model against reference values, and what it refuses."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from sim.quality.codecs import CODECS, Codec
from sim.quality.emodel import Rating, meeting_mos, meeting_rating, rate
from sim.quality.impairment import burst_ratio_of_runs, delay_impairment, equipment_impairment
from sim.quality.opinion import band, mos_from_r
from sim.quality.terminals import Terminals
from tests.quality.closeness import same
from tests.validation.reference import cases

MS = 10**6  # ns
CASES = cases("emodel")
FULL = [name for name in CASES if name.startswith("full_")]
DELAYS = [name for name in CASES if name.startswith("idd_")]
LOSSES = [name for name in CASES if name.startswith("ieeff_")]
RATINGS = [name for name in CASES if name.startswith("mos_")]
TERMINALS = {
    "SLR": "slr_db",
    "RLR": "rlr_db",
    "STMR": "stmr_db",
    "Ds": "ds",
    "Dr": "dr",
    "TELR": "telr_db",
    "WEPL": "wepl_db",
    "qdu": "qdu",
    "Nc": "nc_dbm0p",
    "Nfor": "nfor_dbmp",
    "Ps": "ps_dba",
    "Pr": "pr_dba",
    "A": "advantage",
    "sT": "delay_sensitivity",
    "mT": "least_delay_ms",
}


def parameters(case: str) -> dict[str, float]:
    """Return the parameters of a full case by the Recommendation's symbols."""
    given = CASES[case]["params"]
    return {**given["defaults"], **given["overrides"]}


def rated(symbols: dict[str, float]) -> Rating:
    """Return the rating of a full case."""
    return rate(
        echo_ns=symbols["T"] * MS,
        round_trip_ns=symbols["Tr"] * MS,
        one_way_ns=symbols["Ta"] * MS,
        loss=symbols["Ppl"] / 100,
        burst_ratio=symbols["BurstR"],
        codec=Codec(name="the case's", ie=symbols["Ie"], bpl=symbols["Bpl"], source="the case"),
        terminals=Terminals(**{name: symbols[symbol] for symbol, name in TERMINALS.items()}),
    )


def codec_of(params: dict[str, Any]) -> Codec:
    """Return the codec of a loss case."""
    return Codec(name=params["codec"], ie=params["Ie"], bpl=params["Bpl"], source="the case")


@pytest.mark.parametrize("case", FULL)
def test_every_term_of_the_full_model(case: str) -> None:
    rating, reference = rated(parameters(case)), CASES[case]["expected"]
    computed = {
        "Ro": rating.signal_to_noise,
        "Is": rating.simultaneous,
        "Idte": rating.talker_echo,
        "Idle": rating.listener_echo,
        "Idd": rating.delay,
        "Ie_eff": rating.equipment,
        "R": rating.r,
        "MOS": mos_from_r(rating.r),
    }
    for name, value in computed.items():
        assert same(value, reference[name]), name


# By how much each parameter, at its default or the case's value, must change to be noticed.
NOTICED = [
    *((symbol, "full_default", 1e-5) for symbol in ("SLR", "RLR", "Nc", "Nfor", "Ps", "Pr", "A")),
    *((symbol, "full_default", 1e-4) for symbol in ("Ds", "Dr", "qdu", "STMR")),
    *((symbol, "full_T150_Ta150_Tr300", 1e-5) for symbol in ("T", "Ta", "Tr", "TELR", "WEPL")),
    *((symbol, "full_T150_Ta150_Tr300", 1e-4) for symbol in ("sT", "mT")),
    *((symbol, "full_Ie0_Bpl25.1_Ppl2_BurstR2", 1e-5) for symbol in ("Ie", "Bpl", "Ppl")),
    ("BurstR", "full_Ie0_Bpl25.1_Ppl2_BurstR2", 1e-5),
]


@pytest.mark.parametrize(("symbol", "case", "change"), NOTICED)
def test_the_full_model_notices_a_small_error_of_each_parameter(
    symbol: str, case: str, change: float
) -> None:
    """So every parameter is in the formula, and the comparison above could fail."""
    symbols = parameters(case)
    assert same(rated(symbols).r, CASES[case]["expected"]["R"])
    symbols[symbol] += change
    assert not same(rated(symbols).r, CASES[case]["expected"]["R"])


def test_every_parameter_is_noticed() -> None:
    assert {symbol for symbol, _, _ in NOTICED} == set(CASES["full_default"]["params"]["defaults"])
    assert {TERMINALS.get(symbol) for symbol, _, _ in NOTICED} - {None} == {
        field.name for field in fields(Terminals)
    }


def test_the_defaults_are_those_of_the_recommendation() -> None:
    symbols = CASES["full_default"]["params"]["defaults"]
    assert {symbol: getattr(Terminals(), name) for symbol, name in TERMINALS.items()} == {
        symbol: symbols[symbol] for symbol in TERMINALS
    }
    assert round(float(rate().r), 1) == 93.2
    assert round(float(mos_from_r(rate().r)), 2) == 4.41


def test_the_full_model_takes_arrays() -> None:
    names = ["full_default", "full_T50_Ta50_Tr100", "full_T400_Ta400_Tr800"]
    symbols = {key: [parameters(name)[key] * MS for name in names] for key in ("T", "Ta", "Tr")}
    rating = rate(echo_ns=symbols["T"], one_way_ns=symbols["Ta"], round_trip_ns=symbols["Tr"])
    assert rating.r.shape == (3,)
    assert same(rating.r, [CASES[name]["expected"]["R"] for name in names])


def test_delay_alone() -> None:
    delay_ns = np.array([CASES[name]["params"]["Ta_ms"] for name in DELAYS]) * MS
    reference = [CASES[name]["expected"]["Idd"] for name in DELAYS]
    assert same(delay_impairment(delay_ns), reference)
    assert not same(delay_impairment(delay_ns * (1 + 1e-6)), reference)
    rating = meeting_rating(0, 1, delay_ns, codec=CODECS["g711"])
    assert same(rating, [CASES[name]["expected"]["R_simplified"] for name in DELAYS])


@pytest.mark.parametrize("case", LOSSES)
def test_loss_alone(case: str) -> None:
    params, reference = CASES[case]["params"], CASES[case]["expected"]
    codec, loss, ratio = codec_of(params), params["Ppl_percent"] / 100, params["BurstR"]
    assert same(equipment_impairment(loss, ratio, codec=codec), reference["Ie_eff"])
    assert same(meeting_rating(loss, ratio, 0, codec=codec), reference["R_no_delay"])
    assert same(meeting_mos(loss, ratio, 0, codec=codec), reference["MOS"])
    sturdier = replace(codec, ie=codec.ie * 1.00001 + 1e-5)
    assert not same(equipment_impairment(loss, ratio, codec=sturdier), reference["Ie_eff"])
    if loss:
        more = equipment_impairment(loss * (1 + 1e-5), ratio, codec=codec)
        assert not same(more, reference["Ie_eff"])


def test_the_codecs_are_those_of_the_reference() -> None:
    names = {"G711_noPLC": "g711-plain", "G711_PLC": "g711", "G729A": "g729a", "GSM-EFR": "gsm-efr"}
    for case in LOSSES:
        params = CASES[case]["params"]
        codec = CODECS[names[params["codec"]]]
        assert (codec.ie, codec.bpl) == (params["Ie"], params["Bpl"])


def test_only_opus_is_assumed_and_says_so() -> None:
    assert [name for name, codec in CODECS.items() if codec.assumed] == ["opus"]
    assert CODECS["opus"].source.startswith("assumption")


def test_bursts_are_worse_than_random_loss() -> None:
    """Were the ratio left out, or applied to the whole of the loss, this would fail."""
    ratio = np.array([0.5, 1, 2, 4])
    impairment = equipment_impairment(0.05, ratio, codec=CODECS["g711"])
    assert np.all(np.diff(impairment) > 0)
    assert equipment_impairment(0, 8, codec=CODECS["g729a"]) == 11


def test_burst_ratio_of_chains() -> None:
    chains = [case["expected"] for case in cases("gilbert_elliott").values()]
    runs, losses, reference = (
        np.array([chain[name] for chain in chains])
        for name in ("mean_loss_run", "loss_rate", "BurstR_G107")
    )
    assert same(burst_ratio_of_runs(runs, losses), reference)
    assert not same(burst_ratio_of_runs(runs * (1 + 1e-5), losses), reference)
    assert burst_ratio_of_runs([7, np.nan], [0, 1]).tolist() == [1, 1]


def test_opinion_scores() -> None:
    r = np.array([CASES[name]["params"]["R"] for name in RATINGS])
    reference = [CASES[name]["expected"]["MOS"] for name in RATINGS]
    assert same(mos_from_r(r), reference)
    assert not same(mos_from_r(r - 1e-4), reference)
    assert mos_from_r([-50, 3, 150]).tolist() == [1.0, 1.0, 4.5]


def test_bands_begin_at_their_lower_limits() -> None:
    limits = {50: "poor", 60: "low", 70: "medium", 80: "high", 90: "best"}
    assert band(list(limits)).tolist() == list(limits.values())
    below = band(np.nextafter(list(limits), 0)).tolist()
    assert below == ["not recommended", "poor", "low", "medium", "high"]


@pytest.mark.parametrize("loss", [-0.01, 1.01, np.nan])
def test_a_loss_is_a_fraction(loss: float) -> None:
    with pytest.raises(ValueError, match="loss must be fractions"):
        equipment_impairment([0.5, loss], codec=CODECS["g711"])


@pytest.mark.parametrize("ratio", [0, -1, np.nan])
def test_a_burst_ratio_is_positive(ratio: float) -> None:
    with pytest.raises(ValueError, match="burst_ratio must be positive"):
        equipment_impairment(0.5, [1, ratio], codec=CODECS["g711"])


@pytest.mark.parametrize("delay", [-1, np.nan])
def test_a_call_without_a_delay_has_no_rating(delay: float) -> None:
    with pytest.raises(ValueError, match="one_way_ns must be at least 0"):
        meeting_mos(0, 1, [10, delay], codec=CODECS["g711"])


def test_a_rating_is_a_number() -> None:
    for scored in (mos_from_r, band):
        with pytest.raises(ValueError, match="contains NaN"):
            scored([50, np.nan])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stmr_db": 8.9}, "stmr_db must be from 9 to 20, got 8.9"),
        ({"stmr_db": 21}, "stmr_db must be from 9 to 20, got 21"),
        ({"qdu": 0.5}, "qdu must be at least 1, got 0.5"),
        ({"least_delay_ms": 0}, "least_delay_ms must be positive, got 0"),
    ],
)
def test_terminals_are_what_the_formulas_hold_for(change: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Terminals(**change)


@pytest.mark.parametrize(("ie", "bpl"), [(-1, 10), (96, 10), (0, 0)])
def test_a_codec_is_on_the_scale(ie: float, bpl: float) -> None:
    with pytest.raises(ValueError, match=r"(ie|bpl) must be"):
        Codec(name="none", ie=ie, bpl=bpl, source="none")
