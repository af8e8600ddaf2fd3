// SPDX-License-Identifier: Apache-2.0
// sbs push: write modes, input forms, bad items among good ones, duplicates; nothing lost, nothing twice.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { nameOf, observation } from './lib/observations.mjs';
import { assertFails, assertMessage, fails, ok, pushLines, sbs } from './lib/sbs.mjs';
import { MainServer } from './lib/server.mjs';

const MODES = ['auto', 'put', 'if-none-exist', 'plain'];
const WARNING =
    'sbs: warning: push: the server does not state update-as-create or conditional create for Observation: ' +
    'a repeated push stores it again, choose with --write-mode\n';

let server;
before(async () => {
    server = await MainServer.start();
});
after(() => server.stop());
beforeEach(() => server.reset());

const push = (input, more = [], changes = {}) => sbs(['push', ...server.options(changes), ...more, '-'], { input });
const mode = (name) => ['--write-mode', name];
const held = (id) => server.held(nameOf(id));
const fates = (result) => pushLines(result).map(({ what }) => what);
const wire = async () =>
    (await server.requests('?where=fhir')).map(({ method, headers }) =>
        headers['if-none-exist'] ? `${method} If-None-Exist` : method,
    );

describe('write modes', () => {
    test('put: twice the same gives one resource, under an id derived from the identifier', async () => {
        const first = await push(observation('m'), mode('put'));
        const [line] = pushLines(first);
        assert.equal(first.status, 0, first.text);
        assert.equal(first.stdout, `${nameOf('m')}\tcreated\t${line.place}\n`);
        assert.match(line.place, /^Observation\/[A-Za-z0-9.-]{1,64}$/);
        const again = await push(observation('m'), mode('put'));
        assert.equal(again.stdout, `${nameOf('m')}\tupdated\t${line.place}\tversion 2\n`);
        assert.equal(await held('m'), 1);
        assert.deepEqual(await wire(), ['PUT', 'PUT']);
    });
    test('put: a resource with an id keeps it', async () => {
        const text = observation('own', { extra: '"id":"my-own.1",' });
        assert.equal(pushLines(await push(text, mode('put')))[0].place, 'Observation/my-own.1');
        assert.equal((await server.requests('?where=fhir'))[0].target, '/fhir/Observation/my-own.1');
    });
    test('if-none-exist: twice the same gives one resource', async () => {
        const first = pushLines(await push(observation('m'), mode('if-none-exist')))[0];
        assert.equal(first.what, 'created');
        const again = await push(observation('m'), mode('if-none-exist'));
        assert.equal(again.status, 0);
        assert.deepEqual(pushLines(again)[0], { ...first, what: 'already there' });
        assert.equal(await held('m'), 1);
        assert.deepEqual(await wire(), ['POST If-None-Exist', 'POST If-None-Exist']);
        const [{ headers }] = await server.requests('?where=fhir');
        assert.equal(headers['if-none-exist'], 'identifier=urn%3Asbs%3Atest%7Cm');
    });
    test('plain: twice the same gives two', async () => {
        await push(observation('m'), mode('plain'));
        assert.deepEqual(fates(await push(observation('m'), mode('plain'))), ['created']);
        assert.equal(await held('m'), 2);
        assert.deepEqual(await wire(), ['POST', 'POST']);
    });
    for (const [name, settings, expected, warning] of [
        ['update-as-create stated: PUT', {}, 'PUT', ''],
        ['only conditional create stated: If-None-Exist', { updateCreate: false }, 'POST If-None-Exist', ''],
        ['neither: plain, and a warning', { updateCreate: false, conditionalCreate: false }, 'POST', WARNING],
    ]) {
        test(`auto, ${name}`, async () => {
            await server.settings(settings);
            const result = await push(observation('auto'));
            assert.equal(result.status, 0, result.text);
            assert.equal(result.stderr, warning);
            assert.deepEqual(await wire(), [expected]);
        });
    }
    test('auto, no CapabilityStatement at all: If-None-Exist, and a warning that is true', async () => {
        await server.faults({ on: 'metadata', status: 404, body: '', times: -1 });
        const result = await push(observation('auto'));
        assert.equal(result.status, 0, result.text);
        assert.match(result.stderr, /^sbs: warning: push: the server shows no CapabilityStatement, so nothing says whether it heeds If-None-Exist/);
        assert.deepEqual(await wire(), ['POST If-None-Exist']);
    });
    test('auto, the CapabilityStatement is HTML: no guess, and the document is named', async () => {
        await server.faults({ on: 'metadata', status: 200, body: '<html></html>', times: -1 });
        const result = await push(observation('auto'));
        assert.equal(result.status, 3, result.text);
        const named = /https:\S+\/metadata answers with an HTML page \(HTTP 200\), not with a CapabilityStatement in JSON/;
        assert.match(result.stderr, new RegExp(`^sbs: push: CapabilityStatement: ${named.source}, choose a way to write with --write-mode$`, 'm'));
        assert.deepEqual(fates(result), ['not sent']);
    });
    test('put where the server does not create by PUT: not sent, with the reason and the mode to choose', async () => {
        await server.settings({ updateCreate: false });
        const result = await push(observation('refused'), mode('put'));
        assert.equal(result.status, 1);
        assert.match(pushLines(result)[0].reason, /HTTP 405/);
        assert.equal(pushLines(result)[0].what, 'not sent');
        assert.match(result.stderr, /use --write-mode if-none-exist/);
        assert.equal(await held('refused'), 0);
    });
    test('if-none-exist at a server that refuses it', async () => {
        await server.settings({ conditionalCreate: 'refuse' });
        const result = await push(observation('refused'), mode('if-none-exist'));
        assert.equal(result.status, 1);
        assert.match(pushLines(result)[0].reason, /HTTP 400/);
        assert.equal(await held('refused'), 0);
    });
    test('if-none-exist at a server that ignores it: what it answers is told', async () => {
        await server.settings({ conditionalCreate: false });
        assert.deepEqual(fates(await push(observation('ignored'), mode('if-none-exist'))), ['created']);
        assert.deepEqual(fates(await push(observation('ignored'), mode('if-none-exist'))), ['created']);
        assert.equal(await held('ignored'), 2);
    });
    test('the server holds the identifier twice: 412, named as such', async () => {
        await push(observation('two'), mode('plain'));
        await push(observation('two'), mode('plain'));
        const result = await push([observation('two'), observation('next')].join('\n'), mode('if-none-exist'));
        assert.equal(result.status, 1);
        const [first, second] = pushLines(result);
        assert.equal(first.what, 'refused');
        assert.match(first.reason, /^the server holds several resources with this identifier \(HTTP 412\)/);
        assert.equal(second.what, 'created');
        assert.equal(await held('two'), 2);
    });
    test('a token for creating alone', async () => {
        const scope = 'system/Observation.c';
        assert.equal((await push(observation('c'), mode('if-none-exist'), { scope })).status, 0);
        const result = await push(observation('c2'), mode('put'), { scope });
        assert.equal(result.status, 1, result.text);
        assert.match(pushLines(result)[0].reason, /scope does not cover.*needs system\/Observation\.u \(update\), granted is system\/Observation\.c$/);
        assert.equal(await held('c2'), 0);
    });
});

describe('input', () => {
    for (const [name, join] of [
        ['NDJSON', (items) => items.join('\n')],
        ['NDJSON with a last line end', (items) => `${items.join('\n')}\n`],
        ['NDJSON with CRLF and blank lines', (items) => `\r\n${items.join('\r\n\r\n')}\r\n`],
    ]) {
        test(name, async () => {
            const ids = ['1', '2', '3', '4', '5'];
            const result = await push(join(ids.map((id) => observation(id))));
            assert.equal(result.status, 0, result.text);
            assert.deepEqual(
                pushLines(result).map((line) => line.name),
                ids.map(nameOf),
            );
            for (const id of ids) assert.equal(await held(id), 1);
        });
    }
    test('one indented object, files and standard input together, in order', async () => {
        const indented = server.write('a.json', JSON.stringify(JSON.parse(observation('a')), null, 4));
        const lines = server.write('b.ndjson', [observation('b'), observation('c')].join('\n'));
        const result = await sbs(['push', ...server.options(), indented, '-', lines], { input: observation('d') });
        assert.equal(result.status, 0, result.text);
        assert.deepEqual(
            pushLines(result).map((line) => line.name),
            ['a', 'd', 'b', 'c'].map(nameOf),
        );
    });
    test('other resource types', async () => {
        await server.register(server.path('client.pem'), { scopes: 'system/*.cruds' });
        const input = [
            '{"resourceType":"Device","id":"scale-7","identifier":[{"system":"urn:dev","value":"7"}]}',
            '{"resourceType":"Patient","identifier":[{"system":"urn:pat","value":"p"}]}',
        ].join('\n');
        const result = await push(input, [], { scope: 'system/Device.cu system/Patient.cu' });
        assert.equal(result.status, 0, result.text);
        assert.match(result.stdout, /^urn:dev\|7\tcreated\tDevice\/scale-7\nurn:pat\|p\tcreated\tPatient\/\S+\n$/);
        await server.register(server.path('client.pem'));
    });
    test('500 items in one run', async () => {
        const ids = Array.from({ length: 500 }, (_, i) => `bulk-${i}`);
        const result = await push(ids.map((id) => observation(id)).join('\n'));
        assert.equal(result.status, 0);
        assert.equal(pushLines(result).length, ids.length);
        const { identifiers } = await server.admin('GET', '/stats');
        assert.deepEqual(
            Object.values(identifiers),
            ids.map(() => 1),
        );
        assert.equal((await server.requests('?where=token')).length, 1);
    });
    for (const [name, input] of [
        ['nothing', ''],
        ['blank lines', '\n\n  \n'],
    ]) {
        test(`${name}: exit 3`, async () => {
            assertFails(await push(input), 3, /^push: .+: no resource in it, give JSON or NDJSON$/);
        });
    }
    test('a file that is not there, beside one that is', async () => {
        const file = server.write('there.json', observation('there'));
        const result = await sbs(['push', ...server.options(), '/nowhere.json', file]);
        assert.equal(result.status, 3, result.text);
        assertMessage(result, /No such file or directory/);
        assert.deepEqual(
            pushLines(result).map((line) => line.name),
            [nameOf('there')],
        );
        assert.equal(await held('there'), 1);
    });
});

describe('a bad item among good ones', () => {
    const BAD = {
        'no JSON': ['{"resourceType":"Observation",}', 3, /not valid JSON/],
        'text behind the object': [`${observation('bad')} x`, 3, /not valid JSON/],
        'an array': ['[1]', 3, /.+/],
        'no resourceType': ['{"status":"final"}', 3, /resourceType/],
        'a resourceType that is none': ['{"resourceType":"../x"}', 3, /.+/],
        'a member twice': ['{"resourceType":"Observation","resourceType":"Patient"}', 3, /resourceType/],
        'bad UTF-8': [Buffer.from('7b22726573ff', 'hex'), 3, /not valid JSON/],
        'refused by the server: no status': [
            observation('bad').replace('"status":"final",', ''),
            1,
            /HTTP 400\).*status/,
        ],
        'refused by the server: a status that is none': [observation('bad').replace('final', 'banana'), 1, /HTTP 400/],
        'refused by the server: unknown member': [observation('bad', { extra: '"banana":1,' }), 1, /HTTP 400/],
    };
    for (const [name, [bad, status, why]] of Object.entries(BAD)) {
        test(name, async () => {
            const text = Buffer.isBuffer(bad) ? bad : Buffer.from(bad);
            const input = Buffer.concat([
                Buffer.from(`${observation('one')}\n`),
                text,
                Buffer.from(`\n${observation('two')}\n`),
            ]);
            const result = await push(input);
            assert.equal(result.status, status, result.text);
            const lines = pushLines(result);
            assert.deepEqual(fates(result), ['created', 'refused', 'created'], result.text);
            assert.match(lines[1].reason, why, result.text);
            assert.equal(lines[1].place, '');
            assertMessage(
                result,
                'push: 1 of 3 resources is not known to be on the server, the lines on standard output tell why',
            );
            assert.deepEqual([await held('one'), await held('bad'), await held('two')], [1, 0, 1]);
        });
    }
    test('no identifier and no id: put and if-none-exist refuse it, plain sends it', async () => {
        const bare = observation('x').replace(/"identifier":\[[^\]]*\],/, '');
        for (const [name, why] of [
            ['put', 'no id and no identifier to derive one from'],
            ['if-none-exist', 'no identifier to look for'],
        ]) {
            const result = await push([bare, observation('good')].join('\n'), mode(name));
            assert.equal(result.status, 3, result.text);
            assert.deepEqual(pushLines(result)[0], { name: '-:1', what: 'refused', reason: why, place: '' });
            assert.match(pushLines(result)[1].what, /^(created|already there)$/);
        }
        assert.deepEqual(fates(await push(bare, mode('plain'))), ['created']);
    });
    test('the same item twice in one file', async () => {
        for (const name of ['put', 'if-none-exist']) {
            const result = await push([observation(name), observation(name)].join('\n'), mode(name));
            assert.equal(result.status, 0, result.text);
            assert.deepEqual(fates(result), ['created', name === 'put' ? 'updated' : 'already there']);
            assert.equal(await held(name), 1);
        }
    });
    test('control characters in an identifier never reach the listing', async () => {
        const result = await push(observation('a\\u001b[31m\\tb\\nc'), mode('plain'));
        assert.match(result.stdout, /^urn:sbs:test\|a\?\[31m\?b\?c\trefused: [\x20-\x7e]+\n$/, result.text);
    });
});

describe('the answer is lost after the work was done', () => {
    for (const name of ['put', 'if-none-exist']) {
        for (const cut of ['fin', 'rst', 'notify']) {
            test(`${name}, ${cut}: tried again, stored once`, async () => {
                await server.faults({ on: 'fhir', cutAt: 0, cut, process: true });
                const result = await push([observation('lost'), observation('after')].join('\n'), mode(name));
                assert.equal(result.status, 0, result.text);
                assert.deepEqual([await held('lost'), await held('after')], [1, 1]);
            });
        }
    }
    test('plain: never tried again by itself; the message says that the server may hold it', async () => {
        await server.faults({ on: 'fhir', cutAt: 0, process: true });
        const result = await push(observation('lost'), mode('plain'));
        assert.equal(result.status, 4, result.text);
        assert.match(pushLines(result)[0].reason, /\(the server may have stored it all the same\)$/);
        assert.equal(pushLines(result)[0].what, 'not sent');
        assert.equal(await held('lost'), 1);
    });
    test('a false 503 after the work', async () => {
        await server.faults({ on: 'fhir', status: 503, body: '', process: true });
        const result = await push(observation('false'), mode('if-none-exist'));
        assert.equal(result.status, 0, result.text);
        assert.equal(await held('false'), 1);
    });
});

test('usage: no file', async () => {
    await fails(['push', ...server.options()], 2, /^push: FILE\.\.\. is missing, /);
    await ok(['push', '--help']);
});
