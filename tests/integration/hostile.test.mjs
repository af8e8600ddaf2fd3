// SPDX-License-Identifier: Apache-2.0
// Every behaviour of the hostile server, alone and together.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { nameOf, observation } from './lib/observations.mjs';
import { assertFails, ok, pushLines, sbs } from './lib/sbs.mjs';
import { HostileServer } from './lib/server.mjs';

/** Legal, however odd: everything works. */
const HARMLESS = [
    'chunked',
    'close',
    'until-close',
    'http-1.0',
    'informational',
    'no-reason',
    'odd-headers',
    'bytes',
    'relative-token',
    'minimal-discovery',
    'long-url',
    'lower-bearer',
    'no-expires',
    'text-expires',
    'decimal-expires',
    'no-scope',
    'version-1-scope',
    'long-token',
    'odd-json',
    'status-201',
    'no-location',
    'relative-location',
    'echo-large',
];
const COMBINATIONS = [
    'chunked+informational+odd-headers+no-reason+lower-bearer+text-expires+odd-json+relative-token',
    'until-close+no-expires+no-scope+version-1-scope+minimal-discovery+no-location',
    'chunked+close+echo-large+long-token+long-url+decimal-expires+relative-location',
    'bytes+chunked+informational+odd-headers',
];
const ASK_CLIENT = "check --client-id, the registered key and its kid, --aud, and this machine's clock";

/** Refusals: exit status and message of get; what push lists (null: push does not come that far). */
const REFUSALS = {
    'html-discovery': [
        3,
        /^get: discovery: not valid JSON \(HTTP 200\)(: Content-Type)?, check --fhir, or give --token-url$/,
        /^not valid JSON/,
    ],
    'html-token': [
        3,
        /^get: token request: the answer lacks what its standard demands \(HTTP 200\): Content-Type, .+$/,
        /Content-Type$/,
    ],
    'null-description': [
        1,
        `get: token request: the authorization server refused (HTTP 400): invalid_client, ${ASK_CLIENT}`,
        /HTTP 400/,
    ],
    'text-error': [1, /^get: token request: the authorization server refused \(HTTP 403\).*, .+$/, /HTTP 403/],
    'empty-401': [
        1,
        /^get: FHIR request: the FHIR server refuses a fresh token \(HTTP 401\), .+$/,
        /^the FHIR server refuses a fresh token \(HTTP 401\)$/,
    ],
    'empty-403': [
        1,
        /^get: FHIR request: the server refuses this kind of request \(HTTP 403\), .+$/,
        /^the server refuses this kind of request \(HTTP 403\)$/,
    ],
};

let server;
before(async () => {
    server = await HostileServer.start();
});
after(() => server.stop());

const stored = (id) => async () => {
    const resources = await server.admin('GET', '/resources');
    return resources.filter(({ text }) => text.includes(`"value":"${id}"`));
};

async function works(behaviours) {
    await server.admin('POST', '/reset');
    const options = server.with(behaviours);
    const items = ['h-1', 'h-2'];
    const input = items.map((id) => observation(id)).join('\n');
    const first = await ok(['push', ...options, '-'], { input });
    assert.deepEqual(
        pushLines(first).map(({ name, what }) => `${name} ${what}`),
        items.map((id) => `${nameOf(id)} created`),
    );
    const again = await ok(['push', ...options, '-'], { input });
    assert.deepEqual(
        pushLines(again).map(({ what }) => what),
        ['already there', 'already there'],
    );
    for (const id of items) {
        const [resource, ...more] = await stored(id)();
        assert.equal(more.length, 0, `${id} is there twice`);
        assert.equal(resource.text, observation(id));
    }
    const { place } = pushLines(first)[0];
    const hidden = behaviours.includes('no-location');
    assert.equal(place === '', hidden, first.text);
    if (!hidden) {
        const { stdout } = await ok(['get', ...options, place]);
        assert.equal(stdout, observation('h-1'));
    }
    const { stdout } = await ok(['get', ...options, 'Observation']);
    assert.equal(JSON.parse(stdout).total, 2);
}

describe('odd but legal', () => {
    for (const behaviours of [...HARMLESS, ...COMBINATIONS]) test(behaviours, () => works(behaviours));
    test('version-1-scope: what was granted is told as granted', async () => {
        const { stdout } = await ok(['token', ...server.with('version-1-scope')]);
        assert.equal(JSON.parse(stdout).scope, 'system/Observation.write system/Observation.read');
    });
    for (const [behaviour, expected] of [
        ['no-expires', (seconds) => seconds > 0 && seconds <= 300],
        ['text-expires', (seconds) => seconds === 300],
        ['decimal-expires', (seconds) => seconds === 300],
    ]) {
        test(`${behaviour}: expires_in`, async () => {
            const { stdout } = await ok(['token', ...server.with(behaviour)]);
            assert.ok(expected(JSON.parse(stdout).expires_in), stdout);
        });
    }
    test('long-token: all of it', async () => {
        const { stdout } = await ok(['token', '--raw', ...server.with('long-token')]);
        assert.match(stdout, /^[\w-]{8192}\n$/);
    });
});

describe('refusals', () => {
    for (const [behaviour, [status, message, reason]] of Object.entries(REFUSALS)) {
        test(behaviour, async () => {
            await server.admin('POST', '/reset');
            assertFails(await sbs(['get', ...server.with(behaviour), 'Observation']), status, message);
            const result = await sbs(['push', ...server.with(behaviour), '-'], { input: observation('refused') });
            assert.equal(result.status, status, result.text);
            assert.equal(pushLines(result)[0].what, 'not sent', result.text);
            assert.match(pushLines(result)[0].reason, reason, result.text);
            assert.deepEqual(await stored('refused')(), []);
        });
    }
    test('html-fhir: a page is no resource', async () => {
        const result = await sbs(['get', ...server.with('html-fhir'), 'Observation']);
        assertFails(result, 3, 'get: the answer is not valid JSON, check --fhir');
        const pushed = await sbs(['push', ...server.with('html-fhir'), '-'], { input: observation('page') });
        assert.notEqual(pushed.status, 0, pushed.text);
        assert.equal(pushLines(pushed)[0].what, 'not sent');
        assert.deepEqual(await stored('page')(), []);
    });
    test('duplicate-412', async () => {
        const result = await sbs(['push', ...server.with('duplicate-412'), '-'], { input: observation('dup') });
        assert.equal(result.status, 1, result.text);
        const [{ name, what, reason }] = pushLines(result);
        assert.equal(`${name} ${what}`, `${nameOf('dup')} refused`);
        assert.match(reason, /the server holds several resources with this identifier \(HTTP 412\)$/);
    });
});

describe('a client_id of 1.2 kB', () => {
    test('works, and is not cut', async () => {
        const clientId = `https://example.org/${'c'.repeat(1180)}`;
        await server.register(server.path('client.pem'), { clientId });
        await ok(['token', ...server.with('long-url+chunked', { 'client-id': clientId })]);
        const record = (await server.admin('GET', '/requests')).filter(({ where }) => where === 'token').at(-1);
        assert.equal(record.status, 200);
    });
});
