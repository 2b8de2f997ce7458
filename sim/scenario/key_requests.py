"""`key_requests` of a scenario file."""

from __future__ import annotations

from collections.abc import Sequence

from sim.scenario.document import Document
from sim.scenario.key_requests_model import KeyRequests
from sim.scenario.model import Stream


def read_key_requests(document: Document, streams: Sequence[Stream]) -> KeyRequests | None:
    """Return how key frames are asked for; None: not at all."""
    fields = document.file.key_requests
    if fields is None:
        return None
    answering = [stream for stream in streams if stream.key_every and stream.direction != "up"]
    all_read = len(streams) == len(document.file.streams)
    if not answering and all_read and not document.any_left_out("streams"):
        document.problems.add(
            document.key_place("key_requests"),
            "no stream to rooms has key frames that could be asked for; give one a 'key'",
        )
    return KeyRequests(min_interval_ns=fields.min_interval, after_loss=fields.after_loss)
