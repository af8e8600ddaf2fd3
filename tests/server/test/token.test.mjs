// SPDX-License-Identifier: Apache-2.0
// The token endpoint: each row of the table of what oidc-provider and the SMART rules do.
import assert from 'node:assert/strict';
import { createPrivateKey, sign } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { ASSERTION_TYPE, CLIENT, Fixture, makeKey, now } from './support.mjs';

let server;
before(async () => {
    server = await Fixture.start();
});
after(() => server.stop());

const INVALID_CLIENT = { error: 'invalid_client', error_description: 'client authentication failed' };

async function withAssertion(change) {
    const client_assertion = typeof change === 'string' ? change : await server.assertion(change);
    return server.postForm(await server.form({ client_assertion }));
}

function assertRefused(answer, reason) {
    assert.equal(answer.status, 401);
    assert.deepEqual(answer.json, INVALID_CLIENT);
    assert.match(server.lastRecord().reason, reason);
}

describe('accepted assertions', () => {
    test('RS384 gives a token', async () => {
        const answer = await withAssertion({});
        assert.equal(answer.status, 200);
        assert.equal(answer.json.token_type, 'Bearer');
        assert.equal(answer.json.expires_in, 300);
        assert.equal(answer.json.scope, 'system/Observation.cruds');
        assert.equal(answer.headers['cache-control'], 'no-store');
    });
    test('ES384', async () => assert.equal((await withAssertion({ key: server.keys.ec })).status, 200));
    test('aud is the issuer, or an array', async () => {
        assert.equal((await withAssertion({ claims: { aud: server.issuer } })).status, 200);
        assert.equal((await withAssertion({ claims: { aud: ['other', server.tokenUrl] } })).status, 200);
    });
    test('exp 3 s ago', async () => assert.equal((await withAssertion({ claims: { exp: now() - 3 } })).status, 200));
    test('no iat; iat in the future', async () => {
        assert.equal((await withAssertion({ claims: { iat: undefined } })).status, 200);
        assert.equal((await withAssertion({ claims: { iat: now() + 100 } })).status, 200);
    });
    test('a token that names no client, and a long one', async () => {
        const claims = async () => {
            const { access_token } = (await withAssertion({})).json;
            return JSON.parse(Buffer.from(access_token.split('.')[1], 'base64url'));
        };
        assert.equal((await claims()).client_id, CLIENT);
        server.server.changeSettings({ tokenNamesClient: false, tokenPadding: 3000 });
        const { sub, client_id, padding } = await claims();
        assert.deepEqual([sub, client_id, padding.length], [undefined, undefined, 3000]);
        server.server.changeSettings({ tokenNamesClient: true, tokenPadding: 0 });
    });
    test('client_id equal to sub', async () => {
        assert.equal((await server.postForm(await server.form({ client_id: CLIENT }))).status, 200);
    });
});

describe('refused claims', () => {
    const cases = [
        ['exp 60 s ago', { exp: now() - 60 }, /expired/],
        ['exp 10 min ahead', { exp: now() + 600 }, /more than 5 minutes/],
        ['no exp', { exp: undefined }, /expiration must be specified/],
        ['no jti', { jti: undefined }, /jti/],
        ['numeric jti', { jti: 17 }, /jti/],
        ['no iss', { iss: undefined }, /iss/],
        ['no sub', { sub: undefined }, /sub/],
        ['no aud', { aud: undefined }, /aud/],
        ['iss is not sub', { iss: 'other' }, /iss \(JWT issuer\) must be the client_id/],
        ['aud with a slash too many', { aud: () => `${server.issuer}/` }, /audience/],
        ['aud is the FHIR base', { aud: () => server.fhirBase }, /audience/],
        ['aud by address', { aud: () => server.tokenUrl.replace('localhost', '127.0.0.1') }, /audience/],
        ['nbf in the future', { nbf: now() + 100 }, /not active/],
        ['unknown client', { iss: 'nobody', sub: 'nobody' }, /client not found/],
    ];
    for (const [name, claims, reason] of cases) {
        test(name, async () => {
            const resolved = Object.entries(claims).map(([key, value]) => [
                key,
                typeof value === 'function' ? value() : value,
            ]);
            assertRefused(await withAssertion({ claims: Object.fromEntries(resolved) }), reason);
        });
    }
    test('exp is judged to the second', async () => {
        assert.equal((await withAssertion({ claims: { exp: now() + 299 } })).status, 200);
        assertRefused(await withAssertion({ claims: { exp: now() + 302 } }), /more than 5 minutes/);
    });
    test('a jti twice', async () => {
        const assertion = await server.assertion();
        assert.equal((await withAssertion(assertion)).status, 200);
        assertRefused(await withAssertion(assertion), /only be used once/);
        const claims = { jti: 'the-same' };
        assert.equal((await withAssertion({ claims })).status, 200);
        assertRefused(await withAssertion({ claims: { ...claims, exp: now() + 100 } }), /only be used once/);
    });
});

describe('refused headers and signatures', () => {
    test('no kid', async () => assertRefused(await withAssertion({ header: { kid: undefined } }), /kid/));
    test('unknown kid', async () =>
        assertRefused(await withAssertion({ header: { kid: 'other' } }), /no applicable key/));
    test('no typ, wrong typ', async () => {
        assertRefused(await withAssertion({ header: { typ: undefined } }), /typ/);
        assertRefused(await withAssertion({ header: { typ: 'client-authentication+jwt' } }), /typ/);
    });
    test('RS256', async () => {
        const key = { ...(await makeKey('RS256', 'rsa-1')) };
        assertRefused(await withAssertion({ key }), /alg/);
    });
    test('alg none', async () => {
        const parts = (await server.assertion()).split('.');
        const header = Buffer.from(JSON.stringify({ alg: 'none', typ: 'JWT', kid: 'rsa-1' })).toString('base64url');
        assertRefused(await withAssertion(`${header}.${parts[1]}.`), /./);
    });
    test('another key', async () => {
        assertRefused(await withAssertion({ key: await makeKey('RS384', 'rsa-1') }), /signature/);
    });
    test('one bit of the signature flipped', async () => {
        const [header, claims, signature] = (await server.assertion()).split('.');
        const bytes = Buffer.from(signature, 'base64url');
        bytes[100] ^= 1;
        assertRefused(await withAssertion(`${header}.${claims}.${bytes.toString('base64url')}`), /signature/);
    });
    test('ES384 in DER form', async () => {
        const key = server.keys.ec;
        const [header, claims] = (await server.assertion({ key })).split('.');
        const privateKey = createPrivateKey({ key: await exportPkcs8(key), format: 'pem' });
        const der = sign('sha384', Buffer.from(`${header}.${claims}`), privateKey);
        assertRefused(await withAssertion(`${header}.${claims}.${der.toString('base64url')}`), /signature/);
    });
    test('signature in padded standard base64', async () => {
        const [header, claims, signature] = (await server.assertion()).split('.');
        const standard = Buffer.from(signature, 'base64url').toString('base64');
        assertRefused(await withAssertion(`${header}.${claims}.${standard}`), /./);
    });
    test('ES384 for a client pinned to RS384', async () => {
        server.server.clients.register({
            clientId: 'pinned',
            jwks: { keys: [server.keys.rsa.jwk, server.keys.ec.jwk] },
            alg: 'RS384',
        });
        assertRefused(await withAssertion({ clientId: 'pinned', key: server.keys.ec }), /alg mismatch/);
        assert.equal((await withAssertion({ clientId: 'pinned' })).status, 200);
    });
});

async function exportPkcs8({ privateKey }) {
    const { exportPKCS8 } = await import('jose');
    return exportPKCS8(privateKey);
}

describe('refused requests', () => {
    const cases = [
        ['client_id other than sub', { client_id: 'other' }, 400, 'invalid_request', /client_id mismatch/],
        [
            'wrong assertion type',
            { client_assertion_type: 'urn:x' },
            400,
            'invalid_request',
            /client_assertion_type must/,
        ],
        [
            'no assertion type',
            { client_assertion_type: undefined },
            400,
            'invalid_request',
            /client_assertion_type must/,
        ],
        [
            'garbage for an assertion',
            { client_assertion: 'garbage' },
            400,
            'invalid_request',
            /invalid client_assertion format/,
        ],
        ['no grant type', { grant_type: undefined }, 400, 'invalid_request', /grant_type/],
        ['grant type password', { grant_type: 'password' }, 400, 'unsupported_grant_type', /./],
        ['scope with a quotation mark', { scope: 'system/Observation"' }, 400, 'invalid_scope', /invalid characters/],
        ['no scope', { scope: undefined }, 400, 'invalid_scope', /scope is required/],
        ['unknown resource', { resource: 'https://example.org/' }, 400, 'invalid_target', /./],
    ];
    for (const [name, changes, status, error, description] of cases) {
        test(name, async () => {
            const answer = await server.postForm({ ...(await server.form()), ...changes });
            assert.equal(answer.status, status);
            assert.equal(answer.json.error, error);
            assert.match(answer.json.error_description, description);
        });
    }
    test('no assertion at all', async () => {
        const answer = await server.postForm({ grant_type: 'client_credentials', scope: 'system/Observation.c' });
        assert.deepEqual([answer.status, answer.json.error], [400, 'invalid_request']);
        assert.match(answer.json.error_description, /no client authentication mechanism/);
    });
    test('a parameter twice', async () => {
        const text = new URLSearchParams(await server.form()).toString();
        const answer = await server.postForm(`${text}&scope=system%2FPatient.r`);
        assert.deepEqual([answer.status, answer.json.error], [400, 'invalid_request']);
    });
    test('a JSON body', async () => {
        const answer = await server.postForm('{}', { 'Content-Type': 'application/json' });
        assert.deepEqual([answer.status, answer.json.error], [400, 'invalid_request']);
    });
    test('GET', async () => {
        const answer = await server.request('GET', server.tokenUrl);
        assert.deepEqual([answer.status, answer.text], [404, 'Not Found']);
    });
});

describe('scopes granted', () => {
    const cases = [
        ['system/*.cruds', 'system/Observation.c', 'system/Observation.c'],
        ['system/Observation.c', 'system/Observation.cruds', 'system/Observation.c'],
        ['system/Observation.c system/Patient.rs', 'system/*.cruds', 'system/Observation.c system/Patient.rs'],
        ['system/*.cruds', 'system/Observation.write', 'system/Observation.write'],
        ['system/Observation.cu', 'system/Observation.write', 'system/Observation.cu'],
        ['system/Observation.read', 'system/Observation.rs', 'system/Observation.rs'],
        ['system/Observation.cruds', 'system/Observation.c system/Patient.r', 'system/Observation.c'],
        ['system/Observation.cruds', 'system/Observation.dus system/Observation.c', 'system/Observation.c'],
        [
            'system/Observation.rs',
            'system/Observation.rs?code=http://loinc.org|8310-5',
            'system/Observation.rs?code=http://loinc.org|8310-5',
        ],
    ];
    for (const [registered, asked, granted] of cases) {
        test(`${asked} of ${registered}`, async () => {
            server.server.clients.register({
                clientId: 'scoped',
                jwks: { keys: [server.keys.rsa.jwk] },
                scopes: registered,
            });
            const client_assertion = await server.assertion({ clientId: 'scoped' });
            const answer = await server.postForm(await server.form({ scope: asked, client_assertion }));
            assert.deepEqual([answer.status, answer.json.scope], [200, granted]);
        });
    }
    for (const asked of [
        'system/Patient.r',
        'patient/Observation.c',
        'system/Observation.sc',
        'nonsense',
        'system/Observation.',
    ]) {
        test(`${asked} is refused`, async () => {
            server.server.clients.register({
                clientId: 'narrow',
                jwks: { keys: [server.keys.rsa.jwk] },
                scopes: 'system/Observation.c',
            });
            const client_assertion = await server.assertion({ clientId: 'narrow' });
            const answer = await server.postForm(await server.form({ scope: asked, client_assertion }));
            assert.deepEqual([answer.status, answer.json.error], [400, 'invalid_scope']);
        });
    }
});

describe('the lenient mode for the seed', () => {
    const seed = (claims = {}, key = server.keys.rsa) =>
        withAssertion({
            key,
            header: { kid: undefined },
            claims: { jti: undefined, exp: now() + 301, ...claims },
        });
    test('is off by default', async () => assertRefused(await seed(), /./));
    test('accepts an assertion without kid and jti, and only a genuine one', async () => {
        server.server.changeSettings({ lenientSeed: true });
        assert.equal((await seed()).status, 200);
        assert.equal((await withAssertion({})).status, 200);
        assertRefused(await seed({ aud: 'https://elsewhere.example/token' }), /audience/);
        assertRefused(await seed({ exp: now() - 60 }), /expired/);
        assertRefused(await seed({}, await makeKey('RS384', 'rsa-1')), /./);
        server.server.changeSettings({ lenientSeed: false });
    });
});

test('what is recorded of a token request holds no secret', async () => {
    const client_assertion = await server.assertion();
    const form = await server.form({ client_assertion });
    await server.postForm(form);
    const record = server.lastRecord();
    assert.deepEqual(
        record.form.map(([name]) => name),
        Object.keys(form),
    );
    assert.equal(record.form.find(([name]) => name === 'client_assertion_type')[1], ASSERTION_TYPE);
    assert.equal(record.assertion.claims.iss, CLIENT);
    assert.equal(record.assertion.headerText, '{"alg":"RS384","kid":"rsa-1","typ":"JWT"}');
    assert.ok(!JSON.stringify(record).includes(client_assertion.split('.')[2]));
});
