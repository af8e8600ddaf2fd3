#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An authorization and FHIR server on 127.0.0.1 that answers as it is told; prints its port.

usage: fake_server.py ANSWERS [PEM NAME]

ANSWERS is a file of JSON: {"METHOD PATH": [STATUS, {FIELD: VALUE}, BODY], ...}. Of the paths that a request's path
begins with, the longest counts; a BODY that is no string is sent as JSON; a STATUS of 0 ends the connection without an
answer; BASE in a field or a body is the server's own URL. What stands in no row is answered as a server does that
grants a token, states conditional creates and stores everything. With PEM, a certificate and its key, it speaks TLS,
and its own URL is https://NAME.
"""
import http.server
import json
import ssl
import sys

with open(sys.argv[1]) as file:
    ANSWERS = json.load(file)
BASE = f"https://{sys.argv[3]}" if len(sys.argv) > 3 else ""

FHIR = {"Content-Type": "application/fhir+json"}
TOKEN = {"access_token": "a-token", "token_type": "Bearer", "expires_in": 300, "scope": "system/*.cu"}
STATEMENT = {
    "resourceType": "CapabilityStatement",
    "fhirVersion": "4.0.1",
    "rest": [{"mode": "server", "resource": [
        {"type": name, "interaction": [{"code": "create"}, {"code": "update"}], "conditionalCreate": True,
         "updateCreate": True} for name in ("Observation", "Patient")]}],
}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def usual(self):
        if self.command == "POST" and "/token" in self.path:
            return [200, {"Content-Type": "application/json"}, TOKEN]
        if self.path.split("?")[0].endswith("/metadata"):
            return [200, FHIR, STATEMENT]
        if self.path.endswith("/.well-known/smart-configuration"):
            return [200, {"Content-Type": "application/json"}, {"token_endpoint": "BASE/token"}]
        if self.command == "GET":
            return [404, {}, ""]
        return [201, {"Location": f"BASE{self.path}/1"}, ""]

    def reply(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        rows = [row for row in ANSWERS if f"{self.command} {self.path}".startswith(row)]
        status, fields, body = ANSWERS[max(rows, key=len)] if rows else self.usual()
        if status == 0:
            self.close_connection = True
            return
        base = BASE or f"http://127.0.0.1:{self.server.server_address[1]}"
        text = body if isinstance(body, str) else json.dumps(body)
        data = text.replace("BASE", base).encode()
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name, value.replace("BASE", base))
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = reply

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
if BASE:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2])
    # The handshake is the handler's: a client that stalls in it must not hold up the others.
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
print(server.server_address[1], flush=True)
server.serve_forever()
