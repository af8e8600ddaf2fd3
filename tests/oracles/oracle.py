#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What other implementations say: Python's cryptography and PyJWT.

usage: oracle.py jwk PEM            the JWK of a private or public key, as json.dumps(..., indent=2) prints it
       oracle.py thumbprint PEM     RFC 7638, SHA-256
       oracle.py seed-assertion PEM CLIENT_ID AUD IAT
       oracle.py verify JWKS CLIENT_ID AUD < assertion
                                    verifies with the one key of the set that the kid names; prints the claims
"""
import base64
import hashlib
import json
import sys

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value, size=0):
    return encode(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def read_private(path):
    with open(path, "rb") as file:
        return serialization.load_pem_private_key(file.read(), password=None)


def read_public(path):
    with open(path, "rb") as file:
        pem = file.read()
    if b"PRIVATE KEY" in pem:
        return serialization.load_pem_private_key(pem, password=None).public_key()
    return serialization.load_pem_public_key(pem)


def seed_kid(key):
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.urlsafe_b64encode(hashlib.sha256(pem).digest()).decode()[:16]


def required_members(key):
    numbers = key.public_numbers()
    if isinstance(key, ec.EllipticCurvePublicKey):
        return {"crv": "P-384", "kty": "EC", "x": number(numbers.x, 48), "y": number(numbers.y, 48)}
    return {"e": number(numbers.e), "kty": "RSA", "n": number(numbers.n)}


def jwk(path):
    key = read_public(path)
    required = required_members(key)
    order = "kty crv x y use kid alg" if required["kty"] == "EC" else "kty e use kid alg n"
    members = dict(required, use="sig", kid=seed_kid(key), alg="ES384" if required["kty"] == "EC" else "RS384")
    print(json.dumps({name: members[name] for name in order.split()}, indent=2))


def thumbprint(path):
    text = json.dumps(required_members(read_public(path)), sort_keys=True, separators=(",", ":"))
    print(encode(hashlib.sha256(text.encode()).digest()))


def seed_assertion(path, client_id, aud, iat):
    claims = {"iss": client_id, "sub": client_id, "aud": aud, "iat": int(iat), "exp": int(iat) + 300}
    print(jwt.encode(claims, read_private(path), algorithm="RS384"))


def verify(path, client_id, aud):
    text = sys.stdin.read()
    assertion = text.rstrip("\n")
    if text != assertion + "\n" or assertion.count(".") != 2 or "=" in assertion:
        sys.exit("oracle: no compact JWS and one newline")
    header = jwt.get_unverified_header(assertion)
    with open(path, encoding="utf-8") as file:
        keys = [key for key in json.load(file)["keys"] if key["kid"] == header["kid"]]
    if len(keys) != 1 or keys[0]["alg"] != header["alg"] or header["typ"] != "JWT":
        sys.exit("oracle: the header names no key of the set")
    algorithm = jwt.get_algorithm_by_name(header["alg"]) if hasattr(jwt, "get_algorithm_by_name") else (
        jwt.algorithms.get_default_algorithms()[header["alg"]])
    claims = jwt.decode(assertion, algorithm.from_jwk(json.dumps(keys[0])), algorithms=[header["alg"]], audience=aud,
                        options={"require": ["iss", "sub", "aud", "exp", "iat", "jti"]})
    if claims["iss"] != client_id or claims["sub"] != client_id or claims["aud"] != aud:
        sys.exit("oracle: wrong claims")
    if claims["exp"] - claims["iat"] > 300 or len(claims["jti"]) < 16:
        sys.exit("oracle: lifetime or jti")
    print(json.dumps(claims))


COMMANDS = {"jwk": jwk, "thumbprint": thumbprint, "seed-assertion": seed_assertion, "verify": verify}

if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in COMMANDS:
        sys.exit(__doc__)
    COMMANDS[sys.argv[1]](*sys.argv[2:])
