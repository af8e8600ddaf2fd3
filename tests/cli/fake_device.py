#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The console of a device that is provisioned, for the tests of `sbs provision`.

usage: fake_device.py ADDRESS RECORD BEHAVIOUR

ADDRESS is the path of a Unix socket to make, `tcp` (then the port is written to RECORD.port), or `tty` (then a link to a
terminal is made at RECORD.tty). The record that came is written to RECORD. BEHAVIOUR is one of confirm, restore-server,
restore-network, unconfirmed, refuse, busy (no key yet, at first), slow (answers twice that it is ready), garble (asks again for every piece), deaf (drops every other
line), mute (never answers), escape (what would change a terminal is in its key set, at first no JSON), chatty (state lines and what was typed between the answers).
"""
import base64
import os
import pathlib
import pty
import socket
import sys
import threading
import tty
import zlib

ADDRESS, RECORD, BEHAVIOUR = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
JWKS = '{"keys":[{"kty":"EC","crv":"P-384","x":"eA","y":"eQ","use":"sig","kid":"k","alg":"ES384"}]}'
ENDINGS = {
    "restore-server": "provision: restored by=server token request: the authorization server refused, invalid_client",
    "restore-network": "provision: restored by=network discovery: the connection was refused",
    "unconfirmed": "provision: unconfirmed by=server token request: the authorization server refused, invalid_client",
}


class Device:
    def __init__(self, send):
        self.send, self.size, self.record, self.lines, self.asked = send, None, b"", 0, 0

    def say(self, text):
        try:
            self.send((text + "\r\n").encode())
        except OSError:  # the command has what it wanted
            os._exit(0)

    def take_data(self, words):
        piece = base64.urlsafe_b64decode(words[3] + "=" * (-len(words[3]) % 4))
        self.asked += 1
        right = int(words[2]) == len(self.record) and f"{zlib.crc32(piece):08x}" == words[4]
        if right and not (BEHAVIOUR == "garble" and self.asked % 2 == 1):
            self.record += piece
            self.say(f"provision: ok {len(self.record)}")
        else:
            self.say(f"provision: again {len(self.record)}")

    def take_end(self):
        RECORD.write_bytes(self.record)
        if BEHAVIOUR == "refuse":
            self.say("provision: error field=alg not supported")
            return
        self.say("provision: trying")
        self.say(ENDINGS.get(BEHAVIOUR, "provision: confirmed"))

    def take(self, line):
        self.lines += 1
        if BEHAVIOUR == "mute" or (BEHAVIOUR == "deaf" and self.lines % 2 == 1):
            return
        if BEHAVIOUR == "chatty":
            self.say(line)
            self.say("state=online queued=3 sent=9 refused=0 dead=0")
        words = line.split()
        if words[:1] == ["jwk"]:
            jwks = JWKS
            if BEHAVIOUR == "escape":
                jwks = '{"keys":\x1b[31m' if self.lines == 1 else JWKS.replace('"k"', '"k\u009b31m\u202e"')
            self.say(f"jwks: {jwks}")
        elif words[:2] == ["provision", "begin"]:
            if BEHAVIOUR == "busy" and self.size is None:
                self.size = 0
                self.say("provision: error field=device the call is not allowed in this state")
                self.say("state=unprovisioned queued=0 sent=0 refused=0 dead=0")
                return
            self.size, self.record = int(words[2]), b""
            self.say("provision: ready 96")
            if BEHAVIOUR == "slow":  # it was asked to begin twice, and says so twice
                self.say("provision: ready 96")
        elif words[:2] == ["provision", "data"]:
            self.take_data(words)
        elif words[:2] == ["provision", "end"]:
            self.take_end()


def serve(read, send):
    device, line = Device(send), b""
    while chunk := read():
        for byte in chunk:
            if byte == 0x15:
                line = b""
            elif byte in b"\r\n":
                if line:
                    device.take(line.decode())
                line = b""
            else:
                line += bytes([byte])


def listen(family, address, path):
    """A socket whose address stands at `path`, which is not there before it is whole: who waits for it may connect."""
    server = socket.socket(family)
    server.bind(address)
    server.listen(1)
    if family == socket.AF_INET:
        pathlib.Path(f"{path}.new").write_text(str(server.getsockname()[1]), encoding="ascii")
    os.rename(f"{path}.new", path)
    return server


def receive(connection):
    try:
        return connection.recv(4096)
    except ConnectionResetError:  # the command has what it wanted, and left the rest unread
        return b""


def main():
    threading.Timer(60, os._exit, (1,)).start()
    if ADDRESS == "tty":
        master, slave = pty.openpty()
        tty.setraw(slave)
        pathlib.Path(f"{RECORD}.tty").symlink_to(os.ttyname(slave))
        serve(lambda: os.read(master, 4096), lambda data: os.write(master, data))
        return
    if ADDRESS == "tcp":
        server = listen(socket.AF_INET, ("127.0.0.1", 0), f"{RECORD}.port")
    else:
        server = listen(socket.AF_UNIX, f"{ADDRESS}.new", ADDRESS)
    connection, _ = server.accept()
    serve(lambda: receive(connection), connection.sendall)
    os._exit(0)


main()
