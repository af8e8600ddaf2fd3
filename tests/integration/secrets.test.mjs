// SPDX-License-Identifier: Apache-2.0
// Messages, those of --verbose too, never hold the access token, the assertion or any part of the private key.
import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, beforeEach, describe, test } from 'node:test';
import { observation } from './lib/observations.mjs';
import { ok, sbs } from './lib/sbs.mjs';
import { MainServer } from './lib/server.mjs';

const PIECE = 16;
const KEYS = { 'rsa.pem': ['--alg', 'RS384'], 'client.pem': ['--alg', 'ES384'] };

let server;
before(async () => {
    server = await MainServer.start(['--lenient-seed']);
    for (const [name, args] of Object.entries(KEYS)) await server.key(name, args);
    await server.register(Object.keys(KEYS).map((name) => server.path(name)));
});
after(() => server.stop());
beforeEach(() => server.reset());

/** Pieces of a secret; one of them in a text gives it away. */
const pieces = (text) =>
    Array.from({ length: Math.floor(text.length / PIECE) }, (_, i) => text.substr(i * PIECE, PIECE));

function piecesOfKey(file) {
    const pem = readFileSync(file, 'utf8');
    const { d, p = '', q = '', dp = '', dq = '', qi = '' } = createPrivateKey(pem).export({ format: 'jwk' });
    const numbers = [d, p, q, dp, dq, qi];
    const hex = numbers.map((number) => Buffer.from(number, 'base64url').toString('hex'));
    const body = pem.split('\n').filter((line) => !line.startsWith('-----'));
    return [...numbers, ...hex, body.join('')].flatMap(pieces).concat(body.flatMap(pieces));
}

/** What the server saw of assertions since the last reset: their first two parts, as sent. */
async function piecesOfAssertions() {
    const records = (await server.requests('?where=token')).filter(({ assertion }) => assertion);
    assert.ok(records.length > 0);
    return records.flatMap(({ assertion }) => pieces(Buffer.from(assertion.claimsText).toString('base64url')));
}

function assertHoldsNone(result, secrets) {
    assert.ok(secrets.length > 10);
    const found = secrets.filter((secret) => result.stderr.includes(secret));
    assert.deepEqual(found, [], result.stderr);
}

for (const [key, profile] of [
    ['rsa.pem', 'seed'],
    ['rsa.pem', 'smart'],
    ['client.pem', 'smart'],
]) {
    describe(`${key}, profile ${profile}`, () => {
        const options = () => server.options({ key: server.path(key), profile, verbose: true });
        const check = async (result) => {
            assertHoldsNone(result, piecesOfKey(server.path(key)));
            assertHoldsNone(result, await piecesOfAssertions());
            assert.match(result.stderr, /client_assertion: \[\d+ bytes, sha256 [0-9a-f]+\]/);
        };
        test('token: the token is on standard output alone', async () => {
            const result = await ok(['token', '--raw', ...options()]);
            assertHoldsNone(result, pieces(result.stdout.trim()));
            await check(result);
        });
        test('get and push', async () => {
            const input = observation(`secret-${key}-${profile}`);
            for (const args of [
                ['get', ...options(), 'Observation?code=1'],
                ['push', ...options(), '-'],
            ]) {
                const result = await ok(args, { input });
                await check(result);
                assert.match(result.stderr, /Authorization: Bearer \[\d+ bytes, sha256 [0-9a-f]+\]/);
                assert.doesNotMatch(result.stderr, /eyJ/);
            }
        });
    });
}

describe('what fails', () => {
    const FAULTS = {
        'the token is refused': { on: 'fhir', refuseToken: true, times: -1 },
        'the token endpoint refuses': { on: 'token', status: 401, body: { error: 'invalid_client' }, times: -1 },
        'the token answer is broken': { on: 'token', cutAt: 'mid-body', times: -1 },
        'the token answer is no JSON': { on: 'token', contentLength: -3, times: -1 },
        'the FHIR answer is nonsense': { on: 'fhir', raw: { random: 300 }, cutAt: 'all', times: -1 },
        'the connection breaks in the request': { on: 'raw', direction: 'up', cutAt: 2200, cut: 'rst', times: -1 },
    };
    for (const [name, fault] of Object.entries(FAULTS)) {
        test(name, async () => {
            await server.faults(fault);
            const result = await sbs(['get', ...server.options({ verbose: true }), 'Observation']);
            assert.notEqual(result.status, 0, result.text);
            assert.equal(result.stdout, '');
            assertHoldsNone(result, piecesOfKey(server.path('client.pem')));
            if ((await server.requests('?where=token')).length > 0) {
                assertHoldsNone(result, await piecesOfAssertions());
            }
            assert.doesNotMatch(result.stderr, /eyJ/);
        });
    }
    test('an assertion longer than a line of the trace', async () => {
        const id = 'a'.repeat(60000);
        const options = server.options({ verbose: true, 'client-id': id });
        const result = await sbs(['token', ...options]);
        assert.notEqual(result.status, 0, result.text);
        assert.match(result.stderr, /POST \/token/);
        assert.ok(!result.stderr.includes(Buffer.from('aaaaaaaaaaaa').toString('base64')), result.stderr.slice(0, 3000));
    });
    test('a damaged key: no part of it is quoted', async () => {
        const whole = readFileSync(server.path('rsa.pem'), 'utf8');
        for (const [name, text] of [
            ['half', whole.slice(0, whole.length / 2)],
            ['swapped', whole.replace(/[A-Za-z]{3}(?=[^-]*-----END)/, '+++')],
        ]) {
            const key = server.write(`${name}.pem`, text);
            const result = await sbs(['token', ...server.options({ key, verbose: true })]);
            assert.equal(result.status, 3, result.text);
            assertHoldsNone(result, piecesOfKey(server.path('rsa.pem')));
        }
    });
});
