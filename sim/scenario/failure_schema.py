"""The schema of random failures: how long parts live, and how long a repair takes."""

from __future__ import annotations

from pydantic import ConfigDict, Field, model_validator

from sim.scenario.fields import MeanTime, OneLine, PlainFactor, Spread
from sim.scenario.mapping import Fields, given, one_of


class RepairFields(Fields):
    """How long a repair takes: log-normal."""

    model_config = ConfigDict(json_schema_extra=one_of("median", "mean"))

    median: MeanTime | None = Field(None, description="Half of the repairs take no longer.")
    mean: MeanTime | None = Field(None, description="Mean time to repair.")
    sigma: Spread = Field(
        1.0,
        description="Deviation of the natural logarithm of the time, 0 to 3; 0: all repairs take "
        "the same; default 1 (an assumption).",
        json_schema_extra={"default": "1"},
    )

    @model_validator(mode="after")
    def _one_middle(self) -> RepairFields:
        if len(given(self, "median", "mean")) != 1:
            raise ValueError("needs exactly one of 'median' and 'mean'")
        return self


class FailureFields(Fields):
    """How parts fail and come back, each by itself."""

    mttf: MeanTime = Field(description="Mean time from a repair to the next failure.")
    shape: PlainFactor = Field(
        1.0,
        description="Shape of the Weibull distribution of that time, 0.2 to 10: below 1 the young "
        "fail more often, above 1 the old; default 1, which is exponential.",
        json_schema_extra={"default": "1"},
    )
    repair: RepairFields = Field(description="How long a repair takes.")

    @model_validator(mode="after")
    def _sane_shape(self) -> FailureFields:
        if not 0.2 <= self.shape <= 10:
            raise ValueError(f"'shape' must be from 0.2 to 10, not {self.shape:g}")
        return self


class FailuresFields(Fields):
    """Parts that fail at random; drawn by the seed, in the steady state from the start on."""

    lines: dict[OneLine, FailureFields] = Field(
        default_factory=dict,
        description="By site id, tier/NAME, carrier/NAME or class/NAME, each optionally ' in "
        "SCOPE'; of backups, too; later entries win.",
    )
    relays: dict[OneLine, FailureFields] = Field(
        default_factory=dict,
        description="By site id or tier/NAME, each optionally ' in SCOPE'; later entries win.",
    )
    rooms: dict[OneLine, FailureFields] = Field(
        default_factory=dict,
        description="By site id or tier/NAME, each optionally ' in SCOPE'; later entries win.",
    )
