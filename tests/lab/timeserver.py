# SPDX-License-Identifier: Apache-2.0
"""The NTP server of a lab (RFC 5905, as far as a client of RFC 4330 sees it), with faults."""
import selectors
import socket
import struct
import time

PORT = 123
HEADER = struct.Struct("!BBbbII4sQQQQ")
ERA_OFFSET = 2208988800  # seconds from 1900 to 1970
MODES = ("on", "silent", "kod", "garbage", "unsynchronised", "duplicate")


def timestamp(seconds):
    return int((seconds + ERA_OFFSET) * 2**32) & (2**64 - 1)


class TimeServer:
    def __init__(self, selector, address):
        self.mode = "on"
        self.offset = 0.0
        self.questions = 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, PORT))
        selector.register(self.socket, selectors.EVENT_READ, self.answer)

    def command(self, mode, value=None):
        if mode == "offset" and value is not None:
            self.offset = float(value)
        elif mode in MODES and value is None:
            self.mode = mode
        else:
            raise ValueError(f"ntp takes {', '.join(MODES)}, or offset and a number of seconds")

    def answer(self):
        question, client = self.socket.recvfrom(2048)
        if len(question) < HEADER.size or question[0] & 7 != 3:
            return
        self.questions += 1
        for packet in self.packets(question):
            self.socket.sendto(packet, client)

    def packets(self, question):
        originate = HEADER.unpack_from(question)[-1]
        now = time.time() + self.offset
        good = {"leap": 0, "stratum": 2, "reference": b"LAB\0", "originate": originate, "now": now}
        changes = {"kod": {"stratum": 0, "reference": b"DENY"}, "unsynchronised": {"leap": 3, "stratum": 16}}
        header = self.header(**{**good, **changes.get(self.mode, {})})
        if self.mode == "silent":
            return []
        if self.mode == "garbage":
            # Too short, not an answer, not to this question, nothing, and no time at all: none may be believed.
            return [header[:40], b"\xff" * 200, self.header(**{**good, "originate": originate ^ 1, "now": now + 1e6}),
                    bytes(48), question, header[:40] + bytes(8)]
        return [header] * (2 if self.mode == "duplicate" else 1)

    @staticmethod
    def header(leap, stratum, reference, originate, now):
        return HEADER.pack(leap << 6 | 4 << 3 | 4, stratum, 6, -20, 0, 0, reference, timestamp(now - 60), originate,
                           timestamp(now), timestamp(now))

    def status(self):
        return {"mode": self.mode, "offset": self.offset, "questions": self.questions}
