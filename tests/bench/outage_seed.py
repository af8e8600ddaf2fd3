#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Pushes Observations as the programme's Python guide has it: PyJWT for the assertion, requests for HTTP.

usage: outage_seed.py FHIR_BASE TOKEN_URL CA KEY CLIENT_ID ITEMS BATCH

Better than the guide in two things, so that the comparison is fair: the session is kept alive, and each create carries
If-None-Exist. It keeps nothing over a restart. Prints how many items were stored.
"""
import json
import sys
import time
import urllib.parse
import uuid

import jwt
import requests

BASE, TOKEN_URL, CA, KEY, CLIENT_ID, ITEMS, BATCH = sys.argv[1:8]
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


def main():
    session = requests.Session()
    session.verify = CA
    session.trust_env = False  # no other roots or proxies from the environment
    token = Token(session)
    stored = 0
    waiting = []
    with open(ITEMS, encoding="utf-8") as file:
        for line in file:
            resource = json.loads(line)
            if BATCH == "1":
                stored += push_one(session, token, resource)
                continue
            waiting.append(resource)
            if len(waiting) == int(BATCH):
                stored += push_batch(session, token, waiting)
                waiting = []
    if waiting:
        stored += push_batch(session, token, waiting)
    print(stored)


main()
