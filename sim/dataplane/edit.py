"""Edits: what the control plane tells the data plane, each at its own nanosecond.

At one instant edits come before departures and deliveries, and those before arrivals; edits of
one instant are applied in the order of the list.
"""

from __future__ import annotations

from dataclasses import dataclass

from sim.scenario.model import Loss


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A change at `at_ns`; `target` is a site number, but an egress number in `SetEgressRate`."""

    at_ns: int
    target: int


class FailLine(Edit):
    """Both directions of the site's line go down; what waits, is sent, or is on the wire dies."""


class RestoreLine(Edit):
    """The site's line comes back, empty."""


class FailRelay(Edit):
    """The site's relay dies, with what it processes, waits at its egresses and down lines, or
    is being sent there. What is already on the wire arrives. Its room is no longer fed."""


class RestoreRelay(Edit):
    """The site's relay comes back, empty."""


class FailRoom(Edit):
    """The site's endpoint dies; what reaches it is lost there."""


class RestoreRoom(Edit):
    """The site's endpoint comes back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLineRate(Edit):
    """The down direction of the site's line sends at `rate_bps` from the next packet on.

    The packet being sent finishes at the old rate, waiting ones are re-timed, none is evicted.
    """

    rate_bps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SetEgressRate(Edit):
    """The egress sends at `rate_bps` from the next copy on, as in `SetLineRate`."""

    rate_bps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLineLoss(Edit):
    """The down direction of the site's line loses by `loss` from the next acceptance on.

    p and r are unchanged, so the state and its sojourn go on; the current gap is discarded and
    the next index is drawn.
    """

    loss: Loss
