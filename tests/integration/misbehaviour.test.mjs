// SPDX-License-Identifier: Apache-2.0
// What servers, and what stands before them, do wrong: nothing is lost, nothing is told as done that is not, and the
// message sends the right way.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { nameOf, observation } from './lib/observations.mjs';
import { assertFails, ok, pushLines, sbs } from './lib/sbs.mjs';
import { HostileServer } from './lib/server.mjs';

const ASK_CLIENT = "check --client-id, the registered key and its kid, --aud, and this machine's clock";

let server;
before(async () => {
    server = await HostileServer.start();
    await server.key('rsa.pem', ['--alg', 'RS384']);
});
after(() => server.stop());
beforeEach(() => server.admin('POST', '/reset'));

const held = async (id) => {
    const resources = await server.admin('GET', '/resources');
    return resources.filter(({ text }) => text.includes(`"value":"${id}"`)).length;
};
const push = (behaviours, ids, more = []) =>
    sbs(['push', ...server.with(behaviours), ...more, '-'], { input: ids.map((id) => observation(id)).join('\n') });
const get = (behaviours, more = []) => sbs(['get', ...server.with(behaviours), ...more, 'Observation/1']);
const token = (behaviours, changes = {}) => sbs(['token', ...server.with(behaviours, changes)]);

describe('writes that are not confirmed', () => {
    const UNCONFIRMED = [
        'login-200',
        'outcome-200',
        'status-202',
        'status-203',
        'status-206',
        'status-207',
        'other-location',
        'html-fhir',
        'already-412',
        'several-412',
        'status-304',
        'redirect-307',
        'status-500',
        'coded-refusal',
    ];
    for (const behaviour of UNCONFIRMED) {
        test(behaviour, async () => {
            const result = await push(behaviour, ['u-1'], ['--wait', '1']);
            assert.notEqual(result.status, 0, result.text);
            assert.equal(await held('u-1'), 0);
            const [line] = pushLines(result);
            assert.match(line.what, /^(refused|not sent|kept)$/, result.text);
            assert.ok(line.reason.length > 10, result.text);
        });
    }
    test('stored-202: never twice', async () => {
        const result = await push('stored-202', ['u-2'], ['--wait', '1']);
        assert.equal(await held('u-2'), 1, result.text);
    });
    test('status-304 is no redirect', async () => {
        const result = await push('status-304', ['u-3'], ['--wait', '1']);
        assert.doesNotMatch(result.text, /redirect/);
    });
    test('already-412: the server tells why', async () => {
        const result = await push('already-412', ['u-4'], ['--wait', '1']);
        assert.match(result.text, /the resource is there already/);
        assert.doesNotMatch(result.text, /several resources/);
    });
});

describe('writes that are confirmed', () => {
    for (const behaviour of [
        'text-201',
        'coded-success',
        'coded-empty',
        'coding-identity',
        'folded',
        'bom',
        'no-date',
    ]) {
        test(behaviour, async () => {
            const result = await push(behaviour, ['c-1', 'c-2']);
            assert.equal(result.status, 0, result.text);
            assert.deepEqual(
                pushLines(result).map(({ what }) => what),
                ['created', 'created'],
            );
            assert.equal(await held('c-1'), 1);
            assert.equal(await held('c-2'), 1);
        });
    }
    for (const behaviour of ['retry-0', 'retry-1', 'retry-date', 'retry-past', 'retry-words']) {
        test(behaviour, async () => {
            const result = await push(behaviour, ['r-1', 'r-2'], ['--wait', '60']);
            assert.equal(result.status, 0, result.text);
            assert.equal(await held('r-1'), 1);
            assert.equal(await held('r-2'), 1);
        });
    }
    for (const behaviour of ['batch-left-out', 'batch-reordered', 'batch-words', 'batch-padded', 'batch-numbers']) {
        test(behaviour, async () => {
            const ids = ['b-1', 'b-2', 'b-3'];
            const result = await push(`metadata-batch+${behaviour}`, ids, [
                '--batch',
                '3',
                '--write-mode',
                'if-none-exist',
            ]);
            assert.equal(result.status, 0, result.text);
            for (const id of ids) assert.equal(await held(id), 1, result.text);
            assert.deepEqual(
                pushLines(result)
                    .map(({ name }) => name)
                    .sort(),
                ids.map(nameOf),
            );
        });
    }
});

describe('the token endpoint', () => {
    const REFUSED = 'the authorization server refused';
    const ADVICE = {
        'error-200': [1, new RegExp(`no such client, ${ASK_CLIENT}$`)],
        'token-404': [1, /\(HTTP 404\), give the right token endpoint with --token-url$/],
        'token-405': [1, /\(HTTP 405\), give the right token endpoint with --token-url$/],
        'token-401': [1, new RegExp(`${REFUSED} \\(HTTP 401\\), ${ASK_CLIENT}$`)],
        'token-500': [1, /the server failed \(HTTP 500\), ask the server's operator, or try again later$/],
        'wants-audience': [1, /Invalid token audience, give the audience that the server expects with --aud$/],
        'text-error': [1, new RegExp(`${REFUSED} \\(HTTP 403\\).*, ${ASK_CLIENT}$`)],
    };
    for (const [behaviour, [status, message]] of Object.entries(ADVICE)) {
        test(behaviour, async () => assertFails(await token(behaviour), status, message));
    }
    test('wants-audience: --aud gives it', async () => {
        await ok(['token', ...server.with('wants-audience', { aud: 'https://issuer.example/' })]);
    });
    test('wants-jti: the smart profile has it', async () => {
        await server.register(server.path('rsa.pem'), { clientId: 'seed' });
        const changes = { key: server.path('rsa.pem'), 'client-id': 'seed' };
        await ok(['token', ...server.with('wants-jti', changes)]);
        assertFails(
            await token('wants-jti', { ...changes, profile: 'seed' }),
            1,
            /'jti' claim is missing, leave --profile seed out: the smart profile has kid and jti$/,
        );
    });
    test('wants-client-id', () => ok(['token', ...server.with('wants-client-id')]));
    test('null-members', () => ok(['token', ...server.with('null-members')]));
    test('folded-length', async () => assertFails(await token('folded-length'), 4, /the HTTP answer is malformed/));
    for (const behaviours of [
        'slow-clock',
        'slow-clock-other',
        'slow-clock-500',
        'slow-clock-403',
        'slow-clock-silent+slow-discovery',
    ]) {
        test(`${behaviours}: corrected`, () => ok(['token', ...server.with(behaviours)]));
    }
    test('slow-clock-stubborn: the difference is named', async () => {
        assertFails(
            await token('slow-clock-stubborn'),
            1,
            /unauthorized_client; this machine's clock is 1[12]\d s ahead of the server's, set this machine's clock, /,
        );
    });
    test('slow-clock-silent: nothing tells the time, and the clock is named', async () => {
        assertFails(await token('slow-clock-silent+no-date'), 1, new RegExp(`${ASK_CLIENT}$`));
    });
});

describe('words', () => {
    const WORDS = {
        'problem-403': /not on this route/,
        'message-401': /missing subscription key/,
        'validation-400': /subject/,
        'challenge-401': /issuer not trusted here/,
        'coded-refusal': /a gzipped reason/,
        'several-412': /multiple matches/,
    };
    for (const [behaviour, words] of Object.entries(WORDS)) {
        test(behaviour, async () => {
            const result = await push(behaviour, ['w-1'], ['--wait', '1']);
            assert.notEqual(result.status, 0, result.text);
            assert.match(result.stdout + result.stderr, words);
        });
    }
    test('page-403: a page is not quoted', async () => {
        const result = await get('page-403');
        assertFails(result, 1, /\(HTTP 403\), /);
        assert.doesNotMatch(result.text, /firewall|<html/i);
    });
    test('long-words: up to a kilobyte of them', async () => {
        const result = await push('long-words', ['w-2'], ['--wait', '1']);
        const { reason } = pushLines(result)[0];
        assert.match(reason, /begin word word/);
        assert.ok(reason.length > 600 && reason.length < 1400, `${reason.length}`);
    });
    test('not-found: the URL that was asked', async () => {
        const base = `${server.info.withBase}not-found/fhir`;
        const result = await get('not-found');
        assertFails(result, 1, /nothing here, check --fhir and the path: the request went to /);
        assert.ok(result.stderr.includes(`the request went to ${base}/Observation/1\n`), result.text);
    });
    test('html-discovery', async () => {
        assertFails(
            await token('html-discovery'),
            3,
            /not valid JSON \(HTTP 200\)(: Content-Type)?, check --fhir, or give --token-url$/,
        );
    });
});

describe('nothing of a secret, nothing for the terminal', () => {
    /** The token that the server gave, and what was shown. */
    const shown = async (behaviours, args) => {
        const { stdout, stderr } = await sbs(args(behaviours), { input: observation('s-1') });
        return stdout + stderr;
    };
    const pushing = (behaviours) => ['push', ...server.with(behaviours), '--wait', '1', '--verbose', '-'];
    const getting = (behaviours) => ['get', ...server.with(behaviours), '--verbose', 'Observation/1'];
    const asking = (behaviours) => ['token', ...server.with(behaviours), '--verbose'];

    /** No 16 characters of what was sent, blanks or none between them. */
    async function assertHidden(text) {
        const secrets = await server.admin('GET', '/secrets');
        assert.ok(secrets.length > 0, 'nothing was sent');
        const squeezed = text.replaceAll(' ', '');
        for (const secret of secrets) {
            for (let at = 0; at + 16 <= secret.length; at += 1) {
                assert.ok(!squeezed.includes(secret.slice(at, at + 16)), `a part of a secret is shown: ${text}`);
            }
        }
    }

    for (const [behaviour, args] of [
        ['echo-token', pushing],
        ['echo-token-part', pushing],
        ['echo-token-spaced', getting],
        ['echo-token-header', getting],
    ]) {
        test(behaviour, async () => assertHidden(await shown(behaviour, args)));
    }
    for (const behaviour of ['echo-assertion', 'echo-signature']) {
        test(behaviour, async () => assertHidden(await shown(behaviour, asking)));
    }
    for (const [behaviour, args] of [
        ['escapes', pushing],
        ['escapes-header', getting],
    ]) {
        test(behaviour, async () => {
            const text = await shown(behaviour, args);
            assert.match(text, /^[\n\t\x20-\x7e]*$/);
            assert.doesNotMatch(text, /^sbs: ok/m);
        });
    }
});

describe('what the server states', () => {
    for (const [behaviour, named] of [
        ['stu3', /3\.0/],
        ['dstu2', /1\.0|DSTU2|Conformance/],
    ]) {
        test(`${behaviour} is refused by name`, async () => {
            const result = await push(behaviour, ['v-1'], ['--wait', '1']);
            assert.notEqual(result.status, 0, result.text);
            assert.match(result.stderr, named);
            assert.equal(await held('v-1'), 0);
        });
    }
    test('r5 is warned of, and tried', async () => {
        const result = await push('r5', ['v-2']);
        assert.equal(result.status, 0, result.text);
        assert.match(result.stderr, /5\.0/);
        assert.equal(await held('v-2'), 1);
    });
    test('metadata-403: a warning, and a way that is safe', async () => {
        const result = await push('metadata-403', ['v-3']);
        assert.equal(result.status, 0, result.text);
        assert.match(result.stderr, /warning/);
        assert.equal(await held('v-3'), 1);
    });
});
