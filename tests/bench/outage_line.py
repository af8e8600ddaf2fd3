#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A line with delay, loss and a rate between two network namespaces, for the outage benchmark. Needs root and iproute2.

usage: outage_line.py RTT_MS LOSS_PERCENT KBIT_S

Prints the process ids of the server's namespace (10.79.0.1) and of the client's (10.79.0.2), and relays frames between
their tap devices until its standard input ends: each is late by half of RTT_MS, lost with LOSS_PERCENT in each
direction, and goes behind those before it at KBIT_S (0: at once). So it is the kernel's TCP that is measured, on both
sides. The losses come from a seed: the same frames meet the same ones.
"""
import collections
import ctypes
import fcntl
import os
import random
import select
import socket
import struct
import subprocess
import sys
import time

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TAP = 0x0002
IFF_NO_PI = 0x1000
FRAME_MAX = 2048
QUEUE_MAX = 128 * 1024  # bytes that wait for the line; what is more is dropped, as a modem does
libc = ctypes.CDLL(None, use_errno=True)


def make_side(address):
    """A namespace of its own, and the tap device in it."""
    if libc.unshare(CLONE_NEWNET) != 0:
        sys.exit(f"outage_line: a network namespace: {os.strerror(ctypes.get_errno())}")
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", b"line0", IFF_TAP | IFF_NO_PI))
    for words in (["link", "set", "lo", "up"], ["address", "add", f"{address}/24", "dev", "line0"],
                  ["link", "set", "line0", "up"]):
        subprocess.run(["ip", *words], check=True)
    return tap


class Direction:
    def __init__(self, to, options, seed):
        self.to = to
        self.delay_s, self.loss, self.bytes_s = options
        self.random = random.Random(seed)
        self.waiting = collections.deque()
        self.free_at = 0.0

    def take(self, frame):
        now = time.monotonic()
        begin = max(now, self.free_at)
        if self.random.uniform(0, 100) < self.loss:
            return
        if self.bytes_s > 0:
            if (begin - now) * self.bytes_s > QUEUE_MAX:
                return
            self.free_at = begin + len(frame) / self.bytes_s
        self.waiting.append((max(begin, self.free_at) + self.delay_s, frame))

    def deliver_due(self):
        while self.waiting and self.waiting[0][0] <= time.monotonic():
            try:
                os.write(self.to, self.waiting.popleft()[1])
            except OSError:  # its queue is full: a line loses frames
                pass

    def next_due(self):
        return self.waiting[0][0] - time.monotonic() if self.waiting else 1.0


def main():
    rtt_ms, loss, kbit_s = (float(word) for word in sys.argv[1:4])
    options = (rtt_ms / 2000, loss, kbit_s * 1000 / 8)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    child = os.fork()
    if child == 0:
        ours.close()
        tap = make_side("10.79.0.2")
        socket.send_fds(theirs, [b"tap"], [tap])
        theirs.recv(1)  # until the parent ends
        os._exit(0)
    theirs.close()
    tap = make_side("10.79.0.1")
    _, (other,), _, _ = socket.recv_fds(ours, 16, 1)
    down, up = Direction(other, options, 1), Direction(tap, options, 2)
    print(os.getpid(), child, flush=True)
    while True:
        wait = max(0.0, min(down.next_due(), up.next_due()))
        ready, _, _ = select.select([tap, other, sys.stdin], [], [], wait)
        if sys.stdin in ready:
            return
        for source, direction in ((tap, down), (other, up)):
            if source in ready:
                direction.take(os.read(source, FRAME_MAX))
        down.deliver_due()
        up.deliver_due()


main()
