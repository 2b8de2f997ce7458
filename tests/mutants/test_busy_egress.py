"""Others keep an egress busy all the time, and hardly a packet of the meeting passes it."""

from __future__ import annotations

import json

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


def test_both_engines_run_it_and_agree(tmp_path):
    """There is room for what waits at the egress, not for all that others send in a span."""
    path = tmp_path / "busy.yaml"
    path.write_text(SCENARIO, encoding="utf-8")
    prints = set()
    for engine in ("reference", "packet"):
        done = sim("run", path, "--out", tmp_path, "--engine", engine, "--json")
        assert done.returncode == 0, done.stderr
        summary = json.loads(done.stdout)
        assert summary["lost"]["queue"] > 0
        prints.add(summary["fingerprint"])
    assert len(prints) == 1
