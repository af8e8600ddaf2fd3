// SPDX-License-Identifier: Apache-2.0
// Answers that are broken, dripping, too long or nonsense: a clean message, nothing lost, nothing twice.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { SEED, nameOf, numbers, observation } from './lib/observations.mjs';
import { assertFails, lastMessage, ok, pushLines, sbs } from './lib/sbs.mjs';
import { MainServer } from './lib/server.mjs';

const PLACES = ['metadata', 'discovery', 'token', 'fhir'];
const HEAD = 'HTTP/1.1 200 OK\r\n';

let server;
before(async () => {
    server = await MainServer.start();
});
after(() => server.stop());
beforeEach(() => server.reset());

const push = (id, more = [], timeout = 2) =>
    sbs(['push', ...server.options({ timeout }), '--wait', '1', ...more, '-'], { input: observation(id) });
const held = (id) => server.held(nameOf(id));

/** Whatever happened: not twice; what is told to be stored is; once all is well, a push makes it exactly one. */
async function assertSafe(result, id) {
    assert.ok([0, 1, 3, 4].includes(result.status), result.text);
    const count = await held(id);
    assert.ok(count <= 1, `${count} times: ${result.text}`);
    if (result.status === 0) assert.equal(count, 1, result.text);
    else assert.ok(lastMessage(result).length > 10, result.text);
    await server.clearFaults();
    const again = await push(id);
    assert.equal(again.status, 0, again.text);
    assert.equal(await held(id), 1, again.text);
}

describe('answers in pieces', () => {
    for (const [name, fault] of [
        ['single bytes', { split: 1 }],
        ['pairs', { split: 2 }],
        ['sevens', { split: 7 }],
        ['split at the ends of lines', { splitAt: [15, 16, 17, 18] }],
    ]) {
        test(name, async () => {
            await server.faults({ on: 'any', times: -1, ...fault });
            const result = await push('pieces', [], 30);
            assert.equal(result.status, 0, result.text);
            assert.equal(await held('pieces'), 1);
            const { stdout } = await ok([
                'get',
                ...server.options(),
                `Observation?identifier=${encodeURIComponent(nameOf('pieces'))}`,
            ]);
            assert.match(stdout, /"value":36\.50[,}]/);
        });
    }
    test('gaps below the time limit', async () => {
        await server.faults({ on: 'any', times: -1, split: 500, gapMs: 20 });
        assert.equal((await push('gaps', ['--write-mode', 'put'], 30)).status, 0);
    });
});

describe('wrong Content-Length', () => {
    for (const on of PLACES) {
        for (const [name, fault] of [
            ['too large, then the end', { contentLength: 10, cutAt: 'all' }],
            ['too large, and no end', { contentLength: 10 }],
            ['too small', { contentLength: -3 }],
        ]) {
            test(`${on}: ${name}, once`, async () => {
                await server.faults({ on, ...fault });
                await assertSafe(await push(`length-${on}`), `length-${on}`);
            });
        }
    }
    test('too large, always: truncated is not complete', async () => {
        await server.faults({ on: 'token', contentLength: 10, cutAt: 'all', times: -1 });
        const result = await sbs(['token', ...server.options()]);
        assertFails(
            result,
            4,
            /^token: token request: the connection ended before the answer was complete \(HTTP 200\), .+$/,
        );
    });
    test('a body that ends with the TCP connection alone is not complete', async () => {
        const raw = `${HEAD}Content-Type: application/json\r\n\r\n{"access_token":"a","token_type":"bearer"}`;
        await server.faults({ on: 'token', raw, cutAt: 'all', cut: 'fin', times: -1 });
        assertFails(
            await sbs(['token', ...server.options()]),
            4,
            /the connection ended before the answer was complete/,
        );
        await server.clearFaults();
        await server.faults({ on: 'token', raw, cutAt: 'all', cut: 'notify' });
        await ok(['token', ...server.options()]);
    });
});

describe('too much', () => {
    for (const on of PLACES) {
        for (const [name, fault] of [
            ['1 MB of header lines', { padHeaders: 1_000_000 }],
            ['one header line of 300 kB', { padHeaders: 300_000, padLine: true }],
        ]) {
            test(`${on}: ${name}`, async () => {
                await server.faults({ on, times: -1, ...fault });
                const result = await push(`much-${on}`);
                assert.notEqual(result.status, 0, result.text);
                assert.ok(result.ms < 15_000, `${result.ms} ms`);
                await assertSafe(result, `much-${on}`);
            });
        }
    }
    test('a few kB of header lines are no fault', async () => {
        await server.faults({ on: 'any', padHeaders: 4000, times: -1 });
        assert.equal((await push('some')).status, 0);
    });
    test('a token answer of more than 64 KiB is refused; a token of 8 kB is not', async () => {
        await server.settings({ tokenPadding: 8000 });
        await ok(['token', ...server.options()]);
        await server.settings({ tokenPadding: 80_000 });
        assertFails(
            await sbs(['token', ...server.options()]),
            4,
            /^token: token request: the peer's answer exceeds a limit/,
        );
    });
});

describe('answers that are none', () => {
    const NONSENSE = {
        'random bytes': { random: 400 },
        nothing: '',
        'a line end': '\r\n',
        'another protocol': 'SSH-2.0-OpenSSH_9.2\r\n',
        'HTTP/2 as text': 'HTTP/2 200\r\n\r\n',
        'a status of two digits': 'HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n',
        'a line fold in Content-Length': `${HEAD}Content-Length:\r\n 2\r\n\r\n{}`,
        'a line fold in Transfer-Encoding': `${HEAD}Transfer-Encoding:\r\n chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
        'a bare CR': `${HEAD}X: a\rb\r\nContent-Length: 2\r\n\r\n{}`,
        'a blank before the colon': `${HEAD}Content-Length : 2\r\n\r\n{}`,
        'both Transfer-Encoding and Content-Length': `${HEAD}Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
        'two lengths': `${HEAD}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`,
        'a negative length': `${HEAD}Content-Length: -2\r\n\r\n{}`,
        'a length of 30 digits': `${HEAD}Content-Length: ${'9'.repeat(30)}\r\n\r\n{}`,
        'an unknown transfer coding': `${HEAD}Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
        'a chunk size that is none': `${HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`,
        'a chunk size that overflows': `${HEAD}Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n{}\r\n0\r\n\r\n`,
        'interim answers without end': 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(2000),
        'a switch of protocols': 'HTTP/1.1 101 Switching Protocols\r\n\r\n',
    };
    for (const [name, raw] of Object.entries(NONSENSE)) {
        test(name, async () => {
            for (const on of ['token', 'fhir']) {
                await server.faults({
                    on,
                    raw: typeof raw === 'string' ? raw : { ...raw },
                    cutAt: 'all',
                    cut: 'notify',
                    times: -1,
                });
                const result = await push(`none-${on}`);
                assert.equal(result.status, 4, result.text);
                assert.match(
                    pushLines(result)[0]?.reason ?? result.stderr,
                    /the HTTP answer is malformed|the connection ended before the answer was complete|exceeds a limit|no answer in time/,
                );
                await assertSafe(result, `none-${on}`);
            }
        });
    }
    test('a coding that nobody asked for, and that is none', async () => {
        const raw = `${HEAD}Content-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}`;
        const fault = { raw, cutAt: 'all', cut: 'notify', times: -1 };
        await server.faults({ on: 'token', ...fault });
        assertFails(await sbs(['token', ...server.options()]), 4, /the HTTP answer is malformed/);
        await server.clearFaults();
        await server.faults({ on: 'fhir', ...fault });
        const result = await push('coding');
        assert.equal(result.status, 3, result.text);
        assert.match(pushLines(result)[0].reason, /does not confirm it/);
        await assertSafe(result, 'coding');
    });
    test('bytes of no TLS', async () => {
        const next = numbers(SEED);
        for (let i = 0; i < 5; i += 1) {
            await server.faults({ on: 'raw', direction: 'down', cutAt: next(30), cut: 'fin', times: -1 });
            await assertSafe(await push(`tls-${i}`), `tls-${i}`);
        }
    });
    const BODIES = {
        'half of a JSON text': '{"access_token":"abc",',
        'deep nesting': `${'['.repeat(60_000)}`,
        'a byte order mark that is not at the start': '{\ufeff"access_token":"abc","token_type":"bearer"}',
        'a number that is none': '{"access_token":"abc","token_type":"bearer","expires_in":1e}',
        'a token with a line end': '{"access_token":"a\\r\\nX: y","token_type":"bearer"}',
        'a token with a NUL': '{"access_token":"a\\u0000b","token_type":"bearer"}',
        'no token_type': '{"access_token":"abc"}',
        'another token_type': '{"access_token":"abc","token_type":"mac"}',
        'negative expires_in': '{"access_token":"abc","token_type":"bearer","expires_in":-1}',
        'the token twice': '{"access_token":"abc","access\\u005ftoken":"abd","token_type":"bearer"}',
        'an empty object': '{}',
    };
    for (const [name, body] of Object.entries(BODIES)) {
        test(`a token answer: ${name}`, async () => {
            await server.faults({
                on: 'token',
                status: 200,
                headers: { 'Content-Type': 'application/json' },
                body,
                times: -1,
            });
            const result = await sbs(['get', ...server.options(), 'Observation']);
            assertFails(result, 3, /^get: token request: .+, .+$/);
            assert.equal((await server.requests('?where=fhir')).length, 0);
        });
    }
});
