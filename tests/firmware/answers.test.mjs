// SPDX-License-Identifier: Apache-2.0
// Answers that look like success and are none, and the other way round: what the device counts as sent is on the server.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { LONG } from '../integration/lib/observations.mjs';
import { Lab, eventually } from './lib/lab.mjs';
import { bringUp, drained, measurementsHeld, recovers } from './lib/meter.mjs';

let lab, device;
before(async () => {
    lab = await Lab.start();
    device = lab.device({ board: 'lm3s6965evb', key: 'ES384' });
    await bringUp(lab, device);
});
after(() => lab?.stop());
afterEach(() => lab.mend());

const WRITE = { on: 'fhir', path: '/Observation/' };

async function eachIsHeldOnce() {
    const { sent } = await device.queue();
    const held = await measurementsHeld(lab);
    assert.deepEqual(held.filter(([, count]) => count !== 1), []);
    assert.equal(held.length, sent);
}

/** One fault for each write: the device measures, meets it, and tells nothing as sent that the server does not hold. */
async function confirmsNothing(fault) {
    const before = await device.queue();
    await lab.server.faults({ ...WRITE, ...fault, times: -1 });
    await device.ask('measure 3', /^measuring$/);
    await device.waitForState('server-trouble');

    const queue = await device.queue();
    assert.equal(queue.sent, before.sent);
    assert.equal(queue.queued, 3);
    assert.equal(queue.dead, before.dead);
    await eachIsHeldOnce();

    await recovers(device, async () => {
        const [{ hits }] = await lab.server.clearFaults();
        assert.ok(hits > 0, 'never met');
    });
    await drained(device, before.accepted + 3);
    await eachIsHeldOnce();
}

/** The server stores and answers so: the device takes it for sent at the first try. */
async function confirms(fault) {
    const before = await device.queue();
    await lab.server.faults({ ...WRITE, ...fault, process: true, times: 2 });
    await device.ask('measure 2', /^measuring$/);
    await drained(device, before.accepted + 2);
    const met = async () => ((await lab.server.admin('GET', '/faults'))[0].left === 0 ? true : undefined);
    await eventually(met, 'the answers are not met');
    const queue = await device.queue();
    assert.equal(queue.sent, before.sent + 2);
    assert.equal(queue.dead, before.dead);
    await eachIsHeldOnce();
}

test('200 with the JSON of a login page is no confirmation', () =>
    confirmsNothing({
        status: 200,
        headers: { 'Content-Type': 'application/json' },
        body: { type: 'redirect', location: 'https://login.lab.test/' },
    }));

test('200 with an OperationOutcome that tells of an error is no confirmation', () =>
    confirmsNothing({
        status: 200,
        headers: { 'Content-Type': 'application/fhir+json' },
        body: { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'processing' }] },
    }));

test('201 is a confirmation whatever codes its body', () =>
    confirms({ status: 201, headers: { 'Content-Type': 'application/fhir+json', 'Content-Encoding': 'gzip' }, body: 'coded' }));

test('201 with a body that is no resource is a confirmation', () =>
    confirms({ status: 201, headers: { 'Content-Type': 'application/json' }, body: { uuid: '8d9e' } }));
