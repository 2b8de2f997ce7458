"""The resolved text is the same scenario, needs no other file, and resolves to itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sim.scenario.loader import load, load_text
from sim.scenario.resolved import resolved_text
from tests.scenario.files import NOWHERE, SHIPPED, small

EVERYTHING = """\
mtu: 1400 B
window: 500 ms
begins: 07:30
classes: [audio, video, rest]
profiles:
  office: {08:00-12:00: × 1.2, "13:00-17:00": × 1.1, 23:00-24:00: × 0.01}
  unused: {}
agenda:
  - {at: 2 s, floor: "26734", for: 500 ms}
  - {at: 0 s, floor: "27688"}
  - {at: 5 s, floor: "26737"}
bin: 2 s
key_requests: {min_interval: 123 ms}
dark_after: 3 s
about: "two\\nlines \\u202e and a \\"quote\\""
groups:
  duct: [line/79, relay/80, site/27688]
events:
  - {at: 1 s, fail: relay/79, for: 1 s}
  - {at: 2 s, fail: group/duct}
  - {at: 2 s, degrade: carrier/vnpt in region/South, rate: × 0.3, loss: 0.7 %, for: 1 s}
  - {at: 3 s, degrade: site/79, loss: 1 %, for: 1 s, label: a digger in Bến Nghé}
  - {at: 3 s, degrade: group/duct, rate: × 0.1, for: 2 s}
  - {at: 4 s, restore: group/duct}
  - {at: 5 s, fail: carrier/other}
requirements:
  - {rooms: 99.5 %, loss: at most 0.1 %}
  - {rooms: 95 %, delay_p50: at most 150 ms}
  - {rooms: 95 %, delay_max: at most 1 s}
  - {rooms: 100 %, dark: at most 10 s}
  - {rooms: 90 %, jitter: at most 30 ms}
  - {rooms: 90 %, mos: at least 3.25}
  - {rooms: 100 %, freezes: at most 3}
  - {lines: 100 %, utilisation: at most 80 %}
  - {egresses: 33.3 %, utilisation: at most 80 %}
  - {rooms: all, of: tier/commune in site/79, loss: at most 1 %, in_any: 333 ms}
  - {rooms: all, of: region/South, dark_in_total: at most 1 h}
  - {lines: all, of: carrier/vnpt in region/South, utilisation: at most 80 %}
  - {lines: all, of: class/fibre, utilisation: at most 80 %}
  - {egresses: all, of: group/duct, utilisation: at most 80 %}
  - {use: teams, of: site/26734, rooms: 50 %}
  - use: g114
joining:
  start: 4 s
  arrive: {from: 5 s}
  late: {share: 30 %, within: 7 s}
  leave: {share: 50 %, after: 333 ms, within: 9 s}
  except:
    tier/commune in site/80: {arrive: {shares: {4 s: 33.3 %, 1.5 s: 66.7 %}, until: 200 ms}}
    tier/province: {arrive: none, late: none, leave: {share: 100 %}}
  table: |
    site, calls, leaves
    26737, , 3.3 s
    26734, 1.7 s, 1 h
signalling:
  servers:
    central: {rate: 7 in 3 s, workers: 3, queue: 0, full: drop, service: exponential,
              joins: 30.5/min}
    province: {rate: 50/s}
  sequence: sip
  except: {site/79: ours, tier/province: none, site/27688: webrtc}
  sequences:
    sip: [{step: register}]
    ours:
      - {step: invite, to: province, trips: 1.5, resend: invite, prepare: 7 ms}
      - {step: media, to: parent, trips: 3, resend: none, processing: 1 us}
      - {step: look, to: central, queue: false, resend: dtls}
  timers: {t1: 200 ms, t2: 900 ms}
  retry: {first: 700 ms, most: 3 s, jitter: 33.3 %, tries: 7}
check:
  duration: 7 s
  timetable: squeezed
  tolerances: {loss: none, delay: 1.5 ms or × 1.025, jitter: × 2, freezes: 7, rooms: 0 or × 1.1,
               quality: 0.125,
               complying: 0.123456789012345678901234567890123 %}
"""
EDITS = [
    (
        "streams:\n",
        """\
  inventory:
    table: |
      site, role, parent, class, carrier, down, up, buffer, up_buffer, loss, delay, mtu,policer_rate
      26734, backup, central, , other, 3 Mbit/s, 1 Mbit/s, 30 ms, , 2 % in bursts of 7 packets, , ,
      26734, primary, , radio, , , , , , p 1 % r 3 % 1-h 90 % 1-k 0.3 %, 3 ms, 1300 B, 3.5 Mbit/s
      27688, , , , , 7 Mbit/s, 3 Mbit/s, 20 ms, 9 kB, , , ,
  except:
    tier/commune in site/80: {mtu: 1500 B}
    class/radio: {up: 1 Mbit/s}
    "26734": {background: {up: {bursts: 8 Mbit/s, on: 300 ms, off: 2 s, packet: 1 kB}}}
    "80": {scheduling: fifo, background: {down: {poisson: 2 Mbit/s, packet: 500 B,
           class: video, profile: office}, up: none}}
streams:
  voice: {rate: 40 kbit/s, every: 20 ms, overhead: 68 B, class: audio, playout: 60 ms, codec: opus}
  talk: {from: rooms, to: parent, rate: 40 kbit/s, every: 20 ms, class: audio, spread: 7 ms}
  face: {from: rooms, to: central, rate: 400 kbit/s, frames: 30/s, key: {every: 2 s, size: × 2},
         class: video}
  camera: {from: "26737", to: province, rate: 1 Mbit/s, frames: 25/s, meeting: other}
  film2: {from: commune, to: parent, rate: 1 Mbit/s, spread: 0 s}
  below: {from: "79", rate: 1 Mbit/s, spread: 3 ms}
  each: {from: province, rate: 1 Mbit/s, frames: 25/s, class: rest}
  speech: {from: speaker, rate: 40 kbit/s, every: 20 ms, class: audio}
  film: {rate: 2 Mbit/s, frames: 29.97/s, key: {every: 2 s, size: × 2.31}, pacing: × 2.5}
  slides: {frame: 150 kB, every: 4 s, key: {every: 3 frames, size: 200 kB}, sizes: laplace 0.3,
           packet: 1100 B, pacing: 10 Mbit/s, start: 1 s}
  steady: {rate: 999983 bit/s, packet: 1001 B, overhead: 0 B}
""",
    ),
    (
        "egress: {rate: 100 Mbit/s, buffer: 20 ms}}",
        """\
egress: {rate: 100 Mbit/s, buffer: 20 ms, overhead: 2 us, scheduling: priority,
             background: {bursts: 9 Mbit/s, on: 1 s, off: 2 s, packet: 1 kB, class: audio},
             carriers: {vnpt: {rate: 2 Gbit/s, background: none},
                        viettel: {rate: 1 Gbit/s, scheduling: fifo}}}}
  except: {'80': {egress: none}, tier/province in region/South: {processing: 7 us}}""",
    ),
    ("table: |", "rooms: [province]\n  table: |"),
    (
        "    classes:",
        """\
    policer: {rate: 5 Mbit/s, burst: 64 kB}
    scheduling: priority
    background: {steady: 33.3 %, profile: office}
    classes:""",
    ),
    ("buffer: 100 packets}", "buffer: 100 packets, policer: none}"),
]


def assert_same(scenario):
    # What a shorter meeting left out is in no resolved text.
    scenario = replace(scenario, late_faults=0)
    text = resolved_text(scenario)
    again = load_text(text, Path("elsewhere/nothing.yaml"))
    for field in scenario.__dataclass_fields__:
        assert getattr(again, field) == getattr(scenario, field), field
    assert resolved_text(again) == text


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_scenarios_resolve_to_themselves(path):
    assert_same(load(path))


def test_everything_the_grammar_has_resolves_to_itself():
    scenario = small(*EDITS, append=EVERYTHING)
    assert [line.role for line in scenario.lines if line.site == "26734"] == ["primary", "backup"]
    assert {fault.label for fault in scenario.faults} >= {"a digger in Bến Nghé"}
    assert any(line.up.buffer_bytes != line.down.buffer_bytes for line in scenario.lines)
    assert len({line.down.policer for line in scenario.lines}) == 3
    assert len({line.down.background for line in scenario.lines}) == 3
    assert len({line.up.background for line in scenario.lines}) == 3
    assert {line.up.background == line.down.background for line in scenario.lines} == {True, False}
    assert {stream.direction for stream in scenario.streams} == {"down", "up", "floor"}
    assert {room.site for room in scenario.joining.rooms} >= {"79", "80", "26734", "26737"}
    assert [each.name for each in scenario.signalling.sequences] == [
        "none",
        "ours",
        "sip",
        "webrtc",
    ]
    assert_same(scenario)


@pytest.mark.parametrize(
    "exceptions",
    [
        "{'79': {egress: {carriers: {viettel: {rate: 1 Gbit/s}}}}}",
        "{'79': {egress: none}}",
        "{'79': {egress: {rate: 2 Gbit/s}}, '80': {processing: 1 ms}}",
        "{'79': {egress: {carriers: {viettel: {rate: 1 Gbit/s}, vnpt: {rate: 3 Gbit/s}}}}}",
        "{'79': {mode: compose, transcoding: 150 ms, ports: 40}}",
        "{tier/province: {select: 3, ports: 9}, '80': {mode: compose}, '79': {ports: none}}",
        "{tier/province: {mode: compose, transcoding: 1 ms}, '80': {mode: forward, select: 1}}",
    ],
)
def test_unlike_relays_resolve_to_themselves(exceptions):
    assert_same(small(("lines:", f"  except: {exceptions}\nlines:")))


def test_a_composite_resolves_to_itself():
    mixed = "\n  mix: {from: province, to: central, composite: true, rate: 1 Mbit/s, spread: 0 s}\n"
    scenario = small(
        ("province: {processing", "province: {mode: compose, transcoding: 150 ms, processing"),
        append=mixed,
    )
    assert [relay.mode for relay in scenario.relays] == ["compose", "compose", "forward"]
    assert [stream.composite for stream in scenario.streams] == [True, False]
    assert_same(scenario)


def test_a_change_of_mode_leaves_the_other_modes_fields_behind():
    scenario = small(
        ("province: {processing", "province: {mode: compose, transcoding: 9 ms, processing"),
        ("lines:", "  except: {'79': {mode: forward, select: 2}, '80': {ports: 7}}\nlines:"),
    )
    upper, other, _ = scenario.relays
    assert (upper.mode, upper.transcoding_ns, upper.select, upper.ports) == ("forward", 0, 2, 0)
    assert (other.mode, other.transcoding_ns, other.ports) == ("compose", 9_000_000, 7)


def test_a_resolved_text_draws_nothing():
    text = resolved_text(small())
    again = load_text(text.replace("seed: 2", "seed: 3"), NOWHERE)
    assert again.lines == small().lines
    assert small(("seed: 2", "seed: 3")).lines != again.lines, "another seed draws other classes"
