// SPDX-License-Identifier: Apache-2.0
// What passes: expiry, 401, 429, 503 and Retry-After in all its forms.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { nameOf, observation } from './lib/observations.mjs';
import { assertFails, assertMessage, ok, pushLines, sbs } from './lib/sbs.mjs';
import { MainServer } from './lib/server.mjs';

let server;
before(async () => {
    server = await MainServer.start();
});
after(() => server.stop());
beforeEach(() => server.reset());

const push = (ids, more = [], changes = {}) =>
    sbs(['push', ...server.options(changes), ...more, '-'], { input: ids.map((id) => observation(id)).join('\n') });
const get = (changes) => sbs(['get', ...server.options(changes), 'Observation?code=8310-5']);
const counts = async (ids) => Promise.all(ids.map((id) => server.held(nameOf(id))));
const statuses = async (where) => (await server.requests(`?where=${where}`)).map(({ status }) => status);

async function assertPushed(result, ids) {
    assert.equal(result.status, 0, result.text);
    assert.deepEqual(
        pushLines(result).map(({ name }) => name),
        ids.map(nameOf),
    );
    assert.deepEqual(
        await counts(ids),
        ids.map(() => 1),
    );
}

describe('401', () => {
    for (const mode of ['put', 'if-none-exist', 'plain']) {
        test(`in the middle of a ${mode} push: one new token, everything stored once`, async () => {
            const ids = ['a', 'b', 'c', 'd'].map((id) => `401-${mode}-${id}`);
            await server.faults({ on: 'fhir', refuseToken: true, skip: 2 });
            await assertPushed(await push(ids, ['--write-mode', mode]), ids);
            assert.deepEqual(await statuses('fhir'), [201, 201, 401, 201, 201]);
            assert.deepEqual(await statuses('token'), [200, 200]);
        });
    }
    test('again with a fresh token: an end, not a loop', async () => {
        await server.faults({ on: 'fhir', refuseToken: true, times: -1 });
        assertFails(
            await get(),
            1,
            /^get: FHIR request: the FHIR server refuses a fresh token \(HTTP 401\).*, check that the FHIR server trusts the server that gives the tokens, and that nothing else takes tokens for this client$/,
        );
        assert.deepEqual(await statuses('fhir'), [401, 401]);
        assert.deepEqual(await statuses('token'), [200, 200]);
    });
    test('push stops at it and says what was not tried', async () => {
        await server.faults({ on: 'fhir', refuseToken: true, times: -1 });
        const result = await push(['s-1', 's-2', 's-3'], ['--write-mode', 'put']);
        assert.equal(result.status, 1, result.text);
        assert.deepEqual(
            pushLines(result).map(({ what, reason }) => `${what}: ${reason.split(' (')[0]}`),
            ['not sent: the FHIR server refuses a fresh token', 'not sent: not tried', 'not sent: not tried'],
        );
        assert.deepEqual(await statuses('fhir'), [401, 401]);
    });
    test('tokens of two seconds are renewed in time', async () => {
        await server.settings({ tokenLifetime: 2 });
        await server.faults({ on: 'fhir', delayMs: 700, times: -1 });
        const ids = ['1', '2', '3', '4', '5', '6'].map((id) => `short-${id}`);
        await assertPushed(await push(ids), ids);
        assert.ok((await statuses('token')).length >= 2);
    });
});

describe('429 and 503', () => {
    const FORMS = {
        seconds: 1,
        'a date': { date: 'imf', seconds: 2 },
        'a date of RFC 850': { date: 'rfc850', seconds: 2 },
        'a date of asctime': { date: 'asctime', seconds: 2 },
    };
    for (const [name, retryAfter] of Object.entries(FORMS)) {
        for (const [on, status] of [
            ['token', 503],
            ['fhir', 429],
            ['discovery', 503],
        ]) {
            test(`${status} of ${on}, Retry-After is ${name}`, async () => {
                await server.faults({ on, status, retryAfter, body: '' });
                const id = `after-${on}-${name.replaceAll(' ', '-')}`;
                const result = await push([id]);
                await assertPushed(result, [id]);
                assert.match(
                    result.stderr,
                    new RegExp(
                        `^sbs: .+: the server asks to try later \\(HTTP ${status}\\), in [12] s, next try in \\d+\\.\\d s\\n$`,
                    ),
                );
                assert.ok(result.ms >= 900, `waited ${result.ms} ms only`);
            });
        }
    }
    for (const [name, retryAfter] of [
        ['nonsense', 'soon'],
        ['negative', '-5'],
        ['huge digits', '99999999999999999999999'],
        ['epoch seconds', { epoch: 's', seconds: 30 }],
        ['epoch milliseconds', { epoch: 'ms', seconds: 30 }],
        ['a date long past', 'Sun, 06 Nov 1994 08:49:37 GMT'],
    ]) {
        test(`Retry-After is ${name}: bounded`, async () => {
            await server.faults({ on: 'token', status: 503, retryAfter, body: '' });
            const result = await get();
            assert.ok(result.ms < 10_000, `${result.ms} ms`);
            if (result.status === 0) return;
            assertFails(
                result,
                1,
                /^get: token request: the server asks to try later \(HTTP 503\), in \d+ s, try again later$/,
            );
        });
    }
    test('a wait of ten minutes is told, not waited for', async () => {
        await server.faults({ on: 'fhir', status: 429, retryAfter: 600, body: '' });
        const result = await get();
        assertFails(result, 1, 'get: FHIR request: the server asks to try later (HTTP 429), in 600 s, try again later');
        assert.ok(result.ms < 5000, `${result.ms} ms`);
    });
    test('a server that is down for good: a few tries, then an end', async () => {
        await server.faults({ on: 'fhir', status: 503, times: -1, body: '' });
        const result = await get();
        assertFails(result, 1, 'get: FHIR request: the server asks to try later (HTTP 503), try again later');
        assert.deepEqual(await statuses('fhir'), [503, 503, 503]);
    });
    for (const status of [408, 425, 500, 502, 504]) {
        test(`${status} once`, async () => {
            await server.faults({ on: 'fhir', status, body: '' });
            await assertPushed(await push([`once-${status}`]), [`once-${status}`]);
        });
    }
    test('a push that the server puts off again and again ends, and keeps the rest', async () => {
        await server.faults({ on: 'fhir', status: 503, times: -1, body: '' });
        const ids = ['1', '2', '3', '4', '5'].map((id) => `off-${id}`);
        const result = await push(ids, ['--write-mode', 'put']);
        assert.equal(result.status, 1, result.text);
        const lines = pushLines(result);
        assert.deepEqual(
            lines.map(({ name }) => name),
            ids.map(nameOf),
        );
        assert.ok(
            lines.every(({ what }) => what === 'not sent'),
            result.text,
        );
        assert.equal(lines.at(-1).reason, 'not tried');
        await server.clearFaults();
        await assertPushed(await push(ids, ['--write-mode', 'put']), ids);
    });
});

describe("this machine's clock is wrong, as the server's Date tells", () => {
    const HOUR = 3600;
    const refuse = (ahead, { status = 401, body = { error: 'invalid_client' }, headers = {} } = {}) =>
        server.faults({
            on: 'token',
            status,
            headers: {
                Date: new Date(Date.now() + ahead * 1000).toUTCString(),
                'Content-Type': 'application/json',
                ...headers,
            },
            body,
        });
    const issued = async () => {
        const records = await server.requests('?where=token');
        return records.map(({ assertion }) => Math.round((assertion.claims.iat - Date.now() / 1000) / HOUR) + 0);
    };
    for (const hours of [1, -23]) {
        test(`by ${hours} h: corrected once`, async () => {
            await refuse(hours * HOUR);
            // The test server's own clock is right, so it refuses the corrected assertion.
            assertFails(await get(), 1, /^get: token request: the authorization server refused \(HTTP 401\)/);
            assert.deepEqual(await issued(), [0, hours]);
        });
    }
    for (const [status, body] of [
        [401, { error: 'invalid_client' }],
        [400, { error: 'unauthorized_client' }],
        [401, { error: 'invalid_request', error_description: 'Token is not active' }],
        [500, { error: 'error', error_description: 'The error is unrecognizable' }],
        [403, ''],
        [200, { error: 'invalid_client' }],
    ]) {
        test(`by 9 s, told with ${status} ${JSON.stringify(body)}: corrected at once`, async () => {
            await refuse(9, { status, body });
            const result = await get();
            assert.equal(result.status, 0, result.text);
            const [first, second, ...more] = (await server.requests('?where=token')).map(
                ({ assertion }) => assertion.claims.iat - Date.now() / 1000,
            );
            assert.deepEqual(more, []);
            assert.ok(Math.abs(second - first - 9) <= 3, `${first} and ${second}`);
        });
    }
    test('a Date out of a cache is not believed', async () => {
        await refuse(HOUR, { headers: { Age: '3600' } });
        assertFails(await get(), 1, /^get: token request: the authorization server refused \(HTTP 401\)/);
        assert.deepEqual(await issued(), [0]);
    });
    test('by 48 h: not believed', async () => {
        await refuse(48 * HOUR);
        assertFails(await get(), 1, /^get: token request: the authorization server refused \(HTTP 401\)/);
        assert.deepEqual(await issued(), [0]);
    });
});

describe('answers that end the request', () => {
    for (const [status, exit, why] of [
        [400, 1, /the server rejects the resource \(HTTP 400\)/],
        [403, 1, /the server refuses this kind of request \(HTTP 403\)/],
        [404, 1, /\(HTTP 404\)/],
        [405, 1, /the server refuses this kind of request \(HTTP 405\)/],
        [406, 1, /the server refuses this kind of request \(HTTP 406\)/],
        [410, 1, /\(HTTP 410\)/],
        [413, 1, /the server rejects the resource \(HTTP 413\)/],
        [415, 1, /the server refuses this kind of request \(HTTP 415\)/],
        [418, 1, /\(HTTP 418\)/],
        [422, 1, /the server rejects the resource \(HTTP 422\)/],
        [301, 1, /the server redirects, and no redirect is followed \(HTTP 301\)/],
        [307, 1, /the server redirects, and no redirect is followed \(HTTP 307\)/],
    ]) {
        test(`${status}, with an empty body`, async () => {
            await server.faults({
                on: 'fhir',
                status,
                headers: { Location: 'https://example.org/' },
                body: '',
                times: -1,
            });
            assertFails(await get(), exit, why);
            assert.deepEqual(await statuses('fhir'), [status]);
            const result = await push([`end-${status}`], ['--write-mode', 'put']);
            assert.equal(result.status, exit, result.text);
            assert.match(pushLines(result)[0].reason, why);
            assert.match(pushLines(result)[0].what, [400, 413, 422].includes(status) ? /^refused$/ : /^not sent$/);
        });
    }
    test("the server's words are shown: one line of ASCII, at most 1 kB", async () => {
        const body = {
            resourceType: 'OperationOutcome',
            issue: [{ severity: 'error', code: 'invalid', diagnostics: `\u001b[31mbad\r\n\u0000${'é'.repeat(3000)}` }],
        };
        await server.faults({ on: 'fhir', status: 422, headers: { 'Content-Type': 'application/fhir+json' }, body });
        const result = await get();
        assert.equal(result.status, 1);
        assertMessage(result, /HTTP 422\): .*bad/);
        assert.ok(result.stderr.length < 1400, `${result.stderr.length} bytes`);
    });
    test('a 2xx that is no success of a create', async () => {
        await server.faults({ on: 'fhir', status: 302, body: '' });
        assert.equal((await push(['redirected'], ['--write-mode', 'plain'])).status, 1);
        assert.equal(await server.held(nameOf('redirected')), 0);
    });
    test('the next push finds all well', async () => {
        await ok(['get', ...server.options(), 'Observation?code=1']);
    });
});
