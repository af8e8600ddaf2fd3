// SPDX-License-Identifier: Apache-2.0
// Faults of the servers: refusals, 5xx, 429, wrong answers. Each is shown, and passes by itself when its cause has gone;
// nothing is lost or stored twice.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { LONG, SEED, numbers, sample } from '../integration/lib/observations.mjs';
import { Lab } from './lib/lab.mjs';
import { bringUp, drained, measurementsHeld, recovers, register, unregister } from './lib/meter.mjs';

const next = numbers(SEED);

let lab, device;
before(async () => {
    lab = await Lab.start();
    device = lab.device({ board: 'lm3s6965evb', key: 'ES384' });
    await bringUp(lab, device);
});
after(() => lab?.stop());
afterEach(() => lab.mend());

/** The token is taken away, and with the next measurement the whole way begins anew. */
async function measureAnew(count = 1) {
    await lab.server.admin('POST', '/revoke');
    await device.ask(`measure ${count}`, /^measuring$/);
}

async function allPushed() {
    return drained(device, (await device.queue()).accepted);
}

test('a client whose keys were taken away is refused, and goes on once they are back', async () => {
    await unregister(lab);
    await measureAnew(2);
    await device.waitForState('refused');
    const { error } = await device.status();
    assert.equal(error.oauth, 'invalid_client');
    assert.equal(error.step, 'token request');
    await recovers(device, () => register(lab, device));
    await allPushed();
});

test('a server that refuses every token', { skip: !LONG && 'a minute of waiting: in the long suite' }, async () => {
    await lab.server.faults({ on: 'fhir', refuseToken: true, times: -1 });
    await measureAnew();
    await device.waitForState('refused');
    await recovers(device, () => lab.server.clearFaults());
    await allPushed();
});

const answers = [
    { status: 500, times: 2 },
    { status: 503, retryAfter: 2 },
    { status: 429, retryAfter: 2 },
    { status: 503, process: true },
    { status: 200, headers: { 'Content-Type': 'text/html' }, body: '<html>' },
    { cutAt: 0, cut: 'fin' },
    { cutAt: 0, cut: 'rst', process: true },
    { cutAt: 'head', cut: 'rst' },
    { cutAt: 'body', cut: 'fin' },
    { cutAt: 'end', cut: 'notify' },
    { contentLength: -3 },
    { raw: { random: 300 } },
];
const stages = ['token', 'fhir'].flatMap((on) => answers.map((answer) => ({ on, ...answer })));

test(`wrong answers and ends at the token and the FHIR server (seed ${SEED})`, async () => {
    for (const fault of sample(stages, 8, next)) {
        await lab.server.faults(fault);
        await measureAnew();
        await allPushed();
        const [{ hits }] = await lab.server.clearFaults();
        assert.ok(hits > 0, `never met: ${JSON.stringify(fault)}`);
    }
});

test('nothing was lost or stored twice by all this', async () => {
    const { accepted, sent, dead, dropped } = await device.queue();
    assert.deepEqual({ sent, dead, dropped }, { sent: accepted, dead: 0, dropped: 0 });
    const held = await measurementsHeld(lab);
    assert.deepEqual(held.filter(([, count]) => count !== 1), []);
    assert.equal(held.length, accepted);
});
