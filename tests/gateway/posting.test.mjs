// SPDX-License-Identifier: Apache-2.0
// Devices post, and what they post arrives once: in good times, without a network, without a server.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Gate } from '../integration/lib/queue.mjs';
import { nameOf, observation } from '../integration/lib/observations.mjs';
import { MainServer, pause } from '../integration/lib/server.mjs';
import { Gateway, assertEachOnce } from './lib/gateway.mjs';

let server;
before(async () => (server = await MainServer.start()));
after(() => server.stop());
beforeEach(() => server.reset());

/** A gateway for one test. */
const withGateway = async (t, options) => {
    const gateway = new Gateway(server, options);
    t.after(() => gateway.stop());
    await gateway.start();
    return gateway.prepare();
};

test('a device posts, gets 201, and the Observation arrives once', async (t) => {
    const gateway = await withGateway(t);
    const answer = await gateway.post('one');
    assert.equal(answer.status, 201, answer.text);
    await gateway.delivered();
    await assertEachOnce(server, ['one']);
    const status = await gateway.status();
    assert.equal(status.devices[0].delivered, 1);
    assert.equal(status.light, 'green');
});

test('a repeat of a device that lost the answer gets 200, and nothing is stored', async (t) => {
    const gateway = await withGateway(t);
    assert.equal((await gateway.post('again')).status, 201);
    assert.equal((await gateway.post('again')).status, 200);
    await gateway.delivered();
    assert.equal((await gateway.post('again')).status, 200);
    await assertEachOnce(server, ['again']);
});

test('a wrong secret gets 401, and no secret does', async (t) => {
    const gateway = await withGateway(t);
    assert.equal((await gateway.post('x', { secret: 'wrong' })).status, 401);
    assert.equal((await gateway.request('POST', '/fhir/Observation', { body: observation('x'), headers: { Authorization: '' } })).status, 401);
    await assertEachOnce(server, []);
});

test('without a network devices are served, and all arrives once when it is back', async (t) => {
    const gate = await new Gate().open(server.info.port);
    t.after(() => gate.shut());
    const gateway = await withGateway(t, { fhir: server.info.fhirBase.replace(/:\d+/, `:${gate.port}`) });
    assert.equal((await gateway.post('before')).status, 201);
    await gateway.delivered();
    await gate.shut();
    const ids = Array.from({ length: 30 }, (_, i) => `cut-${i}`);
    for (const id of ids) assert.equal((await gateway.post(id)).status, 201);
    const waiting = await gateway.until('it waits', (status) => status.upstream === 'waiting');
    assert.equal(waiting.waiting, 30);
    assert.equal(waiting.light, 'amber');
    assert.match(waiting.sentence, /Nothing is lost/);
    await gate.open(server.info.port, gate.port);
    await gateway.delivered(120_000);
    await assertEachOnce(server, ['before', ...ids]);
});

test('with the server down at the start devices are served', async (t) => {
    const gate = await new Gate().open(server.info.port);
    const fhir = server.info.fhirBase.replace(/:\d+/, `:${gate.port}`);
    await gate.shut();
    const gateway = await withGateway(t, { fhir });
    assert.equal((await gateway.post('early')).status, 201);
    await gate.open(server.info.port, gate.port);
    t.after(() => gate.shut());
    await gateway.delivered(120_000);
    await assertEachOnce(server, ['early']);
});

test('what the server refuses is a dead letter, with its status and words, and can be sent again', async (t) => {
    const gateway = await withGateway(t);
    await server.faults({ on: 'fhir', times: 1, status: 422, body: { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'invalid', diagnostics: 'no such code' }] } });
    assert.equal((await gateway.post('dead')).status, 201);
    const status = await gateway.until('it is dead', (now) => now.deadLetters === 1);
    assert.equal(status.light, 'red');
    const [line] = (await gateway.ok('dead', 'list', '--json')).stdout.trim().split('\n');
    const letter = JSON.parse(line);
    assert.equal(letter.device, 'fridge');
    assert.equal(letter.httpStatus, 422);
    assert.match((await gateway.ok('dead', 'show', String(letter.id))).stdout, /no such code/);
    await gateway.ok('dead', 'retry', String(letter.id));
    await gateway.delivered();
    await assertEachOnce(server, ['dead']);
    assert.equal((await gateway.command('dead', 'discard', String(letter.id))).status, 1);
});

test('dead letters are sent again one by one, of a device, or all, and none is told', async (t) => {
    const gateway = await withGateway(t, { devices: ['fridge', 'scale', 'lamp'] });
    const retry = (...words) => gateway.command('dead', 'retry', ...words);
    for (const words of [['--all'], ['--device', 'scale']]) {
        const none = await retry(...words);
        assert.deepEqual([none.status, none.stdout], [0, '']);
        assert.match(none.stderr, /^sbs-gateway: no dead letters.*: there is nothing to send again$/m);
    }
    for (const words of [[], ['1', '--all'], ['--all', '--device', 'scale'], ['--device']]) {
        assert.equal((await retry(...words)).status, 2, words.join(' '));
    }

    const refused = { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'invalid' }] };
    await server.faults({ on: 'fhir', times: 6, status: 422, body: refused });
    const ids = ['fridge-1', 'fridge-2', 'scale-1', 'scale-2', 'lamp-1', 'lamp-2'];
    for (const id of ids) assert.equal((await gateway.post(id, { device: id.split('-')[0] })).status, 201);
    await gateway.until('they are dead', (now) => now.deadLetters === 6);
    const listed = async (...words) => (await gateway.ok('dead', 'list', '--json', ...words)).stdout.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line));
    const [first] = await listed('--device', 'fridge');
    assert.equal((await listed('--device', 'fridge')).length, 2);
    assert.equal((await listed()).length, 6);

    assert.equal((await retry(String(first.id))).stdout, 'It is sent again.\n');
    await gateway.until('one less', (now) => now.deadLetters === 5 && now.waiting === 0);
    assert.equal((await retry('--device', 'scale')).stdout, '2 are sent again.\n');
    await gateway.until('two less', (now) => now.deadLetters === 3 && now.waiting === 0);
    assert.match((await retry('--device=scale')).stderr, /no dead letters of the device scale/);
    assert.equal((await retry('--device', 'fridge')).stdout, '1 is sent again.\n');
    assert.equal((await retry('--all')).stdout, '2 are sent again.\n');
    await gateway.until('none left', (now) => now.deadLetters === 0 && now.waiting === 0);
    await assertEachOnce(server, ids);
});

for (const status of [503, 500]) {
    test(`a server that answers ${status} to all is told as what is waited for, never as being sent`, async (t) => {
        const devices = ['meter-0', 'meter-1', 'meter-2', 'meter-3'];
        const gateway = await withGateway(t, { devices });
        const give = async (round) => {
            const ids = devices.map((device) => `${device}-${round}`);
            const answers = await Promise.all(ids.map((id, i) => gateway.post(id, { device: devices[i] })));
            answers.forEach((answer) => assert.equal(answer.status, 201));
            return ids;
        };
        const ids = [];
        for (let round = 0; round < 8; round++) ids.push(...(await give(round)));
        await gateway.delivered(); // over several connections by now
        await server.faults({ on: 'fhir', times: -1, status, body: {} });
        for (let round = 8; round < 11; round++) ids.push(...(await give(round)));

        /* Where nothing was answered for some looks, the gateway knows of what was before. */
        const answered = async () => (await server.admin('GET', '/faults'))[0].hits;
        for (let looks = 0, before = 0; looks < 5; ) {
            const now = await answered();
            looks = now > 0 && now === before ? looks + 1 : 0;
            before = now;
            await gateway.status();
        }
        for (let i = 0; i < 15; i++) {
            const { upstream, light, sentence } = await gateway.status();
            assert.deepEqual([upstream, light], ['waiting', 'amber'], `look ${i}: ${sentence}`);
            assert.match(sentence, new RegExp(`^\\d+ measurements wait: .*HTTP ${status}.*Nothing is lost\\.$`));
            await pause(100);
        }

        await server.clearFaults();
        await gateway.ok('reload');
        assert.equal((await gateway.delivered()).light, 'green');
        await assertEachOnce(server, ids);
    });
}

test('a 204 of the server is a yes, as any 201; a 202 is none', async (t) => {
    const gateway = await withGateway(t);
    await server.faults({ on: 'fhir', times: 1, status: 204 });
    assert.equal((await gateway.post('silent')).status, 201);
    const status = await gateway.delivered();
    assert.deepEqual([status.deadLetters, status.devices[0].delivered], [0, 1]);

    await server.clearFaults();
    await server.faults({ on: 'fhir', times: 1, status: 202, body: {} });
    assert.equal((await gateway.post('later')).status, 201);
    await gateway.delivered();
    await assertEachOnce(server, ['later']); // it went again; the first was believed
});

test('an idle gateway wakes at most once a second', async (t) => {
    const gateway = await withGateway(t);
    await gateway.post('busy');
    await gateway.delivered();
    await pause(4500); // what its own writes still wake it for
    const switches = async () => {
        const { readFile } = await import('node:fs/promises');
        return Number(/voluntary_ctxt_switches:\s+(\d+)/.exec(await readFile(`/proc/${gateway.child.pid}/status`, 'utf8'))[1]);
    };
    const before = await switches();
    await pause(5000);
    const woke = (await switches()) - before;
    assert.ok(woke <= 5, `woke ${woke} times in 5 s`);
});

test('other processes may add to the queue, and it is sent', async (t) => {
    const gateway = await withGateway(t);
    const { ok } = await import('../integration/lib/sbs.mjs');
    await ok(['queue', 'add', '--queue', gateway.path('state/queue.db'), '-'], { input: observation('foreign') });
    for (let i = 0; i < 100 && (await server.held(nameOf('foreign'))) === 0; i++) await pause(100);
    await assertEachOnce(server, ['foreign']);
});

test('a file in a device’s folder is taken, and arrives once', async (t) => {
    const { mkdirSync, renameSync, writeFileSync, existsSync } = await import('node:fs');
    const gateway = new Gateway(server);
    t.after(() => gateway.stop());
    mkdirSync(gateway.path('inbox'));
    gateway.more = `[device scale]\nprotocol = spool\nfolder = ${gateway.path('inbox')}\n`;
    gateway.configure();
    await gateway.start();
    await gateway.prepare();
    writeFileSync(gateway.path('inbox/one.json.part'), observation('file'));
    renameSync(gateway.path('inbox/one.json.part'), gateway.path('inbox/one.json'));
    for (let i = 0; i < 200 && existsSync(gateway.path('inbox/one.json')); i++) await pause(50);
    for (let i = 0; i < 200 && (await server.held(nameOf('file'))) === 0; i++) await pause(50);
    await assertEachOnce(server, ['file']);
});

test('the command of the operator’s page posts, and gets 201 and then 200', async (t) => {
    const { readFileSync } = await import('node:fs');
    const { execFileSync } = await import('node:child_process');
    const gateway = await withGateway(t);
    const page = readFileSync(new URL('../../docs/gateway.md', import.meta.url), 'utf8');
    const [command] = /curl -H[^]*?\}'\n/.exec(page);
    const run = () =>
        execFileSync('sh', ['-c', command.replace('SECRET', gateway.secrets.fridge).replace(':8080', `:${gateway.port}`).replace('curl', "curl -s -o /dev/null -w '%{http_code}'")], {
            encoding: 'utf8',
        });
    assert.equal(run(), '201');
    assert.equal(run(), '200');
    await gateway.delivered();
    const { identifiers } = await server.admin('GET', '/stats');
    assert.equal(identifiers['urn:fridge-3|1'], 1);
});

test('what devices are answered, as the operator’s page tells it', async (t) => {
    const gateway = await withGateway(t);
    const answer = async (method, path, body) => (await gateway.request(method, path, { body })).status;
    assert.equal(await answer('POST', '/fhir/Observation', observation('told')), 201);
    assert.equal(await answer('POST', '/fhir/Observation', observation('told', { value: '37' })), 409);
    assert.equal(await answer('POST', '/fhir/Observation', '{"resourceType":'), 400);
    assert.equal(await answer('POST', '/fhir/Observation', '{"resourceType":"Observation"}'), 422);
    const entry = { resource: JSON.parse(observation('entry')), request: { method: 'POST', url: 'Observation' } };
    assert.equal(await answer('POST', '/fhir', JSON.stringify({ resourceType: 'Bundle', type: 'batch', entry: [entry] })), 200);
    await gateway.delivered();
    await assertEachOnce(server, ['told', 'entry']);
});
