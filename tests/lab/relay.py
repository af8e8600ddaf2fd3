# SPDX-License-Identifier: Apache-2.0
"""The link of a lab: frames between the tap device and a device's datagram socket, with faults that a seed repeats.

The device is QEMU (-netdev dgram) or a test program: it binds its own Unix datagram socket and sends to ours.
"""
import fcntl
import heapq
import os
import random
import selectors
import socket
import struct
import time

TUNSETIFF = 0x400454CA
IFF_TAP = 0x0002
IFF_NO_PI = 0x1000
FRAME_MAX = 2048
FAULTS = ("loss", "duplicate", "reorder", "corrupt")
DIRECTIONS = ("up", "down")
REORDER_MS = (2, 30)  # how late a frame is that others are to overtake


class Direction:
    """One way: what happens to its frames, and what has happened."""

    def __init__(self, random_numbers):
        self.random = random_numbers
        self.counts = dict.fromkeys(("frames", "lost", "duplicated", "reordered", "corrupted", "undelivered"), 0)
        self.clear()

    def clear(self):
        self.percent = dict.fromkeys(FAULTS, 0.0)
        self.delay_ms = (0.0, 0.0)

    def happens(self, fault):
        return self.percent[fault] > 0 and self.random.uniform(0, 100) < self.percent[fault]

    def corrupted(self, frame):
        self.counts["corrupted"] += 1
        place = self.random.randrange(len(frame) * 8)
        changed = bytearray(frame)
        changed[place // 8] ^= 1 << place % 8
        return bytes(changed)

    def copies(self, frame):
        """Yields (seconds to wait, frame) for each copy that arrives."""
        self.counts["frames"] += 1
        if self.happens("loss"):
            self.counts["lost"] += 1
            return
        twice = self.happens("duplicate")
        self.counts["duplicated"] += twice
        for _ in range(2 if twice else 1):
            late_ms = self.random.uniform(*self.delay_ms) if self.delay_ms != (0.0, 0.0) else 0.0
            if self.happens("reorder"):
                self.counts["reordered"] += 1
                late_ms += self.random.uniform(*REORDER_MS)
            yield late_ms / 1000, self.corrupted(frame) if self.happens("corrupt") else frame


class Relay:
    def __init__(self, selector, tap, folder, seed):
        self.random = random.Random(seed)
        self.directions = {name: Direction(self.random) for name in DIRECTIONS}
        self.cable = True
        self.waiting = []  # heap of (due, order, direction, frame)
        self.order = 0
        self.device = str(folder / "device")
        self.tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(self.tap, TUNSETIFF, struct.pack("16sH22x", tap.encode(), IFF_TAP | IFF_NO_PI))
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        path = folder / "relay"
        path.unlink(missing_ok=True)
        self.socket.bind(str(path))
        selector.register(self.tap, selectors.EVENT_READ, lambda: self.take("down", os.read(self.tap, FRAME_MAX)))
        selector.register(self.socket, selectors.EVENT_READ, lambda: self.take("up", self.socket.recv(FRAME_MAX)))

    def take(self, direction, frame):
        if not self.cable or not frame:
            return
        for late_s, copy in self.directions[direction].copies(frame):
            # What is not delayed overtakes what is; among each other they keep their order.
            self.order += 1
            heapq.heappush(self.waiting, (time.monotonic() + late_s, self.order, direction, copy))
        self.deliver_due()

    def next_due(self):
        return max(0.0, self.waiting[0][0] - time.monotonic()) if self.waiting else 1.0

    def deliver_due(self):
        while self.waiting and self.waiting[0][0] <= time.monotonic():
            _, _, direction, frame = heapq.heappop(self.waiting)
            self.deliver(direction, frame)

    def deliver(self, direction, frame):
        try:
            if direction == "up":
                os.write(self.tap, frame)
            else:
                self.socket.sendto(frame, self.device)
        except OSError:  # no device there yet, its queue is full, or it is gone: a link loses frames
            self.directions[direction].counts["undelivered"] += 1

    def command(self, what, *words):
        if what in FAULTS or what == "delay":
            names = DIRECTIONS if words[:1] not in (("up",), ("down",)) else words[:1]
            words = words if names is DIRECTIONS else words[1:]
            numbers = [float(word) for word in words]
            if what == "delay":
                self.set_delay(names, numbers)
            else:
                self.set_percent(what, names, numbers)
        elif what == "cable" and words in (("in",), ("out",)):
            self.cable = words == ("in",)
        elif what == "seed" and len(words) == 1:
            self.random.seed(int(words[0]))
        elif what == "clear" and not words:
            for direction in self.directions.values():
                direction.clear()
            self.cable = True
        else:
            raise ValueError("no such command: tests/lab/fault --help lists them")

    def set_percent(self, what, names, numbers):
        if len(numbers) != 1 or not 0 <= numbers[0] <= 100:
            raise ValueError(f"{what} takes a percentage")
        for name in names:
            self.directions[name].percent[what] = numbers[0]

    def set_delay(self, names, numbers):
        if len(numbers) not in (1, 2) or min(numbers) < 0:
            raise ValueError("delay takes one or two numbers of milliseconds")
        for name in names:
            self.directions[name].delay_ms = (numbers[0], max(numbers))

    def status(self):
        return {"cable": "in" if self.cable else "out",
                **{name: {**direction.counts, **direction.percent, "delay_ms": direction.delay_ms}
                   for name, direction in self.directions.items()}}
