"""What runs inside a namespace: a source, a relay or a room of real UDP packets.

Standard library only, and run as a file: it starts many times. Clocks are CLOCK_MONOTONIC, which
all namespaces of a host share. A task is a JSON file, an answer another one; see `Task`.
"""

from __future__ import annotations

import heapq
import json
import os
import random
import select
import socket
import struct
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

HEADER = struct.Struct("!qiq")  # when it was sent, stream, sequence number
LARGEST_BYTES = 65_535
SO_RCVBUFFORCE = 33  # asm-generic/socket.h; Python has no name for it
QUEUE_BYTES = 4 << 20  # of a socket: nothing may be lost there


@dataclass(kw_only=True)
class Task:
    """What one process has to do.

    Attributes
    ----------
    port : where it listens; 0: it is the source
    children : (address, port) of each, in the order in which they get their copies
    delay_ns : what is added to a packet's time on the line that leads here
    processing_ns : and in the relay
    loss : share of packets that the line loses at its end
    seed : of these losses
    start_ns, end_ns : of the run, on the monotonic clock
    schedule : of a source: (when after the start, stream, sequence number, payload bytes)
    answer : the file that is written at the end
    """

    port: int
    children: list[tuple[str, int]]
    delay_ns: int
    processing_ns: int
    loss: float
    seed: str
    start_ns: int
    end_ns: int
    schedule: list[tuple[int, int, int, int]]
    answer: str


@dataclass(kw_only=True)
class Answer:
    """What happened.

    Attributes
    ----------
    arrived : (stream, sequence number, delay in ns) of each packet that came and was not lost
    lost : packets that the line lost at its end
    late_ns : by how much each packet left after it was due
    """

    arrived: list[tuple[int, int, int]] = field(default_factory=list)
    lost: int = 0
    late_ns: list[int] = field(default_factory=list)


def be_prompt() -> None:
    """Ask to run before others, where that is allowed; without, there is more noise."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
    except OSError:
        print("runs without real-time priority", file=sys.stderr)


def play_source(task: Task) -> Answer:
    """Send every packet of the schedule to every child at its time."""
    answer = Answer()
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    out.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, QUEUE_BYTES)
    for after_ns, stream, sequence, size_bytes in task.schedule:
        due_ns = task.start_ns + after_ns
        wait_ns = due_ns - time.monotonic_ns()
        if wait_ns > 0:
            time.sleep(wait_ns / 1e9)
        now_ns = time.monotonic_ns()
        packet = HEADER.pack(now_ns, stream, sequence).ljust(size_bytes, b"\0")
        for child in task.children:
            out.sendto(packet, tuple(child))
        answer.late_ns.append(now_ns - due_ns)
    return answer


def play_listener(task: Task) -> Answer:
    """Take every packet; note it, and if there are children pass it on when it is due."""
    answer, chance = Answer(), random.Random(task.seed)
    heard = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    heard.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, QUEUE_BYTES)
    heard.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, QUEUE_BYTES)
    heard.bind(("0.0.0.0", task.port))
    heard.setblocking(False)
    waiting: list[tuple[int, int, bytes]] = []
    number = 0
    while (now_ns := time.monotonic_ns()) < task.end_ns:
        while waiting and waiting[0][0] <= now_ns:
            due_ns, _, packet = heapq.heappop(waiting)
            answer.late_ns.append(now_ns - due_ns)
            for child in task.children:
                heard.sendto(packet, tuple(child))
            now_ns = time.monotonic_ns()
        until_ns = min(waiting[0][0] if waiting else task.end_ns, task.end_ns)
        select.select([heard], [], [], max(until_ns - now_ns, 0) / 1e9)
        while True:
            try:
                packet = heard.recv(LARGEST_BYTES)
            except BlockingIOError:
                break
            came_ns = time.monotonic_ns() + task.delay_ns
            if chance.random() < task.loss:
                answer.lost += 1
                continue
            sent_ns, stream, sequence = HEADER.unpack_from(packet)
            answer.arrived.append((stream, sequence, came_ns - sent_ns))
            if task.children:
                heapq.heappush(waiting, (came_ns + task.processing_ns, number, packet))
                number += 1
    return answer


def main() -> None:
    """Play the task of the file that is named."""
    task = Task(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    be_prompt()
    answer = play_listener(task) if task.port else play_source(task)
    Path(task.answer).write_text(json.dumps(vars(answer)), encoding="utf-8")


if __name__ == "__main__":
    main()
