"""The charts there are, by the names that a user calls them. Light: commands list them."""

from __future__ import annotations

from enum import StrEnum


class Chart(StrEnum):
    """One chart of a run; its files are `<name>.png` and `<name>.svg`."""

    capacity = "capacity"
    loss = "loss"
    delay = "delay"
    timeline = "timeline"
    map = "map"
    joins = "joins"
    faults = "faults"
    dark = "dark"
    recovery = "recovery"
