#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A peer on loopback that answers a ClientHello with bytes of its own, without key and certificate.

usage: tls_peer.py PORT-FILE BEHAVIOUR [FILE]

PORT-FILE gets the port once the peer listens. BEHAVIOUR: warnings, change-cipher-spec, hello-requests (sent for ever),
alert-N (one fatal alert), http, ssh; tls: a real handshake with the certificates and the key in FILE.
It ends with whoever started it.
"""
import os
import socket
import ssl
import sys
import threading
import time

FLOODS = {
    "warnings": bytes([21, 3, 3, 0, 2, 1, 90]),
    "change-cipher-spec": bytes([20, 3, 3, 0, 1, 1]),
    "hello-requests": bytes([22, 3, 3, 0, 4, 0, 0, 0, 0]),
}
ANSWERS = {
    "http": b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    "ssh": b"SSH-2.0-peer\r\n",
}


def serve(connection, behaviour):
    try:
        if behaviour == "tls":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(sys.argv[3])
            context.wrap_socket(connection, server_side=True).recv(1)
            return
        connection.recv(4096)
        while behaviour in FLOODS:
            connection.sendall(FLOODS[behaviour] * 5000)
        kind, _, number = behaviour.partition("-")
        connection.sendall(bytes([21, 3, 3, 0, 2, 2, int(number)]) if kind == "alert" else ANSWERS[behaviour])
        while connection.recv(4096):
            pass
    except OSError:
        pass
    connection.close()


def accept(listener, behaviour):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection, behaviour), daemon=True).start()


def main():
    port_file, behaviour = sys.argv[1:3]
    parent = os.getppid()
    listener = socket.create_server(("127.0.0.1", 0))
    with open(port_file + ".new", "w", encoding="ascii") as file:
        file.write(str(listener.getsockname()[1]))
    os.rename(port_file + ".new", port_file)
    threading.Thread(target=accept, args=(listener, behaviour), daemon=True).start()
    while os.getppid() == parent:
        time.sleep(0.2)


main()
