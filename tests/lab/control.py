# SPDX-License-Identifier: Apache-2.0
"""Commands to a running lab over a Unix socket: one line each, answered by one line."""
import json
import selectors
import socket

LINE_MAX = 4096


def as_text(value):
    return json.dumps(value, separators=(",", ":"))


class Control:
    def __init__(self, selector, path, execute):
        self.selector = selector
        self.execute = execute
        path.unlink(missing_ok=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.bind(str(path))
        self.socket.listen(8)
        selector.register(self.socket, selectors.EVENT_READ, self.accept)

    def accept(self):
        client, _ = self.socket.accept()
        held = bytearray()
        self.selector.register(client, selectors.EVENT_READ, lambda: self.read(client, held))

    def read(self, client, held):
        try:
            part = client.recv(LINE_MAX)
            held += part
            while b"\n" in held:
                line, _, rest = held.partition(b"\n")
                held[:] = rest
                client.sendall(self.execute(line.decode("utf-8", "replace")).encode() + b"\n")
        except OSError:
            part = b""
        if not part or len(held) > LINE_MAX:
            self.selector.unregister(client)
            client.close()


def send(path, text):
    """For the other side: sends one command and returns its answer."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(10)
        client.connect(str(path))
        client.sendall(text.encode() + b"\n")
        return client.makefile().readline().rstrip("\n")
