"""What the sites of a random small meeting send: at a few instants only, so that much ties."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

from hypothesis import strategies as st

from sim.network.tree import Network
from sim.scenario.model import Scenario
from tests.equality.meetings import lists_of
from tests.equality.rehearsal import Dispatch

MOST_VOLLEYS = 30
WEIGHTS = {"down": 1, "up": 2}  # what goes up has more to meet
MOST_FIRST_FRAME = 3  # packets
SIZES_BYTES = st.integers(1, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """When and where a stream may be sent: from one of the origins, or from all at once."""

    stream: int
    instants_ns: list[int]
    origins: list[int]


@st.composite
def dispatches(draw: st.DrawFn, scenario: Scenario, network: Network) -> tuple[Dispatch, ...]:
    """Draw packets of all streams; those of the floor from who has it, its first frames first."""
    last_ns = scenario.duration_ns - 1
    latest_ns = draw(st.sampled_from([last_ns, last_ns // 2, last_ns // 4]))
    pool = draw(st.lists(st.integers(0, latest_ns), min_size=1, max_size=10, unique=True))
    chances = _chances(scenario, network, pool)
    drawn = draw(first_frames(scenario, network))
    if chances:
        volley = st.sampled_from(chances).flatmap(volleys)
        drawn += chain.from_iterable(draw(lists_of(volley, fewest=(0, 6, 15), most=MOST_VOLLEYS)))
    return tuple(drawn)


@st.composite
def volleys(draw: st.DrawFn, chance: Chance) -> list[Dispatch]:
    """Draw a packet from one of the origins, or one from each at the same instant."""
    at_ns = draw(st.sampled_from(chance.instants_ns))
    size_bytes = draw(SIZES_BYTES)
    some = st.sampled_from([[origin] for origin in chance.origins])
    who = draw(st.just(chance.origins) | some)
    return [Dispatch(at_ns, chance.stream, size_bytes, origin) for origin in who]


@st.composite
def first_frames(draw: st.DrawFn, scenario: Scenario, network: Network) -> list[Dispatch]:
    """Draw the first frame of each turn: it leaves at once, or a packet each ns."""
    frames = st.lists(SIZES_BYTES, max_size=MOST_FIRST_FRAME)
    found = []
    for number, turn in enumerate(scenario.agenda):
        for stream in _floor(scenario):
            pace_ns = draw(st.sampled_from([0, 0, 1]))
            found += [
                Dispatch(at_ns, stream, size_bytes, network.index[turn.site], number)
                for place, size_bytes in enumerate(draw(frames))
                if (at_ns := turn.at_ns + place * pace_ns) < scenario.duration_ns
            ]
    return found


def _chances(scenario: Scenario, network: Network, pool: list[int]) -> list[Chance]:
    """Return who may send what when: all of the pool, or what lies in a turn and its last ns."""
    chances = [
        Chance(
            stream=index,
            instants_ns=pool,
            origins=[network.index[origin] for origin in stream.origins],
        )
        for index, stream in enumerate(scenario.streams)
        if stream.origins
        for _ in range(WEIGHTS[stream.direction])
    ]
    for turn in scenario.agenda:
        within = [at_ns for at_ns in pool if turn.at_ns <= at_ns < turn.until_ns]
        late = range(max(turn.at_ns, turn.until_ns - 4), turn.until_ns)
        chances += [
            Chance(stream=stream, instants_ns=[*within, *late], origins=[network.index[turn.site]])
            for stream in _floor(scenario)
        ]
    return chances


def _floor(scenario: Scenario) -> list[int]:
    return [i for i, stream in enumerate(scenario.streams) if stream.direction == "floor"]
