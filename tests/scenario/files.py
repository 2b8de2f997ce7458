"""Scenario texts for tests."""

from __future__ import annotations

from pathlib import Path

from sim.errors import ScenarioError
from sim.scenario.loader import load_text
from sim.scenario.model import Scenario

ROOT = Path(__file__).parents[2]
SHIPPED = sorted(path for path in (ROOT / "scenarios").glob("*.yaml"))
NOWHERE = Path("test.yaml")

SMALL = """\
name: small
seed: 2
duration: 10 s
sites:
  tiers: [central, province, commune]
  table: |
    id, tier, parent, name, lat, lon, region
    central, central, , Centre, 21.0, 105.8,
    79, province, central, Thành phố Hồ Chí Minh, 10.8, 106.7, South
    80, province, central, Tỉnh Long An, 10.5, 106.4, South
    26734, commune, 79, Phường Bến Nghé, 10.78, 106.7,
    26737, commune, 79, Phường Bến Thành, 10.77, 106.69,
    27688, commune, 80, Phường 5, 10.55, 106.41, Delta
relays:
  central: {processing: 2 ms, egress: {rate: 1 Gbit/s, buffer: 20 ms}}
  province: {processing: 2 ms, egress: {rate: 100 Mbit/s, buffer: 20 ms}}
lines:
  route: {factor: 1.5, per_km: 4.9 us}
  province: {carrier: vnpt, rate: 50 Mbit/s, buffer: 50 ms}
  commune:
    classes:
      fibre: {share: 70 %, carrier: vnpt, rate: 20 Mbit/s, buffer: 100 packets}
      radio: {share: 30 %, carrier: viettel, rate: 4 Mbit/s, buffer: 50 packets, loss: 0.5 %}
streams:
  video: {rate: 2 Mbit/s, frames: 30/s}
"""


def small(*edits: tuple[str, str], append: str = "") -> Scenario:
    """Return SMALL with texts replaced, each of which must occur in it."""
    return load_text(edited(*edits, append=append), NOWHERE)


def edited(*edits: tuple[str, str], append: str = "") -> str:
    """Return the text of SMALL with texts replaced."""
    text = SMALL
    for old, new in edits:
        assert old in text, f"the small scenario has no {old!r}"
        text = text.replace(old, new, 1)
    return text + append


def problems_of(text: str, path: Path = NOWHERE) -> list[str]:
    """Return the problems of a text, without the file's name."""
    try:
        load_text(text, path)
    except ScenarioError as error:
        return [str(problem).removeprefix(f"{path}:") for problem in error.problems]
    return []
