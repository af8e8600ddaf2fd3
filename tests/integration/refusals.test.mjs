// SPDX-License-Identifier: Apache-2.0
// What the authorization server refuses: at the level of the command, and of single assertions.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { assertFails, fails, ok, sbs } from './lib/sbs.mjs';
import { CLIENT, MainServer, SCOPE } from './lib/server.mjs';

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const CHECK_CLIENT = "check --client-id, the registered key and its kid, --aud, and this machine's clock";
const REFUSED = 'token: token request: the authorization server refused';
const INVALID_CLIENT = `${REFUSED} (HTTP 401): invalid_client: client authentication failed, ${CHECK_CLIENT}`;
const CHECK_SEED =
    "check --client-id, the registered key, --aud, and this machine's clock; " +
    'a server that demands kid or jti refuses --profile seed, leave it out';
const now = () => Math.floor(Date.now() / 1000);

let server;
before(async () => {
    server = await MainServer.start();
    await server.key('other.pem');
    await server.key('rsa.pem', ['--alg', 'RS384']);
});
after(() => server.stop());

const lastReason = async () => (await server.requests('?where=token')).at(-1).reason;

/** `sbs token` is refused with this message, once, and the server's record tells why. */
async function refused({ options = {}, message = INVALID_CLIENT, reason, command = 'token', more = [] }) {
    const before = (await server.requests('?where=token')).length;
    await fails([command, ...server.options(options), ...more], 1, message);
    const after = await server.requests('?where=token');
    assert.equal(after.length, before + 1, 'a refusal is not tried again');
    assert.match(after.at(-1).reason ?? '', reason);
}

describe('sbs token', () => {
    test('signed with another key than the registered one', async () => {
        const { stdout } = await ok(['jwk', '--key', server.path('client.pem')]);
        const { kid } = JSON.parse(stdout);
        await refused({ options: { key: server.path('other.pem'), kid }, reason: /signature verification failed/ });
    });
    test('unknown kid', () => refused({ options: { kid: 'nobody-knows' }, reason: /no applicable key/ }));
    test('the kid is the thumbprint, registered was the seed kind', () =>
        refused({ options: { 'kid-method': 'thumbprint' }, reason: /no applicable key/ }));
    test('no kid', () => refused({ options: { 'no-kid': true }, reason: /kid/ }));
    test('the seed profile at a strict server', async () => {
        await server.register(server.path('rsa.pem'), { clientId: 'seed-client' });
        const options = { key: server.path('rsa.pem'), profile: 'seed', 'client-id': 'seed-client' };
        const message = INVALID_CLIENT.replace(CHECK_CLIENT, CHECK_SEED);
        await refused({ options, message, reason: /kid|jti/ });
    });
    test('unknown client', () => refused({ options: { 'client-id': 'stranger' }, reason: /client not found/ }));
    test('ES384 where RS384 alone is registered', async () => {
        await server.register([server.path('client.pem'), server.path('rsa.pem')], {
            clientId: 'pinned',
            alg: 'RS384',
        });
        await refused({ options: { 'client-id': 'pinned' }, reason: /alg/ });
        await ok(['token', ...server.options({ 'client-id': 'pinned', key: server.path('rsa.pem') })]);
    });
    test('a scope that the client is not registered for', async () => {
        await server.register(server.path('client.pem'), { clientId: 'small', scopes: 'system/Observation.c' });
        const message =
            /^token: token request: the authorization server refused \(HTTP 400\): invalid_scope: .+, ask for scopes that the client is registered for$/;
        await refused({ options: { 'client-id': 'small', scope: 'system/Patient.rs' }, message, reason: /./ });
    });
    test('less granted than asked for: the token tells; a request that needs more is not sent', async () => {
        const options = server.options({ 'client-id': 'small' });
        const { stdout } = await ok(['token', ...options]);
        assert.equal(JSON.parse(stdout).scope, 'system/Observation.c');
        await server.reset();
        const message =
            'get: FHIR request: the granted scope does not cover the request: it needs system/Observation.s (search), ' +
            'granted is system/Observation.c, ask with --scope for what the request needs, or have it granted';
        await fails(['get', ...options, 'Observation?code=1'], 1, message);
        await fails(['get', ...options, 'Observation/1'], 1, message.replace('s (search)', 'r (read)'));
        assert.equal((await server.requests('?where=fhir')).length, 0);
    });
    test('no token endpoint there', async () => {
        const options = server.options({ 'token-url': `${server.info.issuer}/nothing` });
        await fails(['token', ...options], 1, /^token: token request: .+ \(HTTP 404\).*, .+$/);
    });
});

describe('single assertions', () => {
    let row = 0;
    const make = async (more, changes = {}) => {
        const options = { key: server.path('client.pem'), 'client-id': CLIENT, aud: server.info.tokenUrl, ...changes };
        const list = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
        return (await ok(['assertion', ...list, ...more.map(String)])).stdout.trim();
    };
    const post = (client_assertion) =>
        server.postForm({
            grant_type: 'client_credentials',
            scope: SCOPE,
            client_assertion_type: ASSERTION_TYPE,
            client_assertion,
        });
    /** One row of the table: what `sbs assertion` made, and what the server says to it. */
    const accepted = (name, more, changes) =>
        test(`accepted: ${name}`, async () => {
            const { status, text } = await post(await make(more(), changes?.()));
            assert.equal(status, 200, text);
        });
    const rejected = (name, reason, more, changes) =>
        test(`refused: ${name}`, async () => {
            const answer = await post(await make(more(), changes?.()));
            assert.equal(answer.status, 401, answer.text);
            assert.deepEqual(JSON.parse(answer.text).error, 'invalid_client');
            assert.match(await lastReason(), reason);
        });
    const fresh = () => ['--jti', `row-${(row += 1)}-${process.pid}`];

    accepted('all defaults', () => []);
    accepted('a jti of our own', fresh);
    accepted('expired 3 s ago, which the server forgives', () => ['--issued-at', now() - 243]);
    accepted('iat in the future', () => ['--issued-at', now() + 30, '--lifetime', 200]);
    accepted(
        'aud is the issuer',
        () => [],
        () => ({ aud: server.info.issuer }),
    );
    accepted('the longest lifetime', () => ['--lifetime', 300]);
    rejected('expired a minute ago', /expired/, () => ['--issued-at', now() - 300]);
    rejected('ten minutes ahead', /exp/, () => ['--issued-at', now() + 400, '--lifetime', 200]);
    rejected(
        'aud is the issuer and a slash',
        /aud/,
        () => [],
        () => ({ aud: `${server.info.issuer}/` }),
    );
    rejected(
        'aud is the FHIR base',
        /aud/,
        () => [],
        () => ({ aud: server.info.fhirBase }),
    );
    rejected(
        'aud has another host',
        /aud/,
        () => [],
        () => ({ aud: `https://127.0.0.1:${server.info.port}/token` }),
    );
    rejected('no kid', /kid/, () => ['--no-kid']);
    rejected('unknown kid', /no applicable key/, () => ['--kid', 'x']);
    rejected(
        'another key',
        /no applicable key/,
        () => [],
        () => ({ key: server.path('other.pem') }),
    );
    rejected(
        'unknown client',
        /client not found/,
        () => [],
        () => ({ 'client-id': 'stranger' }),
    );
    rejected(
        'seed profile',
        /kid|jti/,
        () => ['--profile', 'seed'],
        () => ({ key: server.path('rsa.pem') }),
    );

    test('refused: the same jti twice, signed anew', async () => {
        const jti = ['--jti', 'only-once'];
        assert.equal((await post(await make(jti))).status, 200);
        assert.equal((await post(await make([...jti, '--lifetime', 200]))).status, 401);
        assert.match(await lastReason(), /once/);
    });
    test('refused: one bit of the signature is flipped', async () => {
        const parts = (await make([])).split('.');
        const signature = Buffer.from(parts[2], 'base64url');
        assert.equal(signature.length, 96);
        signature[40] ^= 1;
        assert.equal((await post([parts[0], parts[1], signature.toString('base64url')].join('.'))).status, 401);
        assert.match(await lastReason(), /signature/);
    });
    test('equal inputs give equal bytes with RS384', async () => {
        const fixed = ['--jti', 'x', '--issued-at', '1700000000'];
        const one = await make(fixed, { key: server.path('rsa.pem') });
        assert.equal(await make(fixed, { key: server.path('rsa.pem') }), one);
    });
});

describe('discovery', () => {
    const discover = (fhir) => sbs(['discover', '--fhir', fhir, '--ca', server.info.caFile]);
    const FAULTS = [
        ['no document there', { status: 404, body: 'Not Found' }, 1, /discover: .+\(HTTP 404\)/],
        ['HTML', { status: 200, headers: { 'Content-Type': 'text/html' }, body: '<html></html>' }, 3, /not valid JSON/],
        [
            'trailing commas',
            { status: 200, body: '{"token_endpoint":"https://localhost/token",}' },
            3,
            /not valid JSON/,
        ],
        [
            'no token_endpoint',
            { status: 200, body: '{"issuer":"https://localhost"}' },
            3,
            /lacks what its standard demands/,
        ],
        ['token_endpoint is a number', { status: 200, body: '{"token_endpoint":1}' }, 3, /wrong type/],
        [
            'token_endpoint twice',
            { status: 200, body: '{"token_endpoint":"https://a","token_endpoint":"https://b"}' },
            3,
            /duplicate JSON member/,
        ],
        [
            'token_endpoint by http',
            { status: 200, body: '{"token_endpoint":"http://localhost/token"}' },
            3,
            /not an absolute URL of an allowed form/,
        ],
        [
            'a redirect',
            { status: 302, headers: { Location: 'https://localhost/' }, body: '' },
            1,
            /the server redirects, and no redirect is followed \(HTTP 302\)/,
        ],
        ['an error of the server', { status: 500, body: 'x' }, 1, /the server failed \(HTTP 500\)/],
    ];
    for (const [name, fault, status, message] of FAULTS) {
        test(name, async () => {
            await server.reset();
            await server.faults(
                { on: 'discovery', times: -1, ...fault },
                { on: 'metadata', times: -1, status: 404 }, // which may name a token endpoint, too
            );
            assertFails(await discover(server.info.fhirBase), status, message);
            await fails(['token', ...server.options()], status === 3 ? 3 : 1, /^token: discovery: /);
            assert.equal((await server.requests('?where=token')).length, 0);
        });
    }
    test('a token endpoint that only the CapabilityStatement names', async () => {
        await server.reset();
        await server.faults({ on: 'discovery', times: -1, status: 404, body: 'Not Found' });
        await ok(['token', ...server.options()]);
    });
    test('what the server offers is printed', async () => {
        await server.reset();
        const { stdout, stderr } = await discover(server.info.fhirBase);
        const printed = JSON.parse(stdout);
        assert.equal(printed.token_endpoint, server.info.tokenUrl);
        assert.equal(printed.es384, true);
        assert.equal(stderr, '');
    });
    test('a base with a slash at its end', async () => {
        const { stdout } = await ok(['discover', '--fhir', `${server.info.fhirBase}/`, '--ca', server.info.caFile]);
        assert.equal(JSON.parse(stdout).token_endpoint, server.info.tokenUrl);
    });
});
