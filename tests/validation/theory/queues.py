"""Experiments with queues: one transmitter, many kinds of arrivals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tests.equality.trees import poisson as others
from tests.validation.reference import cases
from tests.validation.theory import formulas
from tests.validation.theory.experiment import (
    PACKETS,
    Experiment,
    Observe,
    Quantity,
    settled,
    waits_ns,
)
from tests.validation.theory.road import NS_PER_BYTE, Road, Traffic
from tests.validation.theory.traffic import (
    bursts,
    classes,
    clocks,
    exponential_sizes,
    mixed,
    one_size,
    poisson,
)

SERVICE_NS = 10**6  # of the packets of 1000 bytes that most experiments send
UNIT_NS = 10**7  # of the cases whose times are not in services
WHERE = {"down": "a line down", "up": "a line up", "egress": "an egress"}


def mean_wait(road: Road, unit_ns: float) -> Observe:
    """Observe the mean wait."""

    def observe(traffic: Traffic, passed_ns: NDArray[np.int64]) -> Mapping[str, float]:
        waited = settled(waits_ns(road, traffic, passed_ns)) / unit_ns
        return {"mean wait": float(waited.mean())}

    return observe


def md1(load: float, place: str, above: Mapping[float, float], notices: float) -> Experiment:
    """M/D/1; `above` has the errors noticed by the share of waits above so many services."""
    road = Road(place=place)
    case = f"md1_{load}_1"

    def observe(traffic: Traffic, passed_ns: NDArray[np.int64]) -> Mapping[str, float]:
        waited = settled(waits_ns(road, traffic, passed_ns)) / SERVICE_NS
        shares = {f"waits above {x:g}": float((waited > x).mean()) for x in above}
        return {"mean wait": float(waited.mean()), **shares}

    return Experiment(
        name=f"M/D/1, load {load}, {WHERE[place]}",
        topic="queueing",
        road=road,
        traffic=lambda seed: poisson(seed, gap_ns=SERVICE_NS / load, packets=PACKETS),
        observe=observe,
        quantities=(
            Quantity(
                name="mean wait",
                formula=formulas.md1_wait,
                main="load",
                value=load,
                notices=notices,
                reference=(case, "Wq"),
                mistakes={
                    "time in place of wait": formulas.md1_wait(load) + 1,
                    "exponential services": formulas.mm1_wait(load),
                },
            ),
            *(
                Quantity(
                    name=f"waits above {x:g}",
                    formula=lambda load, x=x: formulas.md1_wait_above(load, x),
                    main="load",
                    value=load,
                    notices=error,
                    reference=(case, f"P_Wq_gt_{x:g}"),
                )
                for x, error in above.items()
            ),
        ),
        source="Pollaczek–Khinchine; wait by Erlang 1909, Crommelin 1932",
    )


def md1_with_others(notices: float) -> Experiment:
    """A tenth of the rate for our packets, seven for those of others: M/D/1 for both."""
    rate_bps, size_bytes, load, ours = 10**7, 1240, 0.8, 0.1
    service_ns = size_bytes * 8 * 10**9 // rate_bps
    background = others(rate_bps=round((load - ours) * rate_bps), packet_bytes=size_bytes)
    road = Road(rate_bps=rate_bps, packet_bytes=size_bytes, background=background)

    def observe(traffic: Traffic, passed_ns: NDArray[np.int64]) -> Mapping[str, float]:
        wait_ns = passed_ns[-1] - traffic.sent_ns - service_ns
        return {"mean wait, ms": float(settled(wait_ns).mean()) / 10**6}

    def send(seed: int) -> Traffic:
        sent = poisson(seed, gap_ns=service_ns / ours, packets=PACKETS // 5)
        return one_size(sent.sent_ns, size_bytes)

    return Experiment(
        name="M/D/1, load 0.8, of which 0.7 are Poisson background",
        topic="queueing",
        road=road,
        traffic=send,
        observe=observe,
        quantities=(
            Quantity(
                name="mean wait, ms",
                formula=lambda load: formulas.md1_wait(load) * service_ns / 10**6,
                main="load",
                value=load,
                notices=notices,
                reference=("link_10000000_1240_0.8", "Wq_s"),
            ),
        ),
        source="Pollaczek–Khinchine; arrivals of both are Poisson",
    )


def mm1(notices: float) -> Experiment:
    """Exponential sizes; the mean is large, so that rounding to a byte does not matter."""
    load, mean_bytes = 0.8, 10_000
    road = Road(packet_bytes=10**6)
    unit_ns = mean_bytes * NS_PER_BYTE
    return Experiment(
        name="M/M/1, load 0.8",
        topic="queueing",
        road=road,
        traffic=lambda seed: exponential_sizes(
            seed, gap_ns=unit_ns / load, packets=PACKETS, mean_bytes=mean_bytes
        ),
        observe=mean_wait(road, unit_ns),
        quantities=(
            Quantity(
                name="mean wait",
                formula=formulas.mm1_wait,
                main="load",
                value=load,
                notices=notices,
                mistakes={"equal services": formulas.md1_wait(load)},
            ),
        ),
        source="Kleinrock, Queueing Systems I",
    )


def md1k(load: float, k: int, place: str, notices: Mapping[str, float]) -> Experiment:
    """M/D/1/K: a memory of K packets, the one being sent included."""
    road = Road(place=place, buffer_packets=k)
    case = f"md1k_{load}_1_{k}"

    def observe(traffic: Traffic, passed_ns: NDArray[np.int64]) -> Mapping[str, float]:
        waited = settled(waits_ns(road, traffic, passed_ns)) / SERVICE_NS
        return {"lost": float(np.isnan(waited).mean()), "mean wait": float(np.nanmean(waited))}

    return Experiment(
        name=f"M/D/1/K, load {load}, K = {k}, {WHERE[place]}",
        topic="queueing",
        road=road,
        traffic=lambda seed: poisson(seed, gap_ns=SERVICE_NS / load, packets=PACKETS),
        observe=observe,
        quantities=tuple(
            Quantity(
                name=name,
                formula=lambda load, i=i: formulas.md1k(load, k)[i],
                main="load",
                value=load,
                notices=notices[name],
                reference=(case, reference),
                mistakes={
                    "K without the packet being sent": formulas.md1k(load, k + 1)[0],
                    "K less one": formulas.md1k(load, k - 1)[0],
                }
                if name == "lost"
                else {},
            )
            for i, (name, reference) in enumerate({"lost": "P_loss", "mean wait": "Wq"}.items())
        ),
        source="chain at departures, Kleinrock, Queueing Systems I",
    )


def mg1(case: str, notices: float) -> Experiment:
    """A mix of packet sizes."""
    params = cases("queueing")[case]["params"]
    services = [part["service_time"] for part in params["mix"]]
    shares = [part["prob"] for part in params["mix"]]
    sizes = [round(service * UNIT_NS / NS_PER_BYTE) for service in services]
    road = Road(packet_bytes=max(sizes))
    mix = ", ".join(f"{share:.0%} of {size} B" for share, size in zip(shares, sizes, strict=True))
    return Experiment(
        name=f"M/G/1, {mix.replace('%', ' %')}",
        topic="queueing",
        road=road,
        traffic=lambda seed: mixed(
            seed,
            gap_ns=UNIT_NS / params["arrival_rate"],
            packets=PACKETS,
            sizes=sizes,
            shares=shares,
        ),
        observe=mean_wait(road, UNIT_NS),
        quantities=(
            Quantity(
                name="mean wait",
                formula=lambda rate: formulas.pollaczek_khinchine(rate, services, shares),
                main="rate of arrivals",
                value=params["arrival_rate"],
                notices=notices,
                reference=(case, "Wq"),
                mistakes={
                    "all of the mean size": formulas.pollaczek_khinchine(
                        params["arrival_rate"], [float(np.dot(services, shares))], [1]
                    )
                },
            ),
        ),
        source="Pollaczek–Khinchine",
    )


def periodic(case: str, notices: Mapping[str, float]) -> Experiment:
    """N*D/D/1, seen by the packets of one more source.

    In a period all N + 1 services fit, so what a packet finds is work of the others only, all of
    it sent less than a period ago: the work of N sources at an arbitrary instant, for the phases
    are independent. Phases are drawn anew for every three periods; see `clocks`.
    """
    params = cases("queueing")[case]["params"]
    sources, period = params["sources"], params["period_in_service_times"]
    road = Road()
    above = [float(name.removeprefix("waits above ")) for name in notices if "above" in name]

    def observe(traffic: Traffic, passed_ns: NDArray[np.int64]) -> Mapping[str, float]:
        waited = waits_ns(road, traffic, passed_ns) / SERVICE_NS
        in_second = waited.reshape(-1, 2, sources + 1)[:, 1]
        shares = {f"waits above {x:g}": float((in_second > x).mean()) for x in above}
        return {"mean wait": float(in_second.mean()), **shares}

    def quantity(name: str, formula: Callable[[float], float], reference: str) -> Quantity:
        return Quantity(
            name=name,
            formula=formula,
            main="period",
            value=period,
            notices=notices[name],
            reference=(case, reference),
        )

    return Experiment(
        name=f"N·D/D/1, {sources + 1} clocks, period {period}",
        topic="queueing",
        road=road,
        traffic=lambda seed: clocks(
            seed,
            sources=sources + 1,
            period_ns=period * SERVICE_NS,
            draws=PACKETS // (2 * sources + 2),
        ),
        observe=observe,
        quantities=(
            replace(
                quantity("mean wait", lambda d: formulas.clocks_mean_work(sources, d), "mean_work"),
                mistakes={
                    "clocks in step": sources / 2,
                    "Poisson arrivals": formulas.md1_wait((sources + 1) / period),
                },
            ),
            *(
                quantity(
                    f"waits above {x:g}",
                    lambda d, x=x: formulas.clocks_work_above(sources, d, x),
                    f"P_work_gt_{x:g}",
                )
                for x in above
            ),
        ),
        source="Roberts and Virtamo 1991",
    )


def frames(case: str, place: str, notices: float) -> Experiment:
    """M^[X]/D/1: frames of X packets at once."""
    params = cases("queueing")[case]["params"]
    rate, count, service = (
        params[name] for name in ("batch_rate", "batch_size", "packet_service_time")
    )
    road = Road(place=place)
    # The first packet waits for other frames, the others for those before them too.
    names = {
        "wait of first packet": ("Wq_first_packet", 0.0),
        "mean wait": ("Wq_packet", (count - 1) * service / 2),
        "time of last packet": ("W_last_packet", count * service),
    }

    def observe(traffic: Traffic, passed_ns: NDArray[np.int64]) -> Mapping[str, float]:
        waited = settled(waits_ns(road, traffic, passed_ns).reshape(-1, count) / UNIT_NS)
        return {
            "wait of first packet": float(waited[:, 0].mean()),
            "mean wait": float(waited.mean()),
            "time of last packet": float(waited[:, -1].mean()) + service,
        }

    return Experiment(
        name=f"M^[X]/D/1, frames of {count} packets, {WHERE[place]}",
        topic="queueing",
        road=road,
        traffic=lambda seed: bursts(
            seed,
            gap_ns=UNIT_NS / rate,
            frames=PACKETS // count,
            packets=count,
            size_bytes=round(service * UNIT_NS / NS_PER_BYTE),
        ),
        observe=observe,
        quantities=tuple(
            Quantity(
                name=name,
                formula=lambda rate, more=more: (
                    more + formulas.burst_first_wait(rate, count, service)
                ),
                main="rate of frames",
                value=rate,
                notices=notices,
                reference=(case, reference),
                mistakes={
                    "packets one by one": formulas.pollaczek_khinchine(rate * count, [service], [1])
                },
            )
            for name, (reference, more) in names.items()
        ),
        source="Pollaczek–Khinchine of whole frames",
    )


def priority(case: str, place: str, notices: float) -> Experiment:
    """Strict, non-preemptive classes of packets of one size each."""
    given = cases("queueing")[case]["params"]["classes"]
    rates = [each["arrival_rate"] for each in given]
    services = [each["service_time"] for each in given]
    sizes = [round(service * UNIT_NS / NS_PER_BYTE) for service in services]
    road = Road(place=place, scheduling="priority", packet_bytes=max(sizes))
    shares = [rate / sum(rates) for rate in rates]
    without = formulas.pollaczek_khinchine(sum(rates), services, shares)
    interrupting = {
        "others are interrupted": formulas.pollaczek_khinchine(rates[0], services[:1], [1])
    }

    def observe(traffic: Traffic, passed_ns: NDArray[np.int64]) -> Mapping[str, float]:
        waited = settled(waits_ns(road, traffic, passed_ns) / UNIT_NS)
        of = traffic.stream[-waited.size :]
        return {
            f"mean wait, class {k + 1}": float(waited[of == k].mean()) for k in range(len(given))
        }

    return Experiment(
        name=f"non-preemptive priority, {len(given)} classes, {WHERE[place]}",
        topic="queueing",
        road=road,
        traffic=lambda seed: classes(
            seed,
            gaps_ns=[UNIT_NS / rate for rate in rates],
            sizes=sizes,
            until_ns=round(PACKETS / sum(rates) * UNIT_NS),
        ),
        observe=observe,
        quantities=tuple(
            Quantity(
                name=f"mean wait, class {k + 1}",
                formula=lambda scale, k=k: formulas.cobham(
                    [scale * rate for rate in rates], services, k
                ),
                main="rate of arrivals",
                value=1,
                notices=notices,
                reference=(case, f"Wq_class{k + 1}"),
                mistakes={"no classes": without, **(interrupting if k == 0 else {})},
            )
            for k in range(len(given))
        ),
        source="Cobham 1954",
    )


def tandem(place: str, notices: float) -> Experiment:
    """Equal lines one behind the other: packets of one size wait before the first only."""
    load, hops = 0.8, 3
    road = Road(place=place, hops=hops, propagation_ns=12_345)

    def observe(traffic: Traffic, passed_ns: NDArray[np.int64]) -> Mapping[str, float]:
        waited = settled(waits_ns(road, traffic, passed_ns)) / SERVICE_NS
        return {"mean time": float(waited.mean()) + hops}

    return Experiment(
        name=f"tandem of {hops} equal lines, load {load}, {place}",
        topic="queueing",
        road=road,
        traffic=lambda seed: poisson(seed, gap_ns=SERVICE_NS / load, packets=PACKETS),
        observe=observe,
        quantities=(
            Quantity(
                name="mean time",
                formula=lambda load: formulas.md1_wait(load) + hops,
                main="load",
                value=load,
                notices=notices,
                mistakes={"each line queues anew": hops * (formulas.md1_wait(load) + 1)},
            ),
        ),
        source="M/D/1, and no wait after the first line",
    )
