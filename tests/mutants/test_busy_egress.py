"""Others keep an egress busy all the time, and hardly a packet of the meeting passes it."""

from __future__ import annotations

import pytest

from tests.cli.conftest import sim

SCENARIO = """\
name: busy-egress
seed: 1
duration: 2 s
sites:
  tiers: [central, province, commune]
  generate: {province: 1, commune: 2}
relays:
  central: {processing: 1 ms, egress: none}
  province:
    processing: 1 ms
    egress: {rate: 20 Mbit/s, buffer: 30 kB, background: {poisson: 69 Mbit/s, packet: 900 B}}
lines:
  province: {rate: 10 Mbit/s, buffer: 20 ms, delay: 0 s}
  commune: {rate: 10 Mbit/s, buffer: 20 ms, delay: 0 s}
streams:
  video: {frame: 9 kB, every: 500 ms}
"""


def ran(tmp_path, engine: str) -> int:
    """Return the exit code of a run."""
    path = tmp_path / "busy.yaml"
    path.write_text(SCENARIO, encoding="utf-8")
    return sim("run", path, "--out", tmp_path, "--engine", engine, "--quiet").returncode


def test_the_reference_engine_runs_it(tmp_path):
    assert ran(tmp_path, "reference") == 0


@pytest.mark.xfail(
    strict=False,
    reason="copies of others that have left stay in the rows of an egress that is never idle, "
    "until they are written beyond the end of its arrays (kernels/egress.py, drop_others)",
)
def test_the_packet_engine_runs_it(tmp_path):
    """When this passes, `_busy_egress` in worker.py has done its time."""
    assert ran(tmp_path, "packet") == 0
