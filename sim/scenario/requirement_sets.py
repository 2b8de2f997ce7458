"""Ready-made sets of requirements, each from a published source, in the words of a scenario file.

Only what a source states and a run can measure is here. Where a source says "less than", the
limit itself is kept too: `at most` is what the language has.
"""

from __future__ import annotations

Limits = dict[str, str]

# Microsoft, "Prepare your organization's network for Microsoft Teams" (MicrosoftDocs,
# Teams/prepare-network.md, 26 February 2018), table of requirements, column "Client to Microsoft
# Edge": packet loss < 1 % during any 15 s interval, burst packet loss < 10 % during any 200 ms
# interval, packet inter-arrival jitter < 30 ms during any 15 s interval. Left out: its latency (one
# way < 50 ms), which is that of the way to Microsoft's nearest edge, and reordering (< 0.05 %),
# which a stream that keeps to one way does not meet.
TEAMS: tuple[Limits, ...] = (
    {"loss": "at most 1 %", "in_any": "15 s"},
    {"loss": "at most 10 %", "in_any": "200 ms"},
    # The largest jitter of all is at least that of any 15 s.
    {"jitter": "at most 30 ms"},
)

# ITU-T G.114 (05/2003), "One-way transmission time": below 150 ms most applications are not
# affected. It speaks of one delay, mouth to ear; a run has many, and of the network alone. That the
# 99th percentile stands for them is an assumption; coding and play-out come on top.
G114: tuple[Limits, ...] = ({"delay_p99": "at most 150 ms"},)

SETS: dict[str, tuple[Limits, ...]] = {"teams": TEAMS, "g114": G114}
