#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The peers that the checks of a stream need, on loopback.

usage: peers.py [--address ADDRESS] [CERTIFICATES]

With CERTIFICATES, a folder that tests/support/make_certificates.sh filled, they speak TLS. Prints a line "NAME PORT" for each and
"ready", and runs until it is killed.
"""
import argparse
import pathlib
import re
import socket
import ssl
import struct
import sys
import threading
import time

SUITE = pathlib.Path(__file__).resolve().parents[1] / "port_stream.c"


def text():
    """What the suite expects, from where it stands."""
    line = re.search(r'port_stream_text\[\] = "(.*)";', SUITE.read_text(encoding="utf-8"))
    return line[1].replace("\\n", "\n").encode()


def end(connection):
    """Ends in order: close_notify, then FIN; waits for the other side."""
    if isinstance(connection, ssl.SSLSocket):
        try:
            connection.unwrap()
        except (OSError, ssl.SSLError):
            pass
    else:
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)
    connection.close()


def echo(connection):
    while data := connection.recv(65536):
        connection.sendall(data)
    end(connection)


def closes(connection):
    connection.recv(1)
    connection.sendall(text())
    end(connection)


def breaks(connection):
    connection.recv(1)
    if not isinstance(connection, ssl.SSLSocket):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
    connection.close()  # TLS: no close_notify


def drips(connection):
    connection.recv(1)
    for byte in text():
        connection.sendall(bytes([byte]))
        time.sleep(0.001)
    end(connection)


def silent(_connection):
    while True:
        time.sleep(1000)


def serve(listener, act, context):
    def talk(raw):
        try:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            act(context.wrap_socket(raw, server_side=True) if context else raw)
        except (OSError, ssl.SSLError):
            raw.close()  # the client went away, which some checks do

    while True:
        connection, _ = listener.accept()
        threading.Thread(target=talk, args=(connection,), daemon=True).start()


def context_of(folder, name):
    if folder is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{folder}/{name}.chain", f"{folder}/{name}.key")
    return context


def main():
    parser = argparse.ArgumentParser(usage=__doc__.partition("\n\n")[2])
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("certificates", nargs="?")
    arguments = parser.parse_args()
    peers = [("echo", echo, "ec"), ("closes", closes, "ec"), ("breaks", breaks, "ec"), ("drips", drips, "ec"),
             ("silent", silent, "ec")]
    if arguments.certificates:
        peers += [("other", echo, "other"), ("untrusted", echo, "self")]
    for name, act, certificate in peers:
        listener = socket.create_server((arguments.address, 0))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        context = context_of(arguments.certificates, certificate)
        threading.Thread(target=serve, args=(listener, act, context), daemon=True).start()
        print(name, listener.getsockname()[1], flush=True)
    reserved = socket.socket()  # bound and never listening: refused, and nobody else gets the port
    reserved.bind((arguments.address, 0))
    print("refuses", reserved.getsockname()[1])
    print("ready", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    sys.exit(main())
