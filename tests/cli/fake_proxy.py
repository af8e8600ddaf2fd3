#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An HTTP proxy on 127.0.0.1 that answers CONNECT as it is told; prints its port.

usage: fake_proxy.py BEHAVIOUR TARGET-PORT LOG

Whatever host is asked for, it connects to TARGET-PORT on loopback: only the proxy knows the names. LOG gets the head of
each request. BEHAVIOUR is a file with one word:

  tunnel       connects                          pieces    the same, answered byte by byte, after interim answers
  lengthy      the same with fields of a body    login     wants the Basic credentials of user "me" with "p@ss:word"
  refuse       403 with a body of 1 MB           gateway   502
  stall        never answers                     endless   a head that never ends
  silent       closes without an answer          garbage   another protocol
  close        200, and closes                   early     200 with bytes behind it that the server did not send
"""
import base64
import socket
import sys
import threading

LOGIN = b"Basic " + base64.b64encode(b"me:p@ss:word")
BODY = b"x" * 1000000
ANSWERS = {
    "refuse": b"HTTP/1.1 403 Forbidden\r\nContent-Length: 1000000\r\n\r\n" + BODY,
    "gateway": b"HTTP/1.0 502 Bad Gateway\r\n\r\n",
    "silent": b"",
    "garbage": b"220 mail.test ESMTP\r\n",
    "close": b"HTTP/1.1 200 OK\r\n\r\n",
}


def read_head(client):
    head = b""
    while b"\r\n\r\n" not in head and len(head) < 65536:
        data = client.recv(4096)
        if not data:
            break
        head += data
    with open(sys.argv[3], "ab") as log:
        log.write(head)
    return head


def copy(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def tunnel(client, answer, in_pieces):
    server = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
    step = 1 if in_pieces else len(answer)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for at in range(0, len(answer), step):
        client.sendall(answer[at:at + step])
    thread = threading.Thread(target=copy, args=(server, client), daemon=True)
    thread.start()
    copy(client, server)
    thread.join()


def answer_one(client):
    head = read_head(client)
    with open(sys.argv[1], encoding="ascii") as file:
        behaviour = file.read().strip()
    granted = b"HTTP/1.1 200 Connection established\r\n"
    if behaviour == "login" and b"\r\nProxy-Authorization: " + LOGIN + b"\r\n" not in head:
        client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\n"
                       b"Content-Length: 5\r\n\r\nlogin")
    elif behaviour in ("tunnel", "login"):
        tunnel(client, granted + b"\r\n", False)
    elif behaviour == "pieces":
        tunnel(client, b"HTTP/1.1 100 Continue\r\nA: b\r\n\r\n" + granted + b"Via: x\r\n\r\n", True)
    elif behaviour == "lengthy":
        tunnel(client, granted + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", False)
    elif behaviour == "early":
        tunnel(client, granted + b"\r\nHTTP/1.1 200 OK\r\n\r\n{}", False)
    elif behaviour == "endless":
        client.sendall(granted)
        while True:
            client.sendall(b"X-Field: " + b"y" * 1000 + b"\r\n")
    elif behaviour == "stall":
        client.recv(1)
    else:
        client.sendall(ANSWERS[behaviour])


def serve(client):
    try:
        answer_one(client)
    except OSError:
        pass
    client.close()


listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    connection, _ = listener.accept()
    threading.Thread(target=serve, args=(connection,), daemon=True).start()
