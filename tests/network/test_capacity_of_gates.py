"""The arithmetic of loads where relays compose: a stream ends where it is composed."""

from __future__ import annotations

import pytest

from sim.network.capacity import offered
from sim.network.tree import build_network
from tests.equality.trees import scenario, stream


@pytest.mark.parametrize(("composing", "above"), [({}, 2), ({"1": 0}, 1)])
def test_a_composer_sends_its_own_instead(composing: dict[str, int], above: int) -> None:
    """Two rooms below relay 1; of each stream's source a byte every 10 ns, 0.8 Gbit/s."""
    streams = [stream("v", direction="up", origins=["2", "3"], to="central")]
    if composing:
        streams.append(stream("c", direction="up", origins=["1"], to="central", composite=True))
    tree = scenario(
        {"0": "", "1": "0", "2": "1", "3": "1"}, transcoding_ns=composing, streams=streams
    )
    network = build_network(tree)
    up = offered(tree, network).line_bps[4:]
    assert up.tolist() == pytest.approx([0, above * 8e8, 8e8, 8e8])
