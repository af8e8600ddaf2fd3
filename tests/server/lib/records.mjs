// SPDX-License-Identifier: Apache-2.0
// What the server remembers of requests and connections. Secrets are kept as length and the start of a hash only.
import { createHash } from 'node:crypto';

const MAX_REQUESTS = 20_000;
const MAX_CONNECTIONS = 20_000;
const HASH_SHOWN = 16;

export const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

function shortened(secret) {
    return `[${Buffer.byteLength(secret)} bytes, sha256 ${sha256(secret).slice(0, HASH_SHOWN)}]`;
}

function withoutSecret(name, value) {
    if (name.toLowerCase() !== 'authorization') return value;
    const blank = value.indexOf(' ');
    return blank < 0 ? shortened(value) : `${value.slice(0, blank)} ${shortened(value.slice(blank + 1))}`;
}

function headLines(req) {
    const lines = [`${req.method} ${req.url} HTTP/${req.httpVersion}`];
    for (let i = 0; i < req.rawHeaders.length; i += 2) {
        lines.push(`${req.rawHeaders[i]}: ${withoutSecret(req.rawHeaders[i], req.rawHeaders[i + 1])}`);
    }
    return lines;
}

function shownHeaders(req) {
    return Object.fromEntries(Object.entries(req.headers).map(([name, value]) => [name, withoutSecret(name, value)]));
}

function decodedPart(part) {
    const text = Buffer.from(part ?? '', 'base64url').toString('utf8');
    try {
        return { text, json: JSON.parse(text) };
    } catch {
        return { text, json: null };
    }
}

function describeAssertion(assertion) {
    const parts = assertion.split('.');
    const header = decodedPart(parts[0]);
    const claims = decodedPart(parts[1]);
    return {
        header: header.json,
        claims: claims.json,
        headerText: header.text,
        claimsText: claims.text,
        bytes: assertion.length,
        sha256: sha256(assertion),
    };
}

/** The token request's pairs in order; the assertion's signature is not kept. */
function describeForm(text) {
    const pairs = [...new URLSearchParams(text)];
    const assertion = pairs.find(([name]) => name === 'client_assertion')?.[1];
    const signature = assertion?.split('.')[2];
    return {
        form: pairs.map(([name, value]) => [name, name === 'client_assertion' ? shortened(value) : value]),
        formText: signature ? text.replace(signature, '[signature]') : text,
        assertion: assertion === undefined ? null : describeAssertion(assertion),
    };
}

export function placeOf(target) {
    const path = target.split('?')[0];
    if (path === '/token') return 'token';
    if (path === '/fhir/.well-known/smart-configuration') return 'discovery';
    if (path === '/fhir/metadata') return 'metadata';
    return path === '/fhir' || path.startsWith('/fhir/') ? 'fhir' : 'other';
}

export class Requests {
    #list = [];
    #bodies = new Map();
    #nextSeq = 1;

    begin(req, connection) {
        const record = {
            seq: this.#nextSeq++,
            connection: connection.connection,
            time: new Date().toISOString(),
            where: placeOf(req.url),
            method: req.method,
            target: req.url,
            httpVersion: req.httpVersion,
            head: headLines(req),
            headers: shownHeaders(req),
            bodyLength: 0,
            status: null,
            reason: null,
            faults: [],
            stored: [],
        };
        connection.requests.push(record.seq);
        this.#list.push(record);
        if (this.#list.length > MAX_REQUESTS) this.#bodies.delete(this.#list.shift().seq);
        return record;
    }

    addBody(record, body) {
        record.bodyLength = body.length;
        record.bodySha256 = sha256(body);
        if (record.where === 'token') return Object.assign(record, describeForm(body.toString('latin1')));
        record.body = body.toString('utf8');
        this.#bodies.set(record.seq, body);
        return record;
    }

    body(seq) {
        return this.#bodies.get(seq);
    }

    select({ where, method, after }) {
        return this.#list.filter(
            (record) =>
                (where === null || record.where === where) &&
                (method === null || record.method === method) &&
                record.seq > after,
        );
    }

    count() {
        const byWhere = {};
        for (const { where } of this.#list) byWhere[where] = (byWhere[where] ?? 0) + 1;
        return { requests: this.#list.length, byWhere };
    }

    clear() {
        this.#list = [];
        this.#bodies.clear();
    }
}

const shownDirection = (scanner) => ({ bytes: scanner?.bytes ?? 0, records: scanner?.records ?? [] });

/** The name in the ClientHello (RFC 8446 section 4.1.2), null if there is none. */
function askedName(hello) {
    try {
        let at = 5 + 4 + 2 + 32; // headers of record and message, version, random
        at += 1 + hello.readUInt8(at); // session
        at += 2 + hello.readUInt16BE(at); // cipher suites
        at += 1 + hello.readUInt8(at); // compression
        for (at += 2; ; at += 4 + hello.readUInt16BE(at + 2)) {
            if (hello.readUInt16BE(at) !== 0) continue;
            return hello.toString('latin1', at + 9, at + 9 + hello.readUInt16BE(at + 7));
        }
    } catch {
        return null;
    }
}

export class Connections {
    #list = [];
    #next = 1;

    open() {
        const record = { connection: this.#next++, open: true, tls: null, hello: Buffer.alloc(0), requests: [], faults: [] };
        this.#list.push(record);
        if (this.#list.length > MAX_CONNECTIONS) this.#list.shift();
        return record;
    }

    close(record) {
        record.open = false;
    }

    list() {
        return this.#list.map(({ connection, open, tls, hello, requests, faults, up, down }) => ({
            connection,
            open,
            tls,
            askedName: askedName(hello),
            requests,
            faults,
            up: shownDirection(up),
            down: shownDirection(down),
        }));
    }

    clear() {
        this.#list = this.#list.filter((record) => record.open);
    }
}
