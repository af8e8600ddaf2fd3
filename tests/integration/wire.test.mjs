// SPDX-License-Identifier: Apache-2.0
// What goes over the wire: headers, claims, and the bytes of what is pushed.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { nameOf, observation } from './lib/observations.mjs';
import { ok } from './lib/sbs.mjs';
import { CLIENT, MainServer } from './lib/server.mjs';

let server;
before(async () => {
    server = await MainServer.start();
});
after(() => server.stop());

const push = (text, ...more) => ok(['push', ...server.options(), ...more, '-'], { input: text });

describe('a session', () => {
    let records;
    before(async () => {
        await server.reset();
        await push(observation('session'));
        await ok(['get', ...server.options(), 'Observation?code=8310-5']);
        records = await server.requests();
    });
    const of = (where) => records.filter((record) => record.where === where);

    test('asks for the documents, one token in each run, and no more', () => {
        assert.deepEqual(
            records.map(({ where, method, status }) => `${where} ${method} ${status}`),
            [
                'metadata GET 200',
                'discovery GET 200',
                'token POST 200',
                'fhir PUT 201',
                'discovery GET 200',
                'token POST 200',
                'fhir GET 200',
            ],
        );
    });
    test('every request: identity, a name, an id of its own, HTTP/1.1, the host with its port', () => {
        const ids = new Set();
        for (const { headers, httpVersion } of records) {
            assert.equal(headers['accept-encoding'], 'identity');
            assert.match(headers['user-agent'], /^(lib)?sbs\/\d+\.\d+\.\d+/);
            assert.match(headers['x-request-id'], /^[\x21-\x7e]{8,64}$/);
            assert.equal(headers.host, `localhost:${server.info.port}`);
            assert.equal(headers.cookie, undefined);
            assert.equal(httpVersion, '1.1');
            ids.add(headers['x-request-id']);
        }
        assert.equal(ids.size, records.length);
    });
    test('Authorization goes to FHIR requests only', () => {
        for (const { where, headers } of records) {
            if (where === 'fhir') assert.match(headers.authorization, /^Bearer \[\d+ bytes, sha256 /);
            else assert.equal(headers.authorization, undefined);
        }
    });
    test('media types and Prefer', () => {
        const [discovery] = of('discovery');
        assert.equal(discovery.headers.accept, 'application/json');
        const [written, read] = of('fhir');
        assert.equal(written.headers['content-type'], 'application/fhir+json');
        assert.equal(written.headers.prefer, 'return=minimal');
        assert.equal(written.headers.accept, 'application/fhir+json');
        assert.equal(read.headers.accept, 'application/fhir+json');
        assert.equal(read.headers['content-type'], undefined);
        assert.equal(read.bodyLength, 0);
    });
    test('the assertion of the smart profile', () => {
        const [{ assertion }] = of('token');
        assert.deepEqual(Object.keys(assertion.header), ['alg', 'kid', 'typ']);
        assert.equal(assertion.header.alg, 'ES384');
        assert.equal(assertion.header.typ, 'JWT');
        const { claims } = assertion;
        assert.deepEqual(Object.keys(claims), ['iss', 'sub', 'aud', 'exp', 'iat', 'jti']);
        assert.equal(claims.iss, CLIENT);
        assert.equal(claims.sub, CLIENT);
        assert.equal(claims.aud, server.info.tokenUrl);
        assert.equal(claims.exp - claims.iat, 240);
        assert.match(claims.jti, /^[\w-]{16,43}$/);
        const age = Date.now() / 1000 - claims.iat;
        assert.ok(age >= 20 && age < 60, `iat stands ${age} s in the past`);
    });
    test('the form of the smart profile names the client', () => {
        const [{ form }] = of('token');
        assert.deepEqual(
            form.map(([member]) => member),
            ['grant_type', 'scope', 'client_id', 'client_assertion_type', 'client_assertion'],
        );
        assert.equal(form[2][1], CLIENT);
    });
    test('discovery has a connection of its own, and the next one serves the rest of a run', () => {
        const of = (which) => new Set(records.filter(which).map(({ connection }) => connection));
        const discoveries = of(({ where }) => where === 'discovery');
        const others = of(({ where }) => where === 'token' || where === 'fhir');
        assert.equal(discoveries.size, 2);
        assert.equal(others.size, 2);
        assert.ok([...others].every((connection) => !discoveries.has(connection)));
    });
});

describe('--token-url', () => {
    test('no discovery; --fhir is not needed for a token', async () => {
        await server.reset();
        const url = server.info.tokenUrl;
        await ok(['token', ...server.options({ fhir: null, 'token-url': url })]);
        await ok(['get', ...server.options({ 'token-url': url }), 'Observation?code=1']);
        assert.deepEqual(
            (await server.requests()).map(({ where }) => where),
            ['token', 'token', 'fhir'],
        );
    });
});

describe('jti', () => {
    test('is never repeated, not at a retry either', async () => {
        await server.reset();
        await server.faults({ on: 'token', status: 503, times: 2 });
        for (let i = 0; i < 12; i += 1) await ok(['token', ...server.options()]);
        const records = await server.requests('?where=token');
        assert.equal(records.length, 14);
        const ids = records.map(({ assertion }) => assertion.claims.jti);
        assert.equal(new Set(ids).size, ids.length);
    });
});

describe('bytes', () => {
    const LITERALS = [
        '36.50',
        '36.5',
        '0.00',
        '-0.10',
        '1e3',
        '1.0E-2',
        '120',
        '6.500000000000000001',
        '123456789012345678',
    ];
    test('decimals keep their text, in every write mode', async () => {
        await server.reset();
        for (const mode of ['put', 'if-none-exist', 'plain']) {
            const items = LITERALS.map((value, i) => observation(`${mode}-${i}`, { value }));
            await push(items.join('\n'), '--write-mode', mode);
            const written = (await server.requests('?where=fhir')).slice(-LITERALS.length);
            const values = written.map(({ body }) => /"value":\s*([-+\d.eE]+),"unit"/.exec(body)?.[1]);
            assert.deepEqual(values, LITERALS);
        }
    });
    test('a plain create sends the very bytes of the file', async () => {
        const text = observation('bytes', { extra: '"note":[{"text":"\\u00e9 \\/ \u00fc \\ud83d\\ude00 \\n"}],' });
        await push(text, '--write-mode', 'plain');
        const { body, bodyLength } = (await server.requests('?where=fhir')).at(-1);
        assert.equal(body, text);
        assert.equal(bodyLength, Buffer.byteLength(text));
    });
    test('the server holds and gives back the literal', async () => {
        await push(observation('literal', { value: '36.50' }));
        const target = `Observation?identifier=${encodeURIComponent(nameOf('literal'))}`;
        const { stdout } = await ok(['get', ...server.options(), target]);
        assert.match(stdout, /"value":36\.50[,}]/);
    });
    test('an identifier with every kind of character is looked for by its very text', async () => {
        await server.reset();
        const odd = 'a+b c&d=e%f,g$h\\\\i/j?k#l;m|n\\u00e9';
        const text = observation(odd);
        await push(text, '--write-mode', 'if-none-exist');
        const again = await push(text, '--write-mode', 'if-none-exist');
        assert.match(again.stdout, /\talready there/);
        assert.equal((await server.admin('GET', '/resources/Observation')).length, 1);
    });
});
