#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Pushes Observations as the programme's Python guide has it: PyJWT for the assertion, requests for HTTP.

usage: outage_seed.py FHIR_BASE TOKEN_URL CA KEY CLIENT_ID ITEMS BATCH [letter | FILE]

Better than the guide in two things, so that the comparison is fair: the session is kept alive, and each create carries
If-None-Exist. It keeps nothing over a restart. "letter": as the guide has it, a connection for each request. FILE: the
items come out of an SQLite table there, and leave it with one commit for each request, which is the least that loses
none. Prints how many items were stored.
"""
import json
import sqlite3
import sys
import time
import urllib.parse
import uuid

import jwt
import requests

BASE, TOKEN_URL, CA, KEY, CLIENT_ID, ITEMS, BATCH = sys.argv[1:8]
HOW = sys.argv[8] if len(sys.argv) > 8 else "session"
TYPE = "application/fhir+json"


class Token:
    def __init__(self, session):
        self.session = session
        self.until = 0
        with open(KEY, encoding="ascii") as file:
            self.key = file.read()

    def get(self):
        now = int(time.time())
        if now >= self.until:
            claims = {"iss": CLIENT_ID, "sub": CLIENT_ID, "aud": TOKEN_URL, "iat": now, "exp": now + 240,
                      "jti": uuid.uuid4().hex}
            answer = self.session.post(TOKEN_URL, data={
                "grant_type": "client_credentials",
                "scope": "system/Observation.cruds",
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                "client_assertion": jwt.encode(claims, self.key, algorithm="RS384", headers={"kid": "outage"}),
            })
            answer.raise_for_status()
            self.value = answer.json()["access_token"]
            self.until = now + answer.json()["expires_in"] - 30
        return self.value


def search_of(resource):
    identifier = resource["identifier"][0]
    return "identifier=" + urllib.parse.quote(f"{identifier['system']}|{identifier['value']}", safe="")


def push_one(session, token, resource):
    answer = session.post(f"{BASE}/Observation", data=json.dumps(resource), headers={
        "Authorization": f"Bearer {token.get()}", "Content-Type": TYPE, "Accept": TYPE,
        "If-None-Exist": search_of(resource)})
    answer.raise_for_status()
    return 1


def push_batch(session, token, resources):
    entries = [{"resource": resource, "request": {"method": "POST", "url": "Observation",
                                                  "ifNoneExist": search_of(resource)}} for resource in resources]
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": entries}
    answer = session.post(BASE, data=json.dumps(bundle), headers={
        "Authorization": f"Bearer {token.get()}", "Content-Type": TYPE, "Accept": TYPE})
    answer.raise_for_status()
    return sum(entry["response"]["status"][:2] == "20" for entry in answer.json()["entry"])


def lines():
    """Yields each item's number and text."""
    with open(ITEMS, encoding="utf-8") as file:
        yield from enumerate(file)


class Outbox:
    """What is to be sent, on a disk."""

    def __init__(self, path):
        self.db = sqlite3.connect(path)
        self.db.execute("pragma journal_mode = wal")
        self.db.execute("pragma synchronous = full")
        self.db.execute("create table outbox (id integer primary key, body text not null)")
        with self.db:
            self.db.executemany("insert into outbox values (?, ?)", lines())

    def __iter__(self):
        last = -1
        while rows := self.db.execute("select id, body from outbox where id > ? order by id limit 1", (last,)).fetchall():
            last = rows[0][0]
            yield rows[0]

    def done(self, numbers):
        with self.db:
            self.db.executemany("delete from outbox where id = ?", [(number,) for number in numbers])


class Nothing:
    """The items come from the file, and nobody notes what became of them."""

    def __iter__(self):
        return lines()

    def done(self, numbers):
        pass


class EachAnew:
    """Requests without a session, as the guide makes them."""

    @staticmethod
    def post(url, **more):
        return requests.post(url, verify=CA, timeout=60, **more)


def make_session():
    if HOW == "letter":
        return EachAnew()
    session = requests.Session()
    session.verify = CA
    session.trust_env = False  # no other roots or proxies from the environment
    return session


def main():
    session = make_session()
    token = Token(session)
    outbox = Nothing() if HOW in ("session", "letter") else Outbox(HOW)
    begin = time.monotonic()
    stored = 0
    waiting = []
    for number, line in outbox:
        waiting.append((number, json.loads(line)))
        if len(waiting) == int(BATCH):
            stored += push(session, token, waiting)
            outbox.done([each for each, _ in waiting])
            waiting = []
    if waiting:
        stored += push(session, token, waiting)
        outbox.done([each for each, _ in waiting])
    print(stored, time.monotonic() - begin)


def push(session, token, waiting):
    if BATCH == "1":
        return push_one(session, token, waiting[0][1])
    return push_batch(session, token, [resource for _, resource in waiting])


main()
