"""Loss as a user writes it: `0.1 %`, `0.1 % in bursts of 3 packets`, or all four parameters."""

from __future__ import annotations

import re
from decimal import Decimal

from sim.scenario.model import Loss
from sim.units import format_share, parse_exact_share, parse_share

SHARE = r"[0-9]+(?:\.[0-9]+)? ?%"
BURSTS = re.compile(rf"({SHARE}) in bursts of ([0-9]+(?:\.[0-9]+)?) packets?", re.ASCII)
CHAIN = re.compile(rf"p ({SHARE}) r ({SHARE})(?: 1-h ({SHARE}))?(?: 1-k ({SHARE}))?", re.ASCII)
PATTERN = rf"{SHARE}|{BURSTS.pattern}|{CHAIN.pattern}"
LONGEST = 1600  # characters; four exact probabilities fit


def parse_loss(text: str) -> Loss:
    """Return the loss process `text` describes.

    `x % in bursts of n packets` is a Gilbert chain that loses every packet in the bad state
    and none in the good one: r = 1/n, and p so that the long-run mean is x.

    Raises
    ------
    ValueError
        If it describes none; says what to write.

    Source
    ------
    Gilbert (1960); Elliott (1963); parameters as in tc-netem(8), `loss gemodel`.

    Examples
    --------
    >>> parse_loss("0.01 %")
    Loss(p=0.0, r=1.0, bad=0.0, good=0.0001)
    >>> parse_loss("20 % in bursts of 4 packets")
    Loss(p=0.0625, r=0.25, bad=1.0, good=0.0)
    """
    text = text.strip()
    if len(text) > LONGEST:
        raise ValueError(f"loss is longer than {LONGEST} characters")
    if match := BURSTS.fullmatch(text):
        mean, burst = parse_exact_share(match[1]), Decimal(match[2])
        if burst < 1:
            raise ValueError(f"'{text}': a burst is at least 1 packet")
        if mean / burst > 1 - mean:
            raise ValueError(f"'{text}': so much loss needs longer bursts")
        return Loss(p=float(mean / (1 - mean) / burst), r=float(1 / burst), bad=1.0, good=0.0)
    if match := CHAIN.fullmatch(text):
        p, r = parse_share(match[1]), parse_share(match[2])
        if p + r == 0:
            raise ValueError(f"'{text}': p and r are both 0, so the state never changes")
        return Loss(
            p=p,
            r=r,
            bad=parse_share(match[3]) if match[3] else 1.0,
            good=parse_share(match[4]) if match[4] else 0.0,
        )
    if not re.fullmatch(r"[^%]*|[^%]*%\s*", text):
        raise ValueError(
            f"'{text}' is not a loss; write '0.1 %', '0.1 % in bursts of 3 packets' or "
            "'p 1 % r 20 % 1-h 90 % 1-k 0.01 %'"
        )
    return Loss(p=0.0, r=1.0, bad=0.0, good=parse_share(text))


def loss_text(loss: Loss) -> str:
    """Return the text that `parse_loss` reads as exactly this loss.

    Examples
    --------
    >>> loss_text(parse_loss("0.1 %")), loss_text(Loss(p=0.01, r=0.2, bad=1.0, good=0.0))
    ('0.1 %', 'p 1 % r 20 % 1-h 100 % 1-k 0 %')
    """
    if (loss.p, loss.r, loss.bad) == (0, 1, 0):
        return format_share(loss.good, digits=None)
    p, r, bad, good = (
        format_share(share, digits=None) for share in (loss.p, loss.r, loss.bad, loss.good)
    )
    return f"p {p} r {r} 1-h {bad} 1-k {good}"
