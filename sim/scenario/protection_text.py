"""Protection as text: the sections of a resolved scenario; none where there is none."""

from __future__ import annotations

from collections.abc import Iterator

from sim.scenario.model import Scenario
from sim.scenario.protection import NEVER_NS, Detection, Failover, Vrrp
from sim.scenario.yaml_text import listed, mapping, quoted


def protection_text(scenario: Scenario) -> Iterator[str]:
    """Yield the lines of `detection` and `failover`."""
    if scenario.detection:
        yield "detection:"
    for detection in scenario.detection:
        yield f"  {quoted(detection.tier)}: {_detection(detection)}"
    if scenario.failover:
        yield "failover:"
    for failover in scenario.failover:
        yield f"  {quoted(failover.tier)}: {_failover(failover)}"


def standby_text(standby: Vrrp | None) -> str:
    """Return the `standby` of a relay."""
    if standby is None:
        return "none"
    interval, priority = f"{standby.interval_ns} ns", str(standby.priority)
    return mapping(vrrp=mapping(interval=interval, priority=priority))


def _detection(detection: Detection) -> str:
    fields = {}
    for name, hello in (("bfd", detection.bfd), ("rtcp", detection.rtcp)):
        if hello:
            interval, multiplier = f"{hello.interval_ns} ns", str(hello.multiplier)
            fields[name] = mapping(interval=interval, multiplier=multiplier)
    if detection.silence:
        own = {"after": f"{detection.silence.after_ns} ns"}
        if detection.silence.streams:
            own["streams"] = listed(detection.silence.streams)
        fields["silence"] = mapping(**own)
    if detection.consent:
        consent = detection.consent
        fields["consent"] = mapping(
            interval=f"{consent.interval_ns} ns", expiry=f"{consent.expiry_ns} ns"
        )
    return mapping(**fields, late=f"{detection.late_ns} ns")


def _failover(failover: Failover) -> str:
    revert = {NEVER_NS: "never", 0: "at once"}.get(
        failover.revert_ns, f"after {failover.revert_ns} ns"
    )
    return mapping(
        hold_down=f"{failover.hold_down_ns} ns",
        revert=revert,
        retry=f"{failover.retry_ns} ns",
    )
