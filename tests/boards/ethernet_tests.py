# SPDX-License-Identifier: Apache-2.0
"""The Ethernet drivers against frames over UDP on loopback: every length both ways, bursts, and what must be dropped."""
import re
import socket
import tempfile

from harness import Program, report

US = bytes.fromhex("020000000001")
ECHO, END, PAUSE = b"\x88\xb5", b"\x88\xb6", b"\x88\xb7"
HEADER = 14
SHORTEST = 60  # shorter ones may be padded to this
ANSWER_S = 100  # a frame that does not come; it takes milliseconds


class Wire:
    def __init__(self, board, image):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(ANSWER_S)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind(("127.0.0.1", 0))
            self.there = other.getsockname()
        net = f"socket,udp=127.0.0.1:{self.socket.getsockname()[1]},localaddr=127.0.0.1:{self.there[1]}"
        self.program = Program(board, image, net=net, arg="do=ethernet")
        self.device = bytes.fromhex(re.match(r"address ([0-9a-f:]{17}) ", self.program.until("address"))[1].replace(":", ""))

    def send(self, frame):
        self.socket.sendto(frame, self.there)

    def frame(self, length, kind=ECHO, mark=0):
        body = bytes((mark + at * 7) & 0xFF for at in range(length - HEADER))
        return self.device + US + kind + body

    def reply_to(self, frame):
        """What the probe makes of a frame, without padding."""
        answer = US + self.device + frame[12:]
        return answer[:HEADER] if len(frame) % 7 == 3 else answer

    def end(self):
        self.send(self.frame(SHORTEST, END))
        status, _, err = self.program.finish()
        self.socket.close()
        return status, err


def equal(got, expected):
    """But for zeros that pad a short frame."""
    return got[:len(expected)] == expected and not any(got[len(expected):]) and len(got) <= max(len(expected), SHORTEST)


def all_lengths(wire):
    wrong = []
    window = 4  # fits the smallest FIFO
    frames = [wire.frame(length, mark=length) for length in range(HEADER, 1515)]
    for at, frame in enumerate(frames[:window]):
        wire.send(frame)
    for at, frame in enumerate(frames):
        try:
            if not equal(wire.socket.recv(4096), wire.reply_to(frame)):
                wrong.append(len(frame))
        except TimeoutError:
            return [*wrong, f"none after {at}"]
        if at + window < len(frames):
            wire.send(frames[at + window])
    return wrong


def too_long(wire):
    """Longer than Ethernet allows: dropped, and the next one is read from its beginning."""
    for length in (1515, 1518, 1600, 2000):
        wire.send(wire.frame(length))
        wire.send(wire.frame(100, mark=length))
        if not equal(wire.socket.recv(4096), wire.reply_to(wire.frame(100, mark=length))):
            return length
    return None


def burst(wire):
    """More than any FIFO holds while nobody reads: what comes through is whole, and afterwards all goes on."""
    wire.send(wire.frame(SHORTEST, PAUSE))
    wire.program.until("pause")
    sent = [wire.frame(1514, mark=mark) for mark in range(200)]
    for frame in sent:
        wire.send(frame)
    wire.program.until("awake")
    expected = {wire.reply_to(frame) for frame in sent}
    last = wire.reply_to(wire.frame(200, mark=5))
    received = 0
    wire.socket.settimeout(1)
    for _ in range(ANSWER_S):  # the wire itself may still be full
        wire.send(wire.frame(200, mark=5))
        try:
            while (got := wire.socket.recv(4096)) != last:
                if got not in expected:
                    return received, f"a frame that nobody sent: {got[:40].hex()}"
                received += 1
            return received, None
        except TimeoutError:
            pass
    return received, "no answer any more"


def address_of(board, image, *arguments, **options):
    program = Program(board, image, arg=["do=ethernet", *arguments], **options)
    address = program.until("address").split()[1]
    program.kill()
    return address


def addresses(board, image):
    """Each device has an address of its own that stays, or the one it is given."""
    with tempfile.TemporaryDirectory() as folder:
        one, again, other = (address_of(board, image, flash_dir=f"{folder}/{name}") for name in ("a", "a", "b"))
    given = address_of(board, image, "mac=0a:00:00:00:00:42")
    multicast = address_of(board, image, "mac=01:00:5e:00:00:01")
    fine = one == again != other and given == "0a:00:00:00:00:42"
    fine = fine and all(text.startswith("02:") for text in (one, other, multicast))
    report(fine, f"{board}: addresses are locally administered, one for each device", f"{one} {again} {other} {given} {multicast}")


def ethernet_tests(board, image):
    wire = Wire(board, image)
    wrong = all_lengths(wire)
    report(not wrong, f"{board}: frames of every length from 14 to 1514 come and go", f"wrong: {wrong[:20]}")
    long = too_long(wire)
    report(long is None, f"{board}: frames that are too long are dropped", str(long))
    received, problem = burst(wire)
    report(problem is None, f"{board}: a burst of 200 frames at once: {received} answered, all whole, then goes on", str(problem))
    status, err = wire.end()
    report(status == 0 and not err, f"{board}: the probe ends", f"status {status}\n{err}")
    addresses(board, image)
