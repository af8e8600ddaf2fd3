// SPDX-License-Identifier: Apache-2.0
// The provisioning record, written by the description in boards/firmware/README.md, and the console's way to take it:
// for what `sbs provision` never sends.
import { fields } from './device.mjs';

const TAGS = { fhir: 1, tokenUrl: 2, clientId: 3, scope: 4, kid: 5, subject: 6, patient: 7, patientSystem: 8, ntp: 9 };
const TAG_SETTINGS = 10;
const TAG_CA = 11;
const TAG_SECRET = 12;
const PIECE = 96;

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
    return value >>> 0;
});

export function crc32(bytes) {
    let crc = 0xffffffff;
    for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 255] ^ (crc >>> 8);
    return (crc ^ 0xffffffff) >>> 0;
}

function little(value, size) {
    const out = Buffer.alloc(size);
    out.writeUIntLE(value, 0, size);
    return out;
}

const field = (tag, data) => Buffer.concat([Buffer.from([tag]), little(data.length, 2), data]);

/** A PEM file's certificates as DER. */
export function pemToDer(pem) {
    return [...pem.matchAll(/-----BEGIN CERTIFICATE-----([\s\S]*?)-----END/g)].map(([, text]) =>
        Buffer.from(text, 'base64'),
    );
}

/** The bytes of a record: texts as TAGS names them, `ca` a list of DER certificates, `settings` over the defaults, `secret` that of a gateway. */
export function record({ ca = [], settings = {}, secret, version = secret === undefined ? 1 : 2, ...texts }) {
    const { tokenPolicy = 0, kidMethod = 0, alg = 0, writeMode = 0, unknownTime = 0, full = 0, zone = 0, ...rest } = settings;
    const { interval = 0, firstDelay = 0 } = rest;
    const string = (tag, text) => field(tag, Buffer.from(`${text}\0`, 'latin1'));
    const strings = Object.entries(TAGS)
        .filter(([name]) => texts[name] !== undefined)
        .map(([name, tag]) => string(tag, texts[name]));
    const head = Buffer.from([tokenPolicy, kidMethod, alg, writeMode, unknownTime, full]);
    const tail = [little(zone & 0xffff, 2), little(interval, 4), little(firstDelay, 2)];
    const body = [...strings, field(TAG_SETTINGS, Buffer.concat([head, ...tail])), ...ca.map((der) => field(TAG_CA, der))];
    if (secret !== undefined) body.push(string(TAG_SECRET, secret));
    return sealed(Buffer.concat(body), version);
}

/** Header and checksum around any bytes. */
export function sealed(body, version = 1) {
    const length = 8 + body.length + 4;
    const start = Buffer.concat([Buffer.from('SBSR'), Buffer.from([version, 0]), little(length, 2), body]);
    return Buffer.concat([start, little(crc32(start), 4)]);
}

/**
 * Writes bytes to a device as a record; `change(line, index)` may spoil a line. Returns what the device said to the end
 * of it, without "provision: ": 'trying', 'stored', 'error field=...'.
 */
export async function speak(device, bytes, change = (line) => line) {
    let answer = await said(device, `provision begin ${bytes.length}`);
    for (let index = 0, at = 0; ; index++) {
        const [word, number] = answer.split(' ');
        if (!['ready', 'ok', 'again'].includes(word)) return answer;
        at = word === 'ready' ? 0 : Number(number);
        if (at >= bytes.length) return said(device, 'provision end');
        const piece = bytes.subarray(at, at + PIECE);
        const crc = crc32(piece).toString(16).padStart(8, '0');
        answer = await said(device, change(`provision data ${at} ${piece.toString('base64url')} ${crc}`, index));
    }
}

async function said(device, line) {
    return (await device.ask(line, /^provision: (.*)$/))[1];
}

/** `error field=NAME why` as {field, why}. */
export function refusal(answer) {
    const [, why] = /^error field=\S+ (.*)$/.exec(answer) ?? [];
    return { ...fields(answer), why };
}
