"""Edits: what the control plane tells the data plane, each at its own nanosecond.

At one instant edits come before departures and deliveries, and those before arrivals; edits of
one instant are applied in the order of the list.
"""

from __future__ import annotations

from dataclasses import dataclass

from sim.scenario.model import Loss


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A change at `at_ns`.

    `target` is a site number; in `FailLine` and `RestoreLine` it is the number of a line, in
    `SetLineRate` and `SetLineLoss` that of a direction, in `SetEgressRate` that of an egress; see
    `Network`.
    """

    at_ns: int
    target: int


class FailLine(Edit):
    """Both directions of the line go down; what waits, is sent, or is on the wire dies."""


class RestoreLine(Edit):
    """The line comes back, empty."""


class FailRelay(Edit):
    """The site's relay dies, with what it processes, and what waits or is being sent at its
    egresses, its down lines and its own up line. What is already on a wire arrives. Its room is
    no longer fed, and what its room sends is lost."""


class RestoreRelay(Edit):
    """The site's relay comes back, empty."""


class FailRoom(Edit):
    """The site's endpoint dies; what reaches it, and what it should send, is lost there."""


class RestoreRoom(Edit):
    """The site's endpoint comes back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLineRate(Edit):
    """A direction of a line sends at `rate_bps` from the next packet on.

    The packet being sent finishes at the old rate, waiting ones are re-timed, none is evicted.
    """

    rate_bps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SetEgressRate(Edit):
    """The egress sends at `rate_bps` from the next copy on, as in `SetLineRate`."""

    rate_bps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLineLoss(Edit):
    """A direction of a line loses by `loss` from the next acceptance on.

    p and r are unchanged, so the state and its sojourn go on; the current gap is discarded and
    the next index is drawn.
    """

    loss: Loss


@dataclass(frozen=True, slots=True, kw_only=True)
class UseLine(Edit):
    """The site leaves the line it has used for another of its lines; both may be the same.

    What is on the old line, and what waits for it at the egress that fed it, is lost. The relay at
    the new line's upper end makes copies for the site from now on, through `egress`.
    """

    line: int
    egress: int


class JoinRoom(Edit):
    """The site's endpoint takes part from now on. At a leaf its relay begins to make copies for it.

    A room that has not joined sends nothing and is due nothing.
    """


class LeaveRoom(Edit):
    """The site's endpoint takes part no longer; at a leaf what is on its line is lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskKeyFrame(Edit):
    """The source of `stream` at the site sends its next frame, due now or later, as a key frame."""

    stream: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SetRelayPasses(Edit):
    """The site's relay passes on only packets of these streams; what else reaches it is lost.

    A relay that is ill in this way is up and answers. `streams` has a flag for each stream.
    """

    streams: tuple[bool, ...]
