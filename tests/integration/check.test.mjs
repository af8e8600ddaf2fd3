// SPDX-License-Identifier: Apache-2.0
// `sbs check`: each step from the configuration to the permission to write, and what to do where it ends.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sbs } from './lib/sbs.mjs';
import { HostileServer, MainServer } from './lib/server.mjs';

const CONNECTED = ['key', 'configuration', 'DNS', 'TCP', 'TLS', 'clock'];
const ALL = [...CONNECTED, 'discovery', 'token', 'scope', 'metadata', 'create'];

let main;
let hostile;
before(async () => {
    main = await MainServer.start();
    hostile = await HostileServer.start();
});
after(() => Promise.all([main.stop(), hostile.stop()]));

async function check(options, status) {
    const result = await sbs(['check', '--json', ...options]);
    assert.equal(result.status, status, result.text);
    return JSON.parse(result.stdout);
}
const stepsOf = (lines) => lines.map(({ step }) => step);
const resultOf = (lines, step) => lines.find((line) => line.step === step)?.result;

describe('all is well', () => {
    test('the main server', async () => {
        const lines = await check(main.options(), 0);
        assert.deepEqual(stepsOf(lines), ALL);
        assert.ok(lines.every(({ result, advice }) => result === 'OK' && advice === undefined));
        assert.match(lines.at(-1).text, /^Observation: granted, and the server states/);
    });
    test('as lines', async () => {
        const { status, stdout, stderr } = await sbs(['check', ...main.options()]);
        assert.equal(status, 0);
        assert.equal(stderr, '');
        assert.match(stdout, /^(OK {4}[A-Za-z]+: [^\n]+\n){11}$/);
    });
    test('nothing is written', async () => {
        await main.reset();
        await check(main.options(), 0);
        const requests = await main.requests('?where=fhir');
        assert.deepEqual(
            requests.filter(({ method }) => method !== 'GET'),
            [],
        );
    });
    test('a token alone', async () => {
        const lines = await check(main.options({ fhir: null, 'token-url': main.info.tokenUrl }), 0);
        assert.deepEqual(stepsOf(lines), [
            'key',
            'configuration',
            'discovery',
            'DNS',
            'TCP',
            'TLS',
            'clock',
            'token',
            'scope',
        ]);
    });
});

describe('where it ends', () => {
    const ENDS = [
        ['html-discovery', 3, 'discovery', /--fhir/],
        ['token-404', 1, 'token', /--token-url/],
        ['token-401', 1, 'token', /--client-id/],
        ['wants-audience', 1, 'token', /--aud/],
        ['stu3', 3, 'metadata', /--fhir/],
    ];
    for (const [behaviour, status, step, advice] of ENDS) {
        test(behaviour, async () => {
            const lines = await check(hostile.with(behaviour), status);
            const last = lines.at(-1);
            assert.equal(last.step, step);
            assert.equal(last.result, 'FAIL');
            assert.match(last.advice, advice);
            assert.ok(lines.slice(0, -1).every(({ result }) => result !== 'FAIL'));
        });
    }
    test('an unknown root', async () => {
        const lines = await check(main.options({ ca: main.info.otherCaFile }), 4);
        assert.deepEqual(stepsOf(lines), ['key', 'configuration', 'DNS', 'TCP', 'TLS']);
        assert.equal(resultOf(lines, 'TLS'), 'FAIL');
    });
    test('a scope that is not granted', async () => {
        await main.register(main.path('client.pem'), { clientId: 'reader', scopes: 'system/Observation.rs' });
        const lines = await check(main.options({ 'client-id': 'reader' }), 1);
        assert.equal(resultOf(lines, 'scope'), 'WARN');
        assert.equal(resultOf(lines, 'create'), 'FAIL');
    });
    test('a scope that asks for nothing to write', async () => {
        const lines = await check(main.options({ scope: 'system/Observation.rs' }), 1);
        const create = lines.at(-1);
        assert.deepEqual([create.step, create.result], ['create', 'FAIL']);
        assert.match(create.advice, /system\/Observation\.cu/);
    });
    test('a way to write whose letter is not asked for', async () => {
        const lines = await check([...main.options({ scope: 'system/Observation.c' }), '--write-mode', 'put'], 1);
        assert.match(lines.at(-1).text, /no u \(update\), which put needs/);
    });
});

describe('warnings', () => {
    test('a server that states no way to write once', async () => {
        await main.reset();
        await main.settings({ updateCreate: false, conditionalCreate: false });
        const lines = await check(main.options(), 0);
        await main.reset();
        assert.equal(resultOf(lines, 'create'), 'WARN');
        assert.match(lines.at(-1).text, /plain: a repeat may be stored twice$/);
    });
    test('plain, though the server states a better way', async () => {
        const lines = await check([...main.options(), '--write-mode', 'plain'], 0);
        assert.equal(resultOf(lines, 'create'), 'WARN');
        assert.match(lines.at(-1).text, /--write-mode asks for plain: a repeat may be stored twice$/);
        assert.match(lines.at(-1).advice, /^leave --write-mode out/);
    });
    test('a clock that differs', async () => {
        const lines = await check(hostile.with('slow-discovery'), 0);
        const clock = lines.find(({ step }) => step === 'clock');
        assert.equal(clock.result, 'WARN');
        assert.match(clock.text, /^1[12]\d s ahead of the server's$/);
    });
    test('no CapabilityStatement', async () => {
        const lines = await check(hostile.with('metadata-403'), 0);
        assert.equal(resultOf(lines, 'metadata'), 'WARN');
        assert.match(lines.find(({ step }) => step === 'metadata').advice, /--write-mode/);
    });
    const HTML = /^https:\S+\/metadata answers with an HTML page \(HTTP 200\), not with a CapabilityStatement in JSON$/;
    for (const type of ['text/html', 'application/fhir+json']) {
        test(`a page in its place, as ${type}: in the words of push`, async () => {
            await main.reset();
            const headers = { 'content-type': type };
            await main.faults({ on: 'metadata', status: 200, body: '<html></html>', headers, times: -1 });
            const lines = await check(main.options(), 3);
            await main.reset();
            assert.deepEqual(stepsOf(lines), ALL.slice(0, -1));
            assert.equal(lines.at(-1).result, 'FAIL');
            assert.match(lines.at(-1).text, HTML);
            assert.match(lines.at(-1).advice, /--write-mode/);
        });
    }
    test('another release', async () => {
        const lines = await check(hostile.with('r5'), 0);
        assert.equal(resultOf(lines, 'metadata'), 'WARN');
    });
});
