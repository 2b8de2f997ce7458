"""The rare meetings a run of the reference engine may have: whether a test saw what it claims."""

from __future__ import annotations

from enum import StrEnum


class Encounter(StrEnum):
    """Something that two engines could easily disagree about."""

    KILLED_IN_PROCESSING = "a fault kills a packet in a relay's processing"
    KILLED_WAITING = "a fault kills a packet that waits"
    KILLED_IN_TRANSMISSION = "a fault kills a packet being sent"
    KILLED_ON_WIRE = "a fault kills a packet on the wire"
    KILLED_THOUGH_DOOMED = "a fault kills a packet picked for line loss"
    FAULT_AT_LAST_BIT = "a fault comes at the instant of a last bit"
    FAULT_AT_READY = "a relay's fault comes at the instant at which a packet is processed"
    FAULT_AT_DELIVERY = "a line's fault comes at the instant of a delivery"
    FAULT_AT_ARRIVAL = "a packet arrives at the instant at which a line or relay failed"
    SURVIVED_ON_WIRE = "a relay fails while a packet is on the wire of its down line"
    BOTH_DEAD = "a packet reaches a dead room beside a dead relay"
    RETIMED_QUEUE = "a change of rate finds packets waiting"
    RETIMED_AT_LAST_BIT = "a change of rate comes at the instant of a last bit, others waiting"
    PARTIAL_REFUSAL = "an egress accepts some copies of a packet and refuses others"
    POLICER_LOSS = "a policer refuses a packet"
    LAST_TOKEN = "a packet takes the last token of a policer"
    TOKENS_IN_VAIN = "a packet takes its tokens and finds the queue full"
    QUEUE_LOSS_ON_LINE = "a full line refuses a packet"
    EXACT_FIT = "a packet fills a memory to the last bit"
    ARRIVAL_AT_LAST_BIT = "a packet reaches a transmitter as another's last bit leaves"
    LINE_LOSS = "a packet is lost at its last bit"
    LOSS_STATE_SWITCH = "a line's loss process changes state"
    TIE_AT_MERGE = "packets of two streams reach the root at one instant"
    CUT_BURST = "a span ends between two packets or copies of one instant"
