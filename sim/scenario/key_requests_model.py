"""Requests for key frames, resolved."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRequests:
    """How rooms and sites ask for key frames.

    Attributes
    ----------
    min_interval_ns : least time between two requests for one source that a relay passes on
    after_loss : whether rooms ask that have missed packets, too
    """

    min_interval_ns: int
    after_loss: bool = False

    def __post_init__(self) -> None:
        if self.min_interval_ns <= 0:
            raise ValueError(f"min_interval_ns must be positive, got {self.min_interval_ns}")
