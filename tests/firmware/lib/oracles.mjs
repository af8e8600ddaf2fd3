// SPDX-License-Identifier: Apache-2.0
// What the firmware says and sends, worked out again with Node's own means.
import assert from 'node:assert/strict';
import { createECDH, createHash, createPublicKey } from 'node:crypto';

const sha256 = (text) => createHash('sha256').update(text).digest();

/** RFC 7638: the required members in lexicographic order, without white space. */
export function thumbprint(jwk) {
    const names = jwk.kty === 'RSA' ? ['e', 'kty', 'n'] : ['crv', 'kty', 'x', 'y'];
    const members = names.map((name) => `${JSON.stringify(name)}:${JSON.stringify(jwk[name])}`);
    return sha256(`{${members.join(',')}}`).toString('base64url');
}

/** The kid that the programme's document uses: of the public key's PEM text. */
export function seedKid(jwk) {
    const pem = createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
    return sha256(pem).toString('base64url').slice(0, 16);
}

export function assertPublicKey(jwk, alg) {
    assert.equal(jwk.alg, alg);
    assert.equal(jwk.use, 'sig');
    assert.equal(jwk.kid, seedKid(jwk));
    const secret = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'].filter((name) => name in jwk);
    assert.deepEqual(secret, [], 'private members in the JWK');
    if (alg === 'RS384') assert.equal(Buffer.from(jwk.n, 'base64url').length, 256);
    else assert.equal(jwk.crv, 'P-384');
}

const STORED_KEY = Buffer.from('PSA\0KEY\0');
const STORED_HEAD_MAX = 64;
const SCALAR = 48;

/** Bytes of the private key to this public one as they stand in `flash`, null if they do not: an RSA key's modulus, or
 *  the scalar, found by trying what follows each head of a stored key. */
export function privateBytes(jwk, flash) {
    if (jwk.kty === 'RSA') {
        const modulus = Buffer.from(jwk.n, 'base64url');
        return flash.includes(modulus) ? modulus : null;
    }
    const point = Buffer.concat([Buffer.from([4]), Buffer.from(jwk.x, 'base64url'), Buffer.from(jwk.y, 'base64url')]);
    for (let at = flash.indexOf(STORED_KEY); at >= 0; at = flash.indexOf(STORED_KEY, at + 1)) {
        for (let skip = STORED_KEY.length; skip < STORED_HEAD_MAX; skip++) {
            const scalar = flash.subarray(at + skip, at + skip + SCALAR);
            if (publicPoint(scalar)?.equals(point)) return Buffer.from(scalar);
        }
    }
    return null;
}

function publicPoint(scalar) {
    const ecdh = createECDH('secp384r1');
    try {
        ecdh.setPrivateKey(scalar);
        return ecdh.getPublicKey();
    } catch {
        return null;
    }
}

export const PHD = 'http://hl7.org/fhir/uv/phd/StructureDefinition/PhdBaseObservation';
export const SEQUENCE = 'urn:uuid:5a69429f-2803-4aed-8ef5-f8170749b11a';
const MDC = 'urn:iso:std:iso:11073:10101';
const EUI64 = 'urn:oid:1.2.840.10004.1.1.1.0.0.1.0.0.1.2680';
const HTEST = { system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: 'HTEST' };
const SECONDS_TO_2000 = 946_684_800;
const CLOCK_SLACK_S = 3;

const QUANTITIES = {
    150364: { loinc: '8310-5', code: 'Cel', from: 36, to: 39.5, category: 'vital-signs' },
    160184: { loinc: '15074-8', code: 'mmol/L', from: 3.5, to: 10.5, category: 'laboratory' },
};

/** libsbs's rule for ids of PUT: 160 bits of the SHA-256 of the identifier. */
export const derivedId = (system, value) => `sbs-${sha256(`${system}|${value}`).toString('hex').slice(0, 40)}`;

export function assertDevice(resource) {
    const [{ system, value }] = resource.identifier;
    assert.equal(system, EUI64);
    assert.match(value, /^([0-9A-F]{2}-){7}[0-9A-F]{2}$/);
    assert.equal(resource.id, derivedId(system, value));
    assert.equal(resource.status, 'active');
    assertMarked(resource);
}

function assertMarked(resource) {
    const marks = resource.meta.security.map(({ system, code }) => ({ system, code }));
    assert.deepEqual(marks, [HTEST]);
}

/** A measurement of the demonstration meter as it must stand on the server; `subject` is "Patient/ID". */
export function assertMeasurement(observation, { device, subject, written = 'put' }) {
    const [{ system, value }] = observation.identifier;
    assert.equal(system, PHD);
    const eui = device.identifier[0].value.replaceAll('-', '');
    const [, patient, type, seconds] = /^[0-9A-F]{16}-(.+)-(\d+)-(\d+\.\d{6})$/.exec(value) ?? assert.fail(value);
    assert.ok(value.startsWith(`${eui}-`), value);
    assert.equal(patient, subject.split('/').at(-1));
    const quantity = QUANTITIES[type];
    assert.ok(quantity, `type ${type}`);
    const codes = Object.fromEntries(observation.code.coding.map((coding) => [coding.system, coding.code]));
    assert.equal(codes[MDC], type);
    assert.equal(codes['http://loinc.org'], quantity.loinc);
    assert.equal(observation.category[0].coding[0].code, quantity.category);
    assert.equal(observation.status, 'final');
    assert.equal(observation.subject.reference, subject);
    assert.equal(observation.device.reference, `Device/${device.id}`);
    const at = Date.parse(observation.effectiveDateTime) / 1000;
    assert.ok(Math.abs(at - SECONDS_TO_2000 - Number(seconds)) < CLOCK_SLACK_S, `${value} at ${observation.effectiveDateTime}`);
    assert.equal(observation.valueQuantity.code, quantity.code);
    assert.equal(observation.valueQuantity.system, 'http://unitsofmeasure.org');
    assert.ok(observation.valueQuantity.value >= quantity.from && observation.valueQuantity.value <= quantity.to);
    if (written === 'put') assert.equal(observation.id, derivedId(system, value));
    assertMarked(observation);
    return value;
}
