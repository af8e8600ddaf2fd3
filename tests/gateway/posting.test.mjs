// SPDX-License-Identifier: Apache-2.0
// Devices post, and what they post arrives once: in good times, without a network, without a server.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { assertEachOnce, Gate } from '../integration/lib/queue.mjs';
import { nameOf, observation } from '../integration/lib/observations.mjs';
import { MainServer, pause } from '../integration/lib/server.mjs';
import { Gateway } from './lib/gateway.mjs';

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

test('an idle gateway wakes at most once a second', async (t) => {
    const gateway = await withGateway(t);
    await gateway.post('busy');
    await gateway.delivered();
    await pause(2000);
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
    await gateway.until('it is there', () => true);
    for (let i = 0; i < 100 && (await server.held(nameOf('foreign'))) === 0; i++) await pause(100);
    await assertEachOnce(server, ['foreign']);
});
