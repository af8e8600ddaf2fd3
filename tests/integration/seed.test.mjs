// SPDX-License-Identifier: Apache-2.0
// The five steps of the user's document - key pair, JWK, assertion, token, request - with every algorithm, profile,
// TLS version and certificate chain.
import assert from 'node:assert/strict';
import { createHash, createPublicKey } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { observation } from './lib/observations.mjs';
import { ok } from './lib/sbs.mjs';
import { CLIENT, MainServer } from './lib/server.mjs';

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const HBA1C = 'Observation?code=4548-4&_sort=-date&_count=10';
const KEYS = {
    'RS384, 2048 bits': ['--alg', 'RS384', '--bits', '2048'],
    'RS384, 3072 bits': ['--alg', 'RS384', '--bits', '3072'],
    'RS384, 4096 bits': ['--alg', 'RS384', '--bits', '4096'],
    ES384: ['--alg', 'ES384'],
};

const base64url = (bytes) => Buffer.from(bytes).toString('base64url');
const sha256 = (text) => createHash('sha256').update(text).digest();
const hba1c = (day) => ({
    resourceType: 'Observation',
    status: 'final',
    code: { coding: [{ system: 'http://loinc.org', code: '4548-4' }] },
    identifier: [{ system: 'urn:hba1c', value: `day-${day}` }],
    effectiveDateTime: `2026-01-${String(day).padStart(2, '0')}`,
    valueQuantity: { value: 5 + day / 10, unit: '%', system: 'http://unitsofmeasure.org', code: '%' },
});

/** What the document's Python makes of a public key. */
function seedJwk(publicPem) {
    const { n, e } = createPublicKey(publicPem).export({ format: 'jwk' });
    const kid = base64url(sha256(publicPem)).slice(0, 16);
    return { kty: 'RSA', e, use: 'sig', kid, alg: 'RS384', n };
}

const thumbprint = ({ e, n }) => base64url(sha256(`{"e":"${e}","kty":"RSA","n":"${n}"}`));

let server;
before(async () => {
    server = await MainServer.start(['--lenient-seed']);
});
after(() => server.stop());

async function fiveSteps(profile, { keygen, alg }) {
    const name = `${profile}-${keygen.join('')}`;
    const key = server.path(`${name}.pem`);
    const publicFile = server.path(`${name}.pub`);
    // 1. The key pair.
    await ok(['keygen', '--key', key, '--public', publicFile, ...keygen]);
    assert.equal(statSync(key).mode & 0o777, 0o600);
    // 2. The JWK, from the public key as the document makes it; the administrator registers it bare.
    const jwkText = (await ok(['jwk', '--key', publicFile])).stdout;
    assert.equal((await ok(['jwk', '--key', key])).stdout, jwkText);
    const jwk = JSON.parse(jwkText);
    await server.admin('POST', '/clients', { clientId: CLIENT, jwks: jwk });
    // 3. The assertion, 4. a token for it by the document's own request.
    const assertion = ['assertion', '--key', key, '--client-id', CLIENT, '--aud', server.info.tokenUrl];
    const { stdout } = await ok([...assertion, '--profile', profile]);
    const header = JSON.parse(Buffer.from(stdout.split('.')[0], 'base64url'));
    assert.deepEqual(header, profile === 'seed' ? { alg, typ: 'JWT' } : { alg, kid: jwk.kid, typ: 'JWT' });
    const answer = await server.postForm({
        grant_type: 'client_credentials',
        scope: 'system/Observation.rs',
        client_assertion_type: ASSERTION_TYPE,
        client_assertion: stdout.trim(),
    });
    assert.equal(answer.status, 200, answer.text);
    // 4. and 5. again, as sbs does them.
    const options = server.options({ key, profile, scope: 'system/Observation.crus' });
    const token = JSON.parse((await ok(['token', ...options])).stdout);
    assert.deepEqual(Object.keys(token), ['access_token', 'token_type', 'expires_in', 'scope']);
    assert.equal(token.token_type, 'Bearer');
    assert.equal(token.expires_in, 300);
    const all = Array.from({ length: 12 }, (_, i) => JSON.stringify(hba1c(i + 1))).join('\n');
    await ok(['push', ...options, '-'], { input: all });
    const bundle = JSON.parse((await ok(['get', ...options, HBA1C])).stdout);
    assert.equal(bundle.total, 12);
    assert.deepEqual(
        bundle.entry.map(({ resource }) => resource.effectiveDateTime),
        [12, 11, 10, 9, 8, 7, 6, 5, 4, 3].map((day) => hba1c(day).effectiveDateTime),
    );
    return { jwkText, publicFile };
}

describe('five steps', () => {
    test('seed profile, a server that accepts it', async () => {
        await server.reset();
        const { jwkText, publicFile } = await fiveSteps('seed', { keygen: KEYS['RS384, 2048 bits'], alg: 'RS384' });
        const expected = seedJwk(readFileSync(publicFile, 'utf8'));
        assert.equal(jwkText, `${JSON.stringify(expected, null, 2)}\n`);
        const { stderr } = await ok(['jwk', '--key', publicFile]);
        assert.ok(stderr.includes(thumbprint(expected)), stderr);
    });
    for (const [name, keygen] of Object.entries(KEYS)) {
        test(`smart profile, ${name}`, async () => {
            await server.reset();
            await server.settings({ lenientSeed: false });
            await fiveSteps('smart', { keygen, alg: keygen[1] });
        });
    }
});

describe('the token request of the seed profile', () => {
    test('header, claims, form and headers are those of the document', async () => {
        await server.reset();
        const key = await server.key('document.pem', KEYS['RS384, 2048 bits']);
        await server.register(key);
        await ok(['token', ...server.options({ key, profile: 'seed', scope: 'system/Patient.rs' })]);
        const [record] = await server.requests('?where=token');
        const { headerText, claimsText, claims } = record.assertion;
        assert.equal(headerText, '{"alg":"RS384","typ":"JWT"}');
        const { iat } = claims;
        assert.ok(Math.abs(iat - Date.now() / 1000) < 30);
        assert.equal(
            claimsText,
            `{"iss":"${CLIENT}","sub":"${CLIENT}","aud":"${server.info.tokenUrl}","iat":${iat},"exp":${iat + 300}}`,
        );
        const head = record.formText.slice(0, record.formText.indexOf('&client_assertion='));
        assert.equal(
            head,
            'grant_type=client_credentials&scope=system%2FPatient.rs&' +
                'client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer',
        );
        assert.deepEqual(
            record.form.map(([member]) => member),
            ['grant_type', 'scope', 'client_assertion_type', 'client_assertion'],
        );
        assert.equal(record.headers.accept, 'application/json');
        assert.equal(record.headers['content-type'], 'application/x-www-form-urlencoded');
    });
    test('get asks for application/json', async () => {
        const key = server.path('document.pem');
        await ok(['get', ...server.options({ key, profile: 'seed', scope: 'system/Observation.rs' }), HBA1C]);
        const record = (await server.requests('?where=fhir')).at(-1);
        assert.equal(record.target, `/fhir/${HBA1C}`);
        assert.equal(record.headers.accept, 'application/json');
    });
});

describe('TLS', () => {
    const push = (name) => ['push', ...server.options(), server.write('one.json', observation(name))];
    for (const version of ['1.2', '1.3']) {
        for (const chain of ['p256', 'rsa', 'mixed']) {
            test(`${version} only, chain ${chain}`, async () => {
                await server.reset();
                await server.register(server.path('client.pem'));
                const { caFile } = await server.admin('POST', '/tls', { chain, min: version, max: version });
                const args = push('tls');
                args[args.indexOf('--ca') + 1] = caFile;
                const { stdout } = await ok(args);
                assert.match(stdout, /\tcreated\t/);
                for (const { tls, askedName } of await server.admin('GET', '/connections')) {
                    assert.equal(tls.protocol, `TLSv${version}`);
                    assert.equal(askedName, 'localhost');
                    // OpenSSL tells no name of a session of TLS 1.2 that is resumed, though it was asked for.
                    if (version !== '1.2' || !tls.resumed) assert.equal(tls.servername, 'localhost');
                }
            });
        }
    }
});
