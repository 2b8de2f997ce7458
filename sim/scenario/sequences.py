"""Ready-made sequences: how SIP and WebRTC rooms ask to be let in, step by step.

A sequence of the same name in a scenario takes the place of one of these.
"""

from __future__ import annotations

from sim.scenario.model import PARENT
from sim.scenario.signalling_model import NO_SEQUENCE, SERVER, Resend, Sequence, Step


def _step(
    name: str,
    *,
    to: str,
    half_trips: int,
    resend: Resend,
    queue: bool = True,
    prepare_ns: int = 0,
) -> Step:
    return Step(
        name=name,
        to=to,
        half_trips=half_trips,
        queue=queue,
        resend=resend,
        prepare_ns=prepare_ns,
        processing_ns=0,
    )


SIP = Sequence(
    name="sip",
    steps=(
        # REGISTER, 401, REGISTER with credentials, 200: RFC 3261, sections 10.2 and 22.2.
        _step("register", to=SERVER, half_trips=4, resend="request"),
        # INVITE, 200, ACK: RFC 3261, section 13.
        _step("invite", to=SERVER, half_trips=3, resend="invite"),
        # One round trip of media that opens the way back (assumption; symmetric RTP, RFC 4961).
        _step("media", to=PARENT, half_trips=2, resend="request", queue=False),
    ),
)
WEBRTC = Sequence(
    name="webrtc",
    steps=(
        # TCP (RFC 9293, section 3.5) and TLS 1.3 (RFC 8446, section 2), one round trip each. No
        # worker of the server takes part (assumption: its kernel and its front end do).
        _step("connect", to=SERVER, half_trips=4, resend="none", queue=False),
        # The opening of a WebSocket (RFC 6455, section 1.3), then offer and answer (RFC 8829).
        _step("join", to=SERVER, half_trips=4, resend="none"),
        # Checks of 4 pairs of candidates (assumption), one each Ta = 50 ms (RFC 8445, section
        # 14.2). STUN sends again at the instants of an INVITE (RFC 8489, section 6.2.1); it waits
        # for 39.5 s in all, here for 64 T1 as every request.
        _step(
            "ice", to=PARENT, half_trips=2, resend="invite", queue=False, prepare_ns=4 * 50_000_000
        ),
        # DTLS 1.2 with a cookie, or 1.3 with a retry, after which media flows: RFC 9147.
        _step("dtls", to=PARENT, half_trips=4, resend="dtls", queue=False),
    ),
)
NONE = Sequence(name=NO_SEQUENCE, steps=())
READY_MADE = {sequence.name: sequence for sequence in (SIP, WEBRTC, NONE)}
DEFAULT = SIP.name
