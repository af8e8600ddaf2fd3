// SPDX-License-Identifier: Apache-2.0
// The FHIR side: scopes of each request, and each gap of Medplum's router that is closed here.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Fixture, identified, observation } from './support.mjs';

let server;
before(async () => {
    server = await Fixture.start();
});
after(() => server.stop());
beforeEach(() => server.server.reset());

const create = (body, headers = {}) => server.fhir('POST', 'Observation', { body, headers });
const IF_NONE_EXIST = { 'If-None-Exist': 'identifier=urn%3Atest%7Ca' };

describe('public documents', () => {
    test('smart-configuration', async () => {
        const answer = await server.request('GET', `${server.fhirBase}/.well-known/smart-configuration`);
        assert.equal(answer.status, 200);
        assert.equal(answer.headers['content-type'], 'application/json');
        assert.equal(answer.json.token_endpoint, server.tokenUrl);
        assert.deepEqual(answer.json.token_endpoint_auth_signing_alg_values_supported, ['RS384', 'ES384']);
    });
    test('its members can be replaced and removed', async () => {
        server.server.changeSettings({ smartConfiguration: { token_endpoint: '../token', issuer: null } });
        const answer = await server.request('GET', `${server.fhirBase}/.well-known/smart-configuration`);
        assert.equal(answer.json.token_endpoint, '../token');
        assert.ok(!('issuer' in answer.json));
    });
    test('metadata tells the truth about creating', async () => {
        const capability = async () => {
            const { json } = await server.request('GET', `${server.fhirBase}/metadata`);
            const { updateCreate, conditionalCreate } = json.rest[0].resource.find(
                ({ type }) => type === 'Observation',
            );
            return { updateCreate, conditionalCreate };
        };
        assert.deepEqual(await capability(), { updateCreate: true, conditionalCreate: true });
        server.server.changeSettings({ updateCreate: false, conditionalCreate: false });
        assert.deepEqual(await capability(), { updateCreate: false, conditionalCreate: false });
        assert.equal((await server.fhir('PUT', 'Observation/x1', { body: observation({ id: 'x1' }) })).status, 405);
        assert.equal((await create(identified('a'), IF_NONE_EXIST)).status, 201);
        assert.equal((await create(identified('a'), IF_NONE_EXIST)).status, 201);
        server.server.changeSettings({ conditionalCreate: 'refuse' });
        assert.equal((await create(identified('a'), IF_NONE_EXIST)).status, 400);
    });
});

describe('who may do what', () => {
    test('no token, bad token', async () => {
        const none = await server.request('GET', `${server.fhirBase}/Observation`);
        assert.deepEqual([none.status, none.headers['www-authenticate']], [401, 'Bearer realm="fhir"']);
        const bad = await server.fhir('GET', 'Observation', { token: 'x.y.z' });
        assert.deepEqual(
            [bad.status, bad.headers['www-authenticate']],
            [401, 'Bearer realm="fhir", error="invalid_token"'],
        );
        assert.equal(bad.json.resourceType, 'OperationOutcome');
    });
    test('an expired token', async () => {
        /* Its end is a whole second: it lasts 4 seconds at least, however late in a second it was made. */
        server.server.changeSettings({ tokenLifetime: 5 });
        const token = await server.token();
        let answer = await server.fhir('GET', 'Observation', { token });
        assert.equal(answer.status, 200);
        for (const end = Date.now() + 60000; answer.status === 200 && Date.now() < end; ) {
            await new Promise((resolve) => setTimeout(resolve, 250));
            answer = await server.fhir('GET', 'Observation', { token });
        }
        assert.deepEqual([answer.status, answer.json.issue[0].code], [401, 'expired']);
    });
    test('revoked tokens', async () => {
        const token = await server.token();
        await server.admin('POST', '/revoke');
        assert.equal((await server.fhir('GET', 'Observation', { token })).status, 401);
        delete server.broad;
        assert.equal((await server.fhir('GET', 'Observation')).status, 200);
    });
    const body = observation();
    const requests = [
        ['c', 'POST', 'Observation', body, 201],
        ['s', 'GET', 'Observation', undefined, 200],
        ['r', 'GET', 'Observation/known', undefined, 200],
        ['r', 'GET', 'Observation/known/_history', undefined, 200],
        ['r', 'GET', 'Observation/known/_history/1', undefined, 200],
        ['u', 'PUT', 'Observation/known', observation({ id: 'known' }), 200],
        ['d', 'DELETE', 'Observation/known', undefined, 200],
    ];
    for (const [letter, method, path, content, status] of requests) {
        test(`${method} ${path} needs ${letter}`, async () => {
            await server.fhir('PUT', 'Observation/known', { body: observation({ id: 'known' }) });
            const others = 'cruds'.replace(letter, '');
            const refused = await server.fhir(method, path, {
                body: content,
                token: await server.token(`system/Observation.${others}`),
            });
            assert.equal(refused.status, 403);
            assert.match(refused.headers['www-authenticate'], /error="insufficient_scope"/);
            const token = await server.token(`system/Observation.${letter}`);
            assert.equal((await server.fhir(method, path, { body: content, token })).status, status);
            assert.equal(
                (await server.fhir(method, path.replace('Observation', 'Patient'), { body: content, token })).status,
                403,
            );
        });
    }
    test('a scope with a query grants nothing', async () => {
        const token = await server.token('system/Observation.rs?code=8310-5');
        assert.equal((await server.fhir('GET', 'Observation', { token })).status, 403);
    });
    test('a conditional create needs c, and s if the setting says so', async () => {
        const token = await server.token('system/Observation.c');
        const post = () => server.fhir('POST', 'Observation', { token, body: identified('a'), headers: IF_NONE_EXIST });
        assert.equal((await post()).status, 201);
        server.server.changeSettings({ conditionalCreateNeedsSearch: true });
        assert.equal((await post()).status, 403);
    });
});

describe('create and update', () => {
    test('create: 201 with Location, ETag and Last-Modified; own id and version are ignored', async () => {
        const answer = await create(observation({ id: 'mine', meta: { versionId: '77' } }));
        assert.equal(answer.status, 201);
        assert.notEqual(answer.json.id, 'mine');
        assert.equal(answer.headers.location, `${server.fhirBase}/Observation/${answer.json.id}/_history/1`);
        assert.equal(answer.headers.etag, 'W/"1"');
        assert.equal(answer.headers['last-modified'], new Date(answer.json.meta.lastUpdated).toUTCString());
        assert.equal((await server.fhir('GET', `Observation/${answer.json.id}`)).json.meta.versionId, '1');
    });
    test('Prefer', async () => {
        const minimal = await create(observation(), { Prefer: 'return=minimal' });
        assert.deepEqual([minimal.status, minimal.text], [201, '']);
        assert.ok(minimal.headers.location);
        const outcome = await create(observation(), { Prefer: 'return=OperationOutcome' });
        assert.equal(outcome.json.resourceType, 'OperationOutcome');
    });
    test('PUT: 201 for a new id, then 200 with the next version', async () => {
        const put = () => server.fhir('PUT', 'Observation/device-1.7', { body: observation({ id: 'device-1.7' }) });
        const first = await put();
        assert.deepEqual([first.status, first.headers.etag], [201, 'W/"1"']);
        const second = await put();
        assert.deepEqual([second.status, second.headers.etag], [200, 'W/"2"']);
        const history = await server.fhir('GET', 'Observation/device-1.7/_history');
        assert.deepEqual(
            history.json.entry.map(({ resource }) => resource.meta.versionId),
            ['2', '1'],
        );
    });
    test('PUT: wrong id in the body, bad id, stale If-Match', async () => {
        assert.equal((await server.fhir('PUT', 'Observation/x1', { body: observation({ id: 'x2' }) })).status, 400);
        assert.equal((await server.fhir('PUT', 'Observation/x_1', { body: observation({ id: 'x_1' }) })).status, 400);
        await server.fhir('PUT', 'Observation/x1', { body: observation({ id: 'x1' }) });
        const stale = await server.fhir('PUT', 'Observation/x1', {
            body: observation({ id: 'x1' }),
            headers: { 'If-Match': 'W/"9"' },
        });
        assert.equal(stale.status, 412);
    });
    test('precision travels there and back', async () => {
        const text = JSON.stringify(observation()).replace('36.5', '36.50');
        const { json } = await server.fhir('POST', 'Observation', { body: text });
        assert.match((await server.fhir('GET', `Observation/${json.id}`)).text, /"value":36\.50,/);
        assert.match((await server.fhir('GET', 'Observation')).text, /"value":36\.50,/);
        assert.equal(server.server.requests.select({ where: 'fhir', method: 'POST', after: 0 })[0].body, text);
        const rows = (await server.admin('GET', '/observations')).json;
        assert.equal(rows[0].value, '36.50 Cel');
    });
    test('what is refused for its form', async () => {
        const post = (headers, body = observation()) => server.fhir('POST', 'Observation', { headers, body });
        assert.equal((await post({ 'Content-Type': 'text/plain' })).status, 415);
        assert.equal((await post({ 'Content-Encoding': 'gzip' })).status, 415);
        assert.equal((await post({ Accept: 'application/fhir+xml' })).status, 406);
        assert.equal((await post({}, '{"resourceType":')).status, 400);
        assert.equal((await post({}, '')).status, 400);
        assert.equal((await post({}, observation({ resourceType: 'Patient' }))).status, 400);
        assert.equal((await post({}, observation({ note: [{ text: 'n'.repeat(4 * 1024 * 1024) }] }))).status, 413);
    });
    test('the seed asks for application/json and gets it', async () => {
        const answer = await server.fhir('GET', 'Observation?code=4548-4&_sort%3Adesc=date&_count=10', {
            headers: { Accept: 'application/json' },
        });
        assert.deepEqual([answer.status, answer.headers['content-type']], [200, 'application/json; charset=utf-8']);
    });
});

const VITAL_SIGNS = [
    { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'vital-signs' }] },
];

describe('validation', () => {
    const cases = [
        ['no status', { status: undefined }],
        ['a status outside the required value set', { status: 'banana' }],
        ['no code', { code: undefined }],
        ['an unknown member', { banana: 1 }],
        ['a time without zone', { effectiveDateTime: '2026-03-01T10:00:00' }],
        ['a time without seconds', { effectiveDateTime: '2026-03-01T10:00Z' }],
        [
            'a time without zone in a Period',
            { effectiveDateTime: undefined, effectivePeriod: { start: '2026-03-01T10:00:00' } },
        ],
        ['two value[x]', { valueString: 'x' }],
        ['two value[x] in a component', { component: [{ code: { text: 'a' }, valueString: 'x', valueInteger: 1 }] }],
        ['two effective[x]', { effectiveInstant: '2026-03-01T10:00:00Z' }],
        ['dataAbsentReason beside a value', { dataAbsentReason: { text: 'x' } }],
        ['an empty array', { category: [] }],
        [
            'a vital sign without a time',
            { effectiveDateTime: undefined, category: VITAL_SIGNS, subject: { reference: 'Patient/p' } },
        ],
        ['a vital sign without subject', { category: VITAL_SIGNS }],
        ['a performer that is an Encounter', { performer: [{ reference: 'Encounter/e' }] }],
        ['an unknown comparator', { valueQuantity: { value: 1, comparator: '!' } }],
    ];
    for (const [name, changes] of cases) {
        test(`${name}: 400 with an OperationOutcome`, async () => {
            const answer = await create(observation(changes));
            assert.deepEqual([answer.status, answer.json.resourceType], [400, 'OperationOutcome']);
        });
    }
    test('a vital sign as it should be', async () => {
        assert.equal(
            (await create(observation({ category: VITAL_SIGNS, subject: { reference: 'Patient/p' } }))).status,
            201,
        );
    });
    test('a date alone needs no zone', async () =>
        assert.equal((await create(observation({ effectiveDateTime: '2026-03-01' }))).status, 201));
});

describe('identifiers', () => {
    test('If-None-Exist: 201, then 200 with the existing one, then 412', async () => {
        const first = await create(identified('a'), IF_NONE_EXIST);
        assert.equal(first.status, 201);
        const second = await create(identified('a', { id: 'own' }), IF_NONE_EXIST);
        assert.deepEqual([second.status, second.json.id], [200, first.json.id]);
        assert.deepEqual((await server.admin('GET', '/stats')).json.identifiers, { 'urn:test|a': 1 });
        await create(identified('a'));
        assert.equal((await create(identified('a'), IF_NONE_EXIST)).status, 412);
        assert.deepEqual((await server.admin('GET', '/stats')).json.identifiers, { 'urn:test|a': 2 });
    });
    test('the index follows updates and deletes', async () => {
        const { json } = await create(identified('a'), IF_NONE_EXIST);
        await server.fhir('PUT', `Observation/${json.id}`, { body: identified('b', { id: json.id }) });
        const total = async (query) => (await server.fhir('GET', `Observation?${query}`)).json.total;
        assert.equal(await total('identifier=urn:test%7Ca'), 0);
        assert.equal(await total('identifier=urn:test%7Cb'), 1);
        assert.equal(await total('identifier=b'), 1);
        assert.equal(await total('identifier=urn:test%7C'), 1);
        assert.equal(await total('identifier=a,b'), 1);
        await server.fhir('DELETE', `Observation/${json.id}`);
        assert.equal(await total('identifier=b'), 0);
        assert.equal((await server.fhir('GET', `Observation/${json.id}`)).status, 404);
    });
    test('values with characters that need escaping', async () => {
        const value = 'a+4|b,c$d\\e f';
        const escaped = encodeURIComponent(value.replace(/[\\,$|]/g, '\\$&'));
        const headers = { 'If-None-Exist': `identifier=urn%3Atest%7C${escaped}` };
        assert.equal((await create(identified(value), headers)).status, 201);
        assert.equal((await create(identified(value), headers)).status, 200);
    });
    test('parallel conditional creates make one resource', async () => {
        const answers = await Promise.all(Array.from({ length: 10 }, () => create(identified('a'), IF_NONE_EXIST)));
        assert.deepEqual(answers.map(({ status }) => status).sort(), [...Array(9).fill(200), 201]);
    });
    test('the index keeps conditional creates fast', async () => {
        for (let i = 0; i < 3000; i += 1) await server.server.repository.createResource(identified(`n${i}`));
        const start = performance.now();
        for (let i = 0; i < 50; i += 1)
            await create(identified(`n${i}`), { 'If-None-Exist': `identifier=urn:test%7Cn${i}` });
        assert.ok((performance.now() - start) / 50 < 50);
        assert.equal(server.server.repository.all('Observation').length, 3000);
    });
});

describe('search', () => {
    test('newest first, with self and next links', async () => {
        for (const day of ['01', '03', '02']) await create(observation({ effectiveDateTime: `2026-03-${day}` }));
        const answer = await server.fhir('GET', 'Observation?code=8310-5&_sort=-date&_count=2');
        assert.equal(answer.json.total, 3);
        assert.deepEqual(
            answer.json.entry.map(({ resource }) => resource.effectiveDateTime),
            ['2026-03-03', '2026-03-02'],
        );
        assert.equal(
            answer.json.entry[0].fullUrl,
            `${server.fhirBase}/Observation/${answer.json.entry[0].resource.id}`,
        );
        assert.deepEqual(
            answer.json.link.map(({ relation }) => relation),
            ['self', 'next'],
        );
        const next = await server.request('GET', answer.json.link[1].url, {
            headers: { Authorization: `Bearer ${server.broad}` },
        });
        assert.deepEqual(
            next.json.entry.map(({ resource }) => resource.effectiveDateTime),
            ['2026-03-01'],
        );
    });
});

describe('batch and transaction', () => {
    const post = (resource, ifNoneExist) => ({
        resource,
        request: { method: 'POST', url: resource.resourceType, ifNoneExist },
    });
    const send = (type, entry, options = {}) =>
        server.fhir('POST', '', { body: { resourceType: 'Bundle', type, entry }, ...options });

    test("a batch tells each entry's fate", async () => {
        const put = { resource: observation({ id: 'p1' }), request: { method: 'PUT', url: 'Observation/p1' } };
        const answer = await send('batch', [
            post(identified('a'), 'identifier=urn:test|a'),
            post(observation({ status: 'banana' })),
            put,
            put,
        ]);
        assert.equal(answer.status, 200);
        assert.equal(answer.json.type, 'batch-response');
        assert.deepEqual(
            answer.json.entry.map(({ response }) => response.status),
            ['201 Created', '400 Bad Request', '201 Created', '200 OK'],
        );
        assert.match(answer.json.entry[0].response.location, /^Observation\/[^/]+\/_history\/1$/);
        assert.equal(answer.json.entry[0].response.etag, 'W/"1"');
    });
    test('each entry needs its own scope', async () => {
        const entries = [post(observation()), post({ resourceType: 'Patient', active: true })];
        const token = await server.token('system/Observation.c');
        const batch = await send('batch', entries, { token });
        assert.deepEqual(
            batch.json.entry.map(({ response }) => response.status),
            ['201 Created', '403 Forbidden'],
        );
        assert.equal((await send('transaction', entries, { token })).status, 403);
        assert.equal(server.server.repository.all('Observation').length, 1);
    });
    test('a transaction is all or nothing', async () => {
        await server.fhir('PUT', 'Observation/kept', { body: identified('kept', { id: 'kept' }) });
        const before = JSON.stringify(server.server.repository.all('Observation'));
        const changed = {
            resource: identified('changed', { id: 'kept' }),
            request: { method: 'PUT', url: 'Observation/kept' },
        };
        const answer = await send('transaction', [
            post(identified('a')),
            changed,
            post(observation({ status: 'banana' })),
        ]);
        assert.deepEqual([answer.status, answer.json.resourceType], [400, 'OperationOutcome']);
        assert.equal(JSON.stringify(server.server.repository.all('Observation')), before);
        assert.deepEqual((await server.admin('GET', '/stats')).json.identifiers, { 'urn:test|kept': 1 });
        assert.equal((await server.fhir('GET', 'Observation/kept')).json.meta.versionId, '1');
    });
    test('a transaction rewrites urn:uuid references and keeps precision', async () => {
        const fullUrl = 'urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a';
        const patient = { fullUrl, ...post({ resourceType: 'Patient', active: true }) };
        const text = JSON.stringify({
            resourceType: 'Bundle',
            type: 'transaction',
            entry: [patient, post(observation({ subject: { reference: fullUrl } }))],
        });
        const answer = await server.fhir('POST', '', { body: text.replace('36.5,', '36.50,') });
        assert.deepEqual(
            answer.json.entry.map(({ response }) => response.status),
            ['201 Created', '201 Created'],
        );
        const patientId = answer.json.entry[0].resource.id;
        const stored = await server.fhir('GET', `Observation/${answer.json.entry[1].resource.id}`);
        assert.equal(stored.json.subject.reference, `Patient/${patientId}`);
        assert.match(stored.text, /36\.50/);
    });
    test('not a Bundle', async () =>
        assert.equal((await server.fhir('POST', '', { body: observation() })).status, 400));
});
