// SPDX-License-Identifier: Apache-2.0
// The hostile server: what each behaviour puts on the wire, and that it checks assertions.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, beforeEach, describe, test } from 'node:test';
import tls from 'node:tls';
import { SignJWT } from 'jose';
import { HostileServer } from '../hostile.mjs';
import { ASSERTION_TYPE, identified, makeKey, now } from './support.mjs';

const LONG_ID = `https://device.example/${'i'.repeat(1200)}`;

let server;
let info;
let keys;
before(async () => {
    server = new HostileServer();
    info = await server.start();
    keys = { RS384: await makeKey('RS384', 'rsa'), ES384: await makeKey('ES384', 'ec') };
    server.clients.register({ clientId: LONG_ID, jwks: { keys: Object.values(keys).map(({ jwk }) => jwk) } });
});
after(() => server.stop());
beforeEach(() => server.reset());

/** Sends one request over a connection of its own, and gives all bytes that come until the end. */
function raw(method, target, { headers = {}, body = '', chunks = [] } = {}) {
    return new Promise((resolve, reject) => {
        const { port } = new URL(info.fhirBase);
        const socket = tls.connect({ port, host: 'localhost', servername: 'localhost', ca: readFileSync(info.caFile) });
        const lines = Object.entries({
            Host: `localhost:${port}`,
            Connection: 'close',
            'Content-Length': body.length,
            ...headers,
        });
        const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
        socket.on('secureConnect', () => socket.write(`${method} ${target} HTTP/1.1\r\n${head}\r\n${body}`));
        socket.on('data', (chunk) => chunks.push(chunk)).on('error', reject);
        socket.on('end', () => resolve(Buffer.concat(chunks).toString('latin1')));
    });
}

async function assertion(tokenUrl, changes = {}, alg = 'RS384') {
    const key = keys[alg];
    const claims = { iss: LONG_ID, sub: LONG_ID, aud: tokenUrl, exp: now() + 240, jti: randomUUID(), ...changes };
    return new SignJWT(claims).setProtectedHeader({ alg, kid: key.kid, typ: 'JWT' }).sign(key.privateKey);
}

const tokenPath = (name) => (name === 'long-url' ? `/with/${name}/token/${'u'.repeat(1200)}` : `/with/${name}/token`);

async function tokenAnswer(name, changes, alg) {
    const tokenUrl = server.origin + tokenPath(name);
    const form = new URLSearchParams({
        grant_type: 'client_credentials',
        scope: 'system/Observation.cruds',
        client_assertion_type: ASSERTION_TYPE,
        client_assertion: await assertion(tokenUrl, changes, alg),
    }).toString();
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
    return raw('POST', tokenPath(name), { headers, body: form });
}

const bodyOf = (text) => text.slice(text.lastIndexOf('\r\n\r\n') + 4);
const discovery = (name) => raw('GET', `/with/${name}/fhir/.well-known/smart-configuration`);

async function create(name, headers = {}, body = JSON.stringify(identified('a'))) {
    const token = JSON.parse(bodyOf(await tokenAnswer('close'))).access_token;
    const all = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/fhir+json', ...headers };
    return raw('POST', `/with/${name}/fhir/Observation`, { headers: all, body });
}

describe('the shape of messages', () => {
    const cases = {
        chunked: new RegExp(
            '^HTTP/1\\.1 200 OK\r\n[^]*Transfer-Encoding: chunked\r\n[^]*\r\n\r\n' +
                '1;name="a \\\\"quoted\\\\" value";flag\r\n\\{\r\n7\r\n[^]*000;last\r\nX-Trailer: one\r\n',
        ),
        close: /\r\nConnection: close\r\n/,
        'until-close': /^HTTP\/1\.1 200 OK\r\n(?![^]*Content-Length)[^]*\}$/,
        'http-1.0': /^HTTP\/1\.0 200 OK\r\n(?![^]*Content-Length)/,
        informational:
            /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 103 Early Hints\r\nLink: [^\r]*\r\n\r\nHTTP\/1\.1 200 OK/,
        'no-reason': /^HTTP\/1\.1 200 \r\n/,
        'odd-headers': /^HTTP\/1\.1 200 OK\r\nx-0: ?\r\n|CONTENT-TYPE: \t|content-type: \t/,
        bytes: /^HTTP\/1\.1 200 OK/,
    };
    for (const [name, pattern] of Object.entries(cases)) {
        test(name, async () => assert.match(await discovery(name), pattern));
    }
    test('bytes come singly', async () => {
        const chunks = [];
        await raw('GET', '/with/bytes/fhir/.well-known/smart-configuration', { chunks });
        assert.ok(chunks.every((chunk) => chunk.length === 1));
    });
});

describe('discovery and token', () => {
    test('relative-token', async () =>
        assert.equal(JSON.parse(bodyOf(await discovery('relative-token'))).token_endpoint, '../token'));
    test('minimal-discovery', async () => {
        assert.deepEqual(Object.keys(JSON.parse(bodyOf(await discovery('minimal-discovery')))), ['token_endpoint']);
    });
    test('html-discovery', async () => assert.match(await discovery('html-discovery'), /text\/html/));
    const members = async (name) => JSON.parse(bodyOf(await tokenAnswer(name)));
    test('long-url, with a client id as long', async () => {
        const { token_endpoint } = JSON.parse(bodyOf(await discovery('long-url')));
        assert.equal(token_endpoint, server.origin + tokenPath('long-url'));
        assert.ok((await members('long-url')).access_token);
    });
    test('lower-bearer', async () => assert.equal((await members('lower-bearer')).token_type, 'bearer'));
    test('no-expires', async () => assert.ok(!('expires_in' in (await members('no-expires')))));
    test('text-expires', async () => assert.equal((await members('text-expires')).expires_in, '300'));
    test('decimal-expires', async () => assert.match(await tokenAnswer('decimal-expires'), /"expires_in":300\.0,/));
    test('no-scope', async () => assert.ok(!('scope' in (await members('no-scope')))));
    test('version-1-scope', async () => assert.match((await members('version-1-scope')).scope, /\.write/));
    test('long-token', async () => assert.equal((await members('long-token')).access_token.length, 8192));
    test('odd-json is JSON', async () => assert.match((await members('odd-json')).access_token, /^[\w-]{32}$/));
    test('status-201', async () => assert.match(await tokenAnswer('status-201'), /^HTTP\/1\.1 201/));
    test('html-token', async () => assert.match(await tokenAnswer('html-token'), /^HTTP\/1\.1 200[^]*<html>/));
    test('null-description', async () =>
        assert.match(await tokenAnswer('null-description'), /^HTTP\/1\.1 400[^]*"error_description":null/));
    test('text-error', async () => assert.match(await tokenAnswer('text-error'), /^HTTP\/1\.1 403[^]*not you$/));
    test('ES384', async () => assert.match(await tokenAnswer('close', {}, 'ES384'), /^HTTP\/1\.1 200/));
    for (const [reason, changes] of Object.entries({
        aud: { aud: 'x' },
        'iss or sub': { sub: 'x' },
        exp: { exp: now() + 900 },
        jti: { jti: 1 },
    })) {
        test(`a wrong ${reason} is refused`, async () => {
            assert.match(await tokenAnswer('close', changes), /^HTTP\/1\.1 400/);
            assert.equal(server.requests.select({ where: 'token', method: null, after: 0 }).at(-1).reason, reason);
        });
    }
    test('a foreign signature is refused', async () => {
        const mine = keys.RS384;
        keys.RS384 = await makeKey('RS384', 'rsa');
        assert.match(await tokenAnswer('close'), /^HTTP\/1\.1 400/);
        keys.RS384 = mine;
    });
});

describe('FHIR', () => {
    test('a create, and the same again', async () => {
        const headers = { 'If-None-Exist': 'identifier=urn:test%7Ca' };
        assert.match(await create('close', headers), /^HTTP\/1\.1 201 Created\r\n[^]*Location: https:/);
        assert.match(await create('close', headers), /^HTTP\/1\.1 200 OK/);
        assert.equal(server.service.resources.size, 1);
    });
    test('html-fhir', async () => assert.match(await create('html-fhir'), /^HTTP\/1\.1 200[^]*<html>/));
    test('empty-401', async () => assert.match(await create('empty-401'), /^HTTP\/1\.1 401 (?![^]*WWW)[^]*\r\n\r\n$/));
    test('empty-403', async () => assert.match(await create('empty-403'), /^HTTP\/1\.1 403 [^]*\r\n\r\n$/));
    test('duplicate-412', async () => assert.match(await create('duplicate-412'), /^HTTP\/1\.1 412/));
    test('no-location', async () =>
        assert.match(await create('no-location'), /^HTTP\/1\.1 201 (?![^]*Location)[^]*\r\n\r\n$/));
    test('relative-location', async () =>
        assert.match(await create('relative-location'), /\r\nLocation: Observation\/[\w-]+\r\n/));
    test('echo-large', async () => assert.ok((await create('echo-large')).length > 100_000));
    test('not JSON', async () => assert.match(await create('close', {}, '{"resourceType"'), /^HTTP\/1\.1 400/));
    test('a token is needed', async () => assert.match(await raw('GET', '/fhir/Observation'), /^HTTP\/1\.1 401/));
});

describe('what is wrong', () => {
    const writes = {
        'login-200': [/^HTTP\/1\.1 200[^]*\{"login"/, 0],
        'outcome-200': [/^HTTP\/1\.1 200[^]*"severity":"error"/, 0],
        'status-202': [/^HTTP\/1\.1 202/, 0],
        'stored-202': [/^HTTP\/1\.1 202/, 1],
        'text-201': [/^HTTP\/1\.1 201[^]*text\/plain[^]*\r\n\r\nOK$/, 1],
        'coded-success': [/^HTTP\/1\.1 201[^]*Content-Encoding: gzip\r\n\r\n\x1f\x8b/, 1],
        'coded-empty': [/^HTTP\/1\.1 204[^]*Content-Encoding: gzip\r\n\r\n$/, 1],
        'status-304': [/^HTTP\/1\.1 304/, 0],
        'already-412': [/^HTTP\/1\.1 412[^]*there already/, 0],
    };
    for (const [name, [pattern, stored]] of Object.entries(writes)) {
        test(name, async () => {
            assert.match(await create(name), pattern);
            assert.equal(server.service.resources.size, stored);
        });
    }
    test('folded, bom, no-date', async () => {
        assert.match(await discovery('folded'), /Content-Security-Policy: default-src 'none';\r\n frame-ancestors/);
        assert.match(bodyOf(await discovery('bom')), /^\xef\xbb\xbf\{/);
        assert.doesNotMatch(await discovery('no-date'), /\r\nDate:/);
    });
    test('retry-1: once, and again after a reset', async () => {
        assert.match(await create('retry-1'), /^HTTP\/1\.1 429[^]*Retry-After: 1\r\n/);
        assert.match(await create('retry-1'), /^HTTP\/1\.1 201/);
        server.reset();
        assert.match(await create('retry-1'), /^HTTP\/1\.1 429/);
    });
    test('error-200, null-members, slow-clock', async () => {
        assert.match(await tokenAnswer('error-200'), /^HTTP\/1\.1 200[^]*"error":"invalid_client"/);
        assert.match(await tokenAnswer('null-members'), /"scope":null[^]*"refresh_token":null/);
        assert.match(await tokenAnswer('slow-clock', { iat: now() }), /^HTTP\/1\.1 400/);
        assert.match(await tokenAnswer('slow-clock', { iat: now() - 130 }), /^HTTP\/1\.1 200/);
    });
    test('a batch in reverse', async () => {
        const entry = ['a', 'b'].map((id) => ({
            resource: identified(id),
            request: { method: 'POST', url: 'Observation', ifNoneExist: `identifier=urn:test%7C${id}` },
        }));
        const token = JSON.parse(bodyOf(await tokenAnswer('close'))).access_token;
        const post = async (name) => {
            const headers = { Authorization: `Bearer ${token}` };
            const body = JSON.stringify({ resourceType: 'Bundle', type: 'batch', entry });
            return JSON.parse(bodyOf(await raw('POST', `/with/${name}/fhir`, { headers, body }))).entry;
        };
        const [first] = await post('close');
        assert.equal(first.response.status, '201 Created');
        server.reset();
        assert.equal((await post('batch-left-out')).length, 1);
        assert.deepEqual(
            (await post('batch-reordered+batch-words')).map(({ response }) => response.status),
            ['Created', 'Created'],
        );
    });
});

test('behaviours combine; an unknown one is 404', async () => {
    assert.match(await discovery('chunked+informational+relative-token'), /^HTTP\/1\.1 100[^]*chunked/);
    assert.match(await discovery('chunked+banana'), /^HTTP\/1\.1 404/);
});
