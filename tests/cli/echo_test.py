#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A server on loopback repeats what it was sent, in every place and form that it finds; the command must show no 16
characters of it in a row, nor anything that changes a terminal.

usage: echo_test.py SBS KEY
Prints what was shown all the same, and exits with 1.
"""
import contextlib
import html
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import unicodedata

SBS, KEY = sys.argv[1:]
EVERY_ONE = os.environ.get("SBS_LONG") == "1"  # place with every form; else a third of them
TOKEN = "kT9-vQ2_xW7.mZ4~aB1cD3eF5gH8jK0lN6pR/sT+uV2wX4yZ9bC7dE1fG3=="
EVIL = "\x1b]0;owned\x07\x1b[31m \u009b31m\u0085\u202e\u2066\u200b evil\u2028sbs: forged "
FRAGMENT = 16

FORMS = {
    "plain": lambda s: s,
    "without its first": lambda s: s[1:],
    "without its last": lambda s: s[:-1],
    "half": lambda s: s[len(s) // 2:],
    "spaced": " ".join,
    "in pieces": lambda s: "\t".join(s[i:i + 7] for i in range(0, len(s), 7)),
    "with marks between": lambda s: "\u200b".join(s[i:i + 9] for i in range(0, len(s), 9)),
    "percent-coded": lambda s: "".join(f"%{ord(c):02X}" for c in s),
    "percent-coded twice": lambda s: "".join(f"%25{ord(c):02x}" for c in s),
    "as JSON writes it": lambda s: "".join(f"\\u{ord(c):04x}" for c in s),
    "as HTML writes it": lambda s: "".join(f"&#{ord(c)};" for c in s),
    "in upper case": str.upper,
    "long": lambda s: (s + " ") * 120,
    "behind a long text": lambda s: "blah " * 40 + s + " blah" * 2000,
}


def answer(status, fields="", body="", kind="application/fhir+json", reason="X"):
    head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: {kind}\r\nContent-Length: {len(body.encode())}\r\n{fields}\r\n"
    return (head + body).encode()


def outcome(text):
    return json.dumps({"resourceType": "OperationOutcome",
                       "issue": [{"severity": "error", "code": "invalid", "diagnostics": text}]})


def one_line(text):
    return re.sub(r"[\r\n\0]", " ", text)[:6000]


# Where it is repeated: the step, and the answer with the words in it.
PLACES = {
    "OAuth error": ("token", lambda w: answer(400, "", json.dumps({"error": "invalid_client", "error_description": w}),
                                              "application/json")),
    "OAuth code": ("token", lambda w: answer(400, "", json.dumps({"error": w}), "application/json")),
    "text of the token endpoint": ("token", lambda w: answer(400, "", w, "text/plain")),
    "redirect of the token endpoint": ("token", lambda w: answer(302, f"Location: /{one_line(w)}\r\n")),
    "outcome": ("fhir", lambda w: answer(422, "", outcome(w))),
    "outcome in XML": ("fhir", lambda w: answer(422, "", '<OperationOutcome xmlns="http://hl7.org/fhir"><issue>'
                                                f'<diagnostics value="{html.escape(w)}"/></issue></OperationOutcome>')),
    "other JSON": ("fhir", lambda w: answer(400, "", json.dumps({"title": "no", "errors": [w], "detail": w}))),
    "text": ("fhir", lambda w: answer(400, "", w, "text/plain")),
    "challenge": ("fhir", lambda w: answer(403, f'WWW-Authenticate: Bearer error_description="{one_line(w)}"\r\n')),
    "reason phrase": ("fhir", lambda w: answer(403, reason=one_line(w))),
    "redirect": ("fhir", lambda w: answer(302, f"Location: {one_line(w)}\r\n")),
    "fields": ("fhir", lambda w: answer(403, f"Server: {one_line(w)}\r\nETag: {one_line(w)}\r\n{one_line(w)}\r\n")),
    "name of a field": ("fhir", lambda w: answer(403, f"{re.sub('[^a-z0-9-]', '-', w, flags=re.I)[:900]}: 1\r\n")),
    "behind made-up secrets": ("fhir", lambda w: answer(403, "".join(
        f"Authorization: Bearer made-up-secret-{i}\r\n" for i in range(60)) + f"Server: {one_line(w)}\r\n")),
    "id of what was made": ("fhir", lambda w: answer(201, f"Location: Observation/{w[:64]}/_history/1\r\n")),
    "version of what was made": ("fhir", lambda w: answer(201, f'ETag: W/"{w[:64]}"\r\nLocation: Observation/1\r\n')),
    "words of 201": ("fhir", lambda w: answer(201, "", outcome(w))),
}


class Server:
    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.base = f"http://127.0.0.1:{self.listener.getsockname()[1]}/fhir"
        self.place = self.form = None
        self.sent = {}
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            threading.Thread(target=self.serve, args=(self.listener.accept()[0],), daemon=True).start()

    def words(self):
        form = FORMS[self.form]
        kind = self.sent.get("kind", "token")
        secret = TOKEN
        if kind != "token" and "assertion" in self.sent:
            secret = self.sent["assertion"]
        if kind == "signature":
            secret = secret.split(".")[-1]
        return EVIL + form(secret)

    def reply(self, line, body):
        step = "fhir"
        if "/token" in line:
            step = "token"
            self.sent["assertion"] = re.search(r"client_assertion=([^&]+)", body)[1]
        elif ".well-known" in line:
            return answer(200, "", json.dumps({"token_endpoint": self.base[:-5] + "/token"}), "application/json")
        elif "/metadata" in line:
            return answer(200, "", json.dumps({
                "resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "rest": [{"mode": "server", "resource": [
                    {"type": "Observation", "interaction": [{"code": "create"}], "conditionalCreate": True}]}]}))
        if step == PLACES[self.place][0]:
            return PLACES[self.place][1](self.words())
        return answer(200, "", json.dumps({"access_token": TOKEN, "token_type": "Bearer", "expires_in": 300,
                                           "scope": "system/*.cruds"}), "application/json")

    def serve(self, connection):
        with contextlib.suppress(ConnectionError), connection:
            file = connection.makefile("rb")
            while line := file.readline().decode("latin1"):
                size = 0
                while (field := file.readline().strip()):
                    if field.lower().startswith(b"content-length:"):
                        size = int(field.split(b":")[1])
                connection.sendall(self.reply(line, file.read(size).decode()))


def windows(secret):
    """Its fragments, and those of its letters and digits alone, in lower case."""
    for text in (secret.lower(), re.sub(r"[^a-z0-9]", "", secret.lower())):
        for at in range(len(text) - FRAGMENT + 1):
            yield text[at:at + FRAGMENT]


def faults(shown, server):
    try:
        text = shown.decode()
    except UnicodeDecodeError:
        return ["bytes that are no UTF-8"]
    found = [f"U+{ord(c):04X}" for c in text if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") and c not in "\n\t"]
    decoded = re.sub(r"(?:%(?:25)*|\\u00)([0-9A-Fa-f]{2})", lambda match: chr(int(match[1], 16)), text)
    plain = text.lower()
    bare = re.sub("[^a-z0-9]", "", html.unescape(decoded).lower())
    for secret in (TOKEN, server.sent.get("assertion", TOKEN)):
        parts = [part for part in windows(secret) if part in plain or part in bare]
        if parts:
            found.append(f"{len(parts)} fragments such as {parts[0]}")
    return found


def run(server, *arguments, stdin=""):
    command = [SBS, *arguments]
    done = subprocess.run(command, input=stdin.encode(), capture_output=True, timeout=120, check=False)
    problems = faults(done.stdout + done.stderr, server)
    if done.returncode < 0:
        problems.append(f"signal {-done.returncode}")
    for line in done.stderr.decode("utf8", "replace").splitlines():
        if not line.startswith("sbs: "):
            problems.append(f"a line of its own: {line[:60]!r}")
    return problems


def main():
    server = Server()
    failed = 0
    resource = json.dumps({"resourceType": "Observation", "status": "final", "code": {"text": "x"},
                           "identifier": [{"system": "urn:x", "value": "v1"}]})
    options = ["--fhir", server.base, "--allow-http", "--key", KEY, "--client-id", "dev", "--scope", "system/*.cruds",
               "--timeout", "2"]
    for number, place in enumerate(PLACES):
        for index, form in enumerate(FORMS):
            if not EVERY_ONE and (number + index) % 3 != 0:
                continue

            # The three secrets and the commands in turn.
            server.place, server.form = place, form
            server.sent = {"kind": ("token", "assertion", "signature")[(number + index) // 3 % 3]}
            if PLACES[place][0] == "token" and server.sent["kind"] == "token":
                server.sent["kind"] = "assertion"
            problems = []
            if (number + index) % 4 != 0:
                problems += run(server, "get", *options, "--verbose", "Observation/1")
            else:
                with tempfile.TemporaryDirectory() as folder:
                    queue = f"{folder}/q.db"
                    problems += run(server, "queue", "add", "--queue", queue, "-", stdin=resource)
                    problems += run(server, "queue", "push", "--queue", queue, *options, "--wait", "0", "--verbose")
                    for command in ("dead", "list", "show"):
                        problems += run(server, "queue", command, "--queue", queue, *(["1"] if command == "show" else []))
                        problems += run(server, "queue", command, "--queue", queue, "--json",
                                        *(["1"] if command == "show" else []))
            for problem in problems:
                print(f"{place}, {server.sent['kind']}, {form}: {problem}")
                failed += 1
    sys.exit(failed > 0)


main()
