// SPDX-License-Identifier: Apache-2.0
// Faults on the wire, met by a client that counts bytes; records; the admin endpoint.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import tls from 'node:tls';
import { CLIENT, Fixture, identified } from './support.mjs';

const QUIET_MS = 300; // after a whole answer
const SILENT_MS = 3000; // where it is not whole: a busy machine may be late

let server;
before(async () => {
    server = await Fixture.start();
});
after(() => server.stop());
beforeEach(() => server.server.reset());

const arm = (...faults) => server.server.faults.arm(faults);

function isWhole(bytes) {
    const [head, body] = bytes.split('\r\n\r\n');
    return body !== undefined && body.length === Number(/Content-Length: (\d+)/.exec(head)?.[1] ?? NaN);
}

/** One GET over a TLS connection of its own: the bytes, the sizes of the pieces they came in, and how it ended. */
function exchange({ options = {}, path = '/fhir/.well-known/smart-configuration', onSession = () => {} } = {}) {
    return new Promise((resolve) => {
        const tcp = net.connect(server.port, '127.0.0.1');
        const socket = tls.connect({
            socket: tcp,
            servername: 'localhost',
            ca: readFileSync(server.server.caFile),
            ...options,
        });
        socket.on('session', onSession);
        const chunks = [];
        let how = null;
        const done = (text) => {
            how ??= text;
            socket.destroy();
            tcp.destroy();
            resolve({
                bytes: Buffer.concat(chunks).toString('latin1'),
                pieces: chunks.map((chunk) => chunk.length),
                how,
                socket,
            });
        };
        let quiet;
        socket.on('secureConnect', () => {
            socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
            quiet = setTimeout(done, SILENT_MS, 'open');
        });
        socket.on('data', (chunk) => {
            chunks.push(chunk);
            clearTimeout(quiet);
            const whole = isWhole(Buffer.concat(chunks).toString('latin1'));
            quiet = setTimeout(done, whole ? QUIET_MS : SILENT_MS, 'open');
        });
        socket
            .on('end', () => done('end'))
            .on('error', (error) => done(error.code))
            .on('close', () => done('close'));
        tcp.on('error', (error) => done(error.code));
    });
}

/** Asks again on the same connection the moment an answer is whole, until there are `count` answers. */
async function exchanges(count) {
    const request = 'GET /fhir/.well-known/smart-configuration HTTP/1.1\r\nHost: localhost\r\n\r\n';
    const socket = tls.connect({
        port: server.port,
        host: '127.0.0.1',
        servername: 'localhost',
        ca: readFileSync(server.server.caFile),
    });
    const answers = [];
    let text = '';
    socket.write(request);
    for await (const chunk of socket) {
        text += chunk.toString('latin1');
        if (isWhole(text)) {
            if (answers.push(text) === count) break;
            text = '';
            socket.write(request);
        }
    }
    return answers;
}

/** Whether the last record of the connection was a close_notify: 24 bytes in TLS 1.3. */
function saidGoodbye() {
    const { records } = server.server.connections.list().at(-1).down;
    return records.at(-1)[2] === 24;
}

describe('cuts of the answer', () => {
    test('after any number of bytes', async () => {
        const { bytes } = await exchange();
        const withoutDate = (text) => text.replace(/Date: [^\r]*/, '');
        for (const cutAt of [0, 1, 8, 12, 15, 40, bytes.indexOf('\r\n\r\n') + 2, bytes.length - 1]) {
            arm({ on: 'discovery', cutAt });
            const cut = await exchange();
            assert.equal(cut.bytes.length, cutAt);
            assert.equal(withoutDate(cut.bytes), withoutDate(bytes.slice(0, cutAt)));
            assert.notEqual(cut.how, 'open');
            assert.ok(!saidGoodbye());
        }
    });
    test('at named places', async () => {
        const { bytes } = await exchange();
        const head = bytes.indexOf('\r\n\r\n') + 4;
        const places = {
            head: Math.floor(head / 2),
            body: head,
            'mid-body': head + Math.floor((bytes.length - head) / 2),
            end: bytes.length - 1,
            all: bytes.length,
        };
        for (const [cutAt, length] of Object.entries(places)) {
            arm({ on: 'any', cutAt });
            assert.equal((await exchange()).bytes.length, length);
        }
    });
    test('notify sends close_notify, fin does not', async () => {
        arm({ on: 'any', cutAt: 20, cut: 'notify' });
        assert.equal((await exchange()).how, 'end');
        assert.ok(saidGoodbye());
    });
    test('rst', async () => {
        arm({ on: 'any', cutAt: 20, cut: 'rst' });
        assert.deepEqual(await exchange().then(({ how, bytes }) => [how, bytes.length]), ['ECONNRESET', 20]);
    });
    test('stall', async () => {
        arm({ on: 'any', cutAt: 20, cut: 'stall' });
        assert.deepEqual(await exchange().then(({ how, bytes }) => [how, bytes.length]), ['open', 20]);
    });
    test('a stored resource whose answer is lost', async () => {
        await server.token().then((token) => (server.broad = token));
        arm({ on: 'fhir', method: 'POST', cutAt: 0 });
        await assert.rejects(server.fhir('POST', 'Observation', { body: identified('a') }));
        assert.equal((await server.admin('GET', '/stats')).json.identifiers['urn:test|a'], 1);
    });
});

describe('changes of the answer', () => {
    test('split', async () => {
        arm({ on: 'any', split: 1 });
        const { pieces, bytes } = await exchange();
        assert.ok(pieces.every((length) => length === 1));
        assert.match(bytes, /^HTTP\/1\.1 200[^]*\}$/);
        arm({ on: 'any', splitAt: [9, 30], gapMs: 20 });
        assert.deepEqual((await exchange()).pieces.slice(0, 2), [9, 21]);
    });
    test('split, and the next request comes at once', async () => {
        arm({ on: 'any', split: 300, gapMs: 20, times: -1 });
        assert.equal((await exchanges(3)).length, 3);
    });
    test('wrong Content-Length', async () => {
        const length = (text) => Number(/Content-Length: (\d+)/.exec(text)[1]);
        const right = length((await exchange()).bytes);
        for (const contentLength of [10, -3]) {
            arm({ on: 'any', contentLength });
            assert.equal(length((await exchange()).bytes), right + contentLength);
        }
    });
    test('oversized headers, in many lines or in one', async () => {
        arm({ on: 'any', padHeaders: 20_000 });
        const many = (await exchange()).bytes;
        assert.ok(many.length > 20_000 && many.includes('X-Padding-19: '));
        arm({ on: 'any', padHeaders: 20_000, padLine: true });
        assert.match((await exchange()).bytes, /X-Padding-0: p{19900,}\r\n/);
    });
    test('garbage', async () => {
        arm(
            { on: 'any', raw: 'SSH-2.0-OpenSSH\r\n' },
            { on: 'any', raw: { random: 64 } },
            { on: 'any', raw: { base64: 'AAEC' }, cutAt: 'all' },
        );
        assert.equal((await exchange()).bytes, 'SSH-2.0-OpenSSH\r\n');
        assert.equal((await exchange()).bytes.length, 64);
        const last = await exchange();
        assert.deepEqual([last.bytes, last.how === 'open'], ['\0\x01\x02', false]);
    });
    test('a delay before and after the work', async () => {
        const timed = async (fault) => {
            arm({ on: 'any', ...fault });
            const start = performance.now();
            await server.request('GET', `${server.fhirBase}/metadata`);
            return performance.now() - start;
        };
        assert.ok((await timed({ delayMs: 200 })) >= 199);
        assert.ok((await timed({ delayAfterMs: 200 })) >= 199);
    });
});

describe('false answers', () => {
    const discovery = () => server.request('GET', `${server.fhirBase}/.well-known/smart-configuration`);
    const retryAfter = async (value) => {
        arm({ on: 'discovery', status: 503, retryAfter: value });
        return (await discovery()).headers['retry-after'];
    };
    test('503 with Retry-After in all its forms', async () => {
        assert.equal(await retryAfter(2), '2');
        assert.equal(await retryAfter('soon'), 'soon');
        const near = (text) => assert.ok(Math.abs(Date.parse(text) - Date.now() - 30_000) < 2000, text);
        const imf = await retryAfter({ date: 'imf', seconds: 30 });
        assert.match(imf, /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/);
        near(imf);
        assert.match(
            await retryAfter({ date: 'rfc850', seconds: 30 }),
            /^[A-Z][a-z]+day, \d\d-[A-Z][a-z]{2}-\d\d \d\d:\d\d:\d\d GMT$/,
        );
        const asctime = await retryAfter({ date: 'asctime', seconds: 30 });
        assert.match(asctime, /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/);
        near(`${asctime} GMT`);
        assert.ok(Math.abs((await retryAfter({ epoch: 's', seconds: 30 })) - Date.now() / 1000 - 30) < 2);
        assert.ok((await retryAfter({ epoch: 'ms' })) > 1e12);
    });
    test('429 for the next two requests of the FHIR base, after one', async () => {
        server.broad = await server.token();
        arm({ on: 'fhir', status: 429, skip: 1, times: 2, body: { resourceType: 'OperationOutcome' } });
        const statuses = [];
        for (let i = 0; i < 4; i += 1) statuses.push((await server.fhir('GET', 'Observation')).status);
        assert.deepEqual(statuses, [200, 429, 429, 200]);
        assert.equal((await server.admin('GET', '/faults')).json[0].hits, 2);
    });
    test('500 after having stored', async () => {
        server.broad = await server.token();
        arm({ on: 'fhir', method: 'POST', status: 500, process: true });
        assert.equal((await server.fhir('POST', 'Observation', { body: identified('a') })).status, 500);
        assert.equal(server.server.repository.all('Observation').length, 1);
    });
    test('the token request of an armed server is not carried out', async () => {
        arm({ on: 'token', status: 503 });
        assert.equal((await server.postForm(await server.form())).status, 503);
        assert.equal((await server.postForm(await server.form())).status, 200);
    });
    test('a valid token is refused', async () => {
        server.broad = await server.token();
        arm({ on: 'fhir', refuseToken: true });
        const refused = await server.fhir('GET', 'Observation');
        assert.deepEqual(
            [refused.status, refused.headers['www-authenticate']],
            [401, 'Bearer realm="fhir", error="invalid_token"'],
        );
        assert.equal((await server.fhir('GET', 'Observation')).status, 200);
    });
    test('If-None-Exist is ignored', async () => {
        server.broad = await server.token();
        arm({ on: 'fhir', ignoreIfNoneExist: true, skip: 1 });
        const options = { body: identified('a'), headers: { 'If-None-Exist': 'identifier=urn:test%7Ca' } };
        assert.equal((await server.fhir('POST', 'Observation', options)).status, 201);
        assert.equal((await server.fhir('POST', 'Observation', options)).status, 201);
    });
    test('only what the path names', async () => {
        arm({ on: 'any', path: 'metadata$', status: 503 });
        assert.equal((await discovery()).status, 200);
        assert.equal((await server.request('GET', `${server.fhirBase}/metadata`)).status, 503);
    });
});

describe('connections', () => {
    test('closed before and while the request is read', async () => {
        arm({ on: 'connection' }, { on: 'connection', cutAt: 10, cut: 'rst' });
        assert.deepEqual((await exchange()).pieces, []);
        assert.equal((await exchange()).how, 'ECONNRESET');
        assert.equal(server.server.requests.count().requests, 0);
        assert.match((await exchange()).bytes, /^HTTP\/1\.1 200/);
    });
    test('raw: cut after each record that the server sends', async () => {
        await exchange();
        const whole = server.server.connections.list().at(-1).down;
        for (let cutRecord = 0; cutRecord < whole.records.length; cutRecord += 1) {
            arm({ on: 'raw', cutRecord });
            assert.notEqual((await exchange()).how, 'open');
            const { down, faults } = server.server.connections.list().at(-1);
            assert.equal(down.records.length, cutRecord);
            assert.equal(
                down.bytes,
                down.records.reduce((sum, [, , length]) => sum + length, 0),
            );
            assert.equal(faults.length, 1);
        }
    });
    test('raw: cut at bytes, both ways, in all manners', async () => {
        for (const direction of ['up', 'down']) {
            for (const cut of ['fin', 'rst', 'stall']) {
                for (const cutAt of [0, 3, 200, 500]) {
                    arm({ on: 'raw', direction, cutAt, cut });
                    if (cut === 'stall')
                        await Promise.race([exchange(), new Promise((resolve) => setTimeout(resolve, 200))]);
                    else assert.notEqual((await exchange()).how, 'open');
                    assert.equal(server.server.connections.list().at(-1)[direction].bytes, cutAt);
                }
            }
        }
    });
    test('raw: counted across connections', async () => {
        await exchange();
        const { bytes } = server.server.connections.list().at(-1).down;
        arm({ on: 'raw', cutAt: bytes + 300, across: true });
        assert.match((await exchange()).bytes, /\}$/);
        assert.equal((await exchange()).bytes, '');
        const list = server.server.connections.list().slice(-2);
        const total = list[0].down.bytes + list[1].down.bytes;
        assert.equal(total, bytes + 300);
        assert.match((await exchange()).bytes, /\}$/);
    });
    test('raw: counted across connections, one of two that are open at once is cut', async () => {
        for (let i = 0; i < 5; i += 1) {
            arm({ on: 'raw', cutAt: 700, across: true });
            const both = await Promise.all([exchange(), exchange()]);
            assert.equal(both.filter(({ bytes }) => /\}$/.test(bytes)).length, 1);
        }
    });
    test('TLS version, resumption and name are recorded', async () => {
        for (const version of ['TLSv1.2', 'TLSv1.3']) {
            const options = { minVersion: version, maxVersion: version };
            let session;
            await exchange({ options, onSession: (ticket) => (session = ticket) });
            await exchange({ options: { ...options, session } });
            const [first, second] = server.server.connections
                .list()
                .slice(-2)
                .map((each) => each.tls);
            assert.deepEqual([first.protocol, first.resumed, first.servername], [version, false, 'localhost']);
            assert.deepEqual([second.protocol, second.resumed], [version, true]);
        }
    });
});

describe('TLS by choice', () => {
    test('versions', async () => {
        server.server.changeTls({ max: '1.2' });
        assert.match((await exchange({ options: { minVersion: 'TLSv1.3' } })).how, /PROTOCOL_VERSION|ALERT/);
        server.server.changeTls({ min: '1.3', max: '1.3' });
        assert.match((await exchange({ options: { maxVersion: 'TLSv1.2' } })).how, /PROTOCOL_VERSION|ALERT/);
        assert.match((await exchange()).bytes, /^HTTP/);
    });
    test('chains', async () => {
        for (const chain of ['rsa', 'mixed', 'p256']) {
            const changed = (await admin('/tls', { chain })).json;
            assert.equal(changed.caFile, server.server.caFile);
            assert.match((await exchange()).bytes, /^HTTP/);
        }
    });
    test('leaves', async () => {
        const expected = {
            expired: 'CERT_HAS_EXPIRED',
            future: 'CERT_NOT_YET_VALID',
            'wrong-host': 'ERR_TLS_CERT_ALTNAME_INVALID',
        };
        for (const [leaf, how] of Object.entries(expected)) {
            await admin('/tls', { leaf });
            assert.equal((await exchange()).how, how);
        }
    });
    test('another root', async () => {
        const how = (await exchange({ options: { ca: readFileSync(server.otherCaFile) } })).how;
        assert.match(how, /UNABLE_TO_(GET|VERIFY)/);
    });
});

const admin = (path, content) => server.admin('POST', path, content);

describe('the admin endpoint', () => {
    test('refuses what it does not know', async () => {
        const bad = [
            ['/faults', { on: 'nowhere' }],
            ['/faults', { on: 'any', banana: 1 }],
            ['/faults', { on: 'raw' }],
            ['/faults', { on: 'any', cutAt: -1 }],
            ['/faults', 7],
            ['/settings', { banana: 1 }],
            ['/settings', { tokenLifetime: 0 }],
            ['/tls', { chain: 'banana' }],
            ['/tls', { min: '1.3', max: '1.2' }],
            ['/clients', { clientId: 'x', jwks: {} }],
            ['/clients', { clientId: 'x', jwks: { keys: [{ ...server.keys.ec.jwk, d: 'secret' }] } }],
        ];
        for (const [path, content] of bad) {
            const answer = await admin(path, content);
            assert.equal(answer.status, 400, `${path} ${JSON.stringify(content)}`);
            assert.ok(answer.json.error);
        }
        assert.equal((await admin('/banana')).status, 404);
        assert.deepEqual((await server.admin('GET', '/faults')).json, []);
    });
    test('registers and removes clients', async () => {
        const { rsa } = server.keys;
        await admin('/clients', {
            clientId: 'https://device.example/1',
            jwks: { keys: [rsa.jwk] },
            scopes: 'system/Observation.c',
        });
        const { json } = await server.admin('GET', '/clients');
        assert.deepEqual(json[1], {
            clientId: 'https://device.example/1',
            kids: ['rsa-1'],
            scopes: 'system/Observation.c',
            alg: null,
        });
        assert.equal(json[0].clientId, CLIENT);
        const path = `/clients/${encodeURIComponent('https://device.example/1')}`;
        assert.equal((await server.admin('DELETE', path)).status, 200);
        assert.equal((await server.admin('DELETE', path)).status, 404);
    });
    test('shows requests without their secrets', async () => {
        const token = await server.token();
        const text = JSON.stringify(identified('a'));
        await server.fhir('POST', 'Observation', { token, body: text, headers: { 'Accept-Encoding': 'identity' } });
        const { json } = await server.admin('GET', '/requests?where=fhir&method=POST');
        const [record] = json;
        assert.equal(record.body, text);
        assert.equal(record.headers['accept-encoding'], 'identity');
        assert.equal(record.status, 201);
        assert.equal(record.stored.length, 1);
        assert.ok(record.head.some((line) => /^Authorization: Bearer \[\d+ bytes, sha256 [0-9a-f]{16}\]$/.test(line)));
        assert.ok(!JSON.stringify(json).includes(token));
        assert.equal((await server.admin('GET', `/requests/${record.seq}/body`)).text, text);
        assert.equal((await server.admin('GET', `/requests?after=${record.seq}`)).json.length, 0);
        assert.match(
            (await server.admin('GET', '/observations?format=text')).text,
            /8310-5 Body temperature +36\.5 Cel/,
        );
        assert.equal(
            (await server.admin('GET', '/resources/Observation')).text.startsWith('[{"resourceType":"Observation"'),
            true,
        );
    });
});
