"""Background as the resolved scenario writes it, and the profiles it names."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from sim.scenario.model import HOURS, Background, Direction, Egress, Scenario
from sim.scenario.yaml_text import mapping, quoted
from sim.units import format_factor, format_share

FLAT = (1.0,) * HOURS


class LoadTexts:
    """Writes the background of one scenario; its profiles are named by number."""

    def __init__(self, scenario: Scenario) -> None:
        self._classes = scenario.classes
        ports: list[Direction | Egress] = [
            way for line in scenario.lines for way in (line.down, line.up)
        ]
        ports += [egress for relay in scenario.relays for egress in relay.egresses]
        self._profiles: dict[tuple[float, ...], str] = {}
        for port in ports:
            if port.background and port.background.profile != FLAT:
                name = f"profile-{len(self._profiles) + 1}"
                self._profiles.setdefault(port.background.profile, name)

    def profiles(self) -> Iterator[str]:
        """Yield the lines of `profiles:`."""
        yield "profiles:" if self._profiles else "profiles: {}"
        for factors, name in self._profiles.items():
            spans = []
            for factor, hours in groupby(range(HOURS), key=factors.__getitem__):
                first, *rest = hours
                end = rest[-1] + 1 if rest else first + 1
                if factor != 1:
                    spans.append(f'"{first:02}:00-{end:02}:00": {format_factor(factor)}')
            yield f"  {name}: {{{', '.join(spans)}}}"

    def text(self, background: Background | None) -> str:
        """Return one transmitter's background."""
        if background is None:
            return "none"
        if background.kind == "steady":
            fields = {"steady": format_share(background.share, digits=None)}
        else:
            fields = {background.kind: f"{background.rate_bps} bit/s"}
            if background.kind == "bursts":
                fields["on"] = f"{background.burst_ns} ns"
                fields["off"] = f"{background.silence_ns} ns"
            fields["packet"] = f"{background.packet_bytes} B"
        fields["class"] = quoted(self._classes[background.precedence])
        if background.profile != FLAT:
            fields["profile"] = self._profiles[background.profile]
        return mapping(**fields)

    def both(self, down: Background | None, up: Background | None) -> str:
        """Return the background of a line."""
        if down == up:
            return self.text(down)
        return mapping(down=self.text(down), up=self.text(up))
