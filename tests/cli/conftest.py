"""A scenario that runs in a moment, and the program as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCENARIO = """\
name: hamlet
about: Six rooms [bold]and[/bold] one province
seed: 7
duration: 3 s
sites:
  tiers: [central, province, commune]
  table: |
    id, tier, parent, name, lat, lon, region
    vn, central, , Trung ương, 21.03, 105.85, North
    79, province, vn, Thành phố Hồ Chí Minh, 10.78, 106.69, South
    80, province, vn, Tỉnh Long An, 10.53, 106.41, South
    7901, commune, 79, Phường Bến Nghé, 10.79, 106.70, South
    7902, commune, 79, Phường Đa Kao, 10.79, 106.70, South
    8001, commune, 80, Phường Tân An, 10.54, 106.41, South
  rooms: [province]
relays:
  central: {processing: 2 ms, egress: {rate: 1 Gbit/s, buffer: 20 ms}}
  province: {processing: 2 ms, egress: none}
lines:
  route: {factor: 1.5, per_km: 4.9 us}
  province: {carrier: viettel, rate: 100 Mbit/s, buffer: 50 ms}
  commune: {carrier: vnpt, rate: 4 Mbit/s, buffer: 100 packets, loss: 1 %}
streams:
  video: {rate: 1 Mbit/s, frames: 25/s, key: {every: 1 s, size: × 2}, packet: 1200 B}
events:
  - {at: 1 s, fail: line/8001, for: 1 s}
requirements:
  - {rooms: 80 %, loss: at most 5 %}
  - {lines: 100 %, utilisation: at most 80 %}
"""


@pytest.fixture
def hamlet(tmp_path) -> Path:
    path = tmp_path / "hamlet.yaml"
    path.write_text(SCENARIO, encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    """Whoever runs the tests may have asked for colours, an encoding or a language."""
    colours = ("FORCE_COLOR", "CLICOLOR_FORCE", "TTY_COMPATIBLE")
    for name in (*colours, "PYTHONIOENCODING", "COLUMNS", "SIM_LANG"):
        monkeypatch.delenv(name, raising=False)


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "sim", *map(str, arguments)]


def sim(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the program as a user does, without a terminal."""
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, **environment},
        timeout=300,
        check=False,
    )
