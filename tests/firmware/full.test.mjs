// SPDX-License-Identifier: Apache-2.0
// A flash that is full of measurements: the console says so, none that was accepted is lost, and it drains by itself.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { LONG } from '../integration/lib/observations.mjs';
import { Lab } from './lib/lab.mjs';
import { bringUp, drained, measurementsHeld, online, recovers } from './lib/meter.mjs';

const DRAIN_MS = 1_800_000;
const ROUNDS = 12;
const BOARDS = LONG ? ['lm3s6965evb', 'mps2-an386'] : ['lm3s6965evb'];
const LONG_SUBJECT = `Patient/${'p'.repeat(40)}`; // fewer measurements fit, and each has to be sent

let lab;
before(async () => {
    lab = await Lab.start();
});
after(() => lab?.stop());

/** Measures until the queue takes no more, or for a fixed number of rounds. */
async function fill(device, rounds = ROUNDS) {
    for (let round = 0; round < rounds && device.state.name !== 'storage-full'; round++) {
        await device.ask('measure 500', /^measuring$/);
        let before;
        do {
            before = await device.queue();
            await new Promise((resolve) => setTimeout(resolve, 300));
        } while (sum(await device.queue()) !== sum(before));
    }
    return device.queue();
}
const sum = ({ accepted, refused }) => accepted + refused;

const eachBoard = (what, check) => BOARDS.forEach((board) => test(`${board}: ${what}`, () => check(board)));

eachBoard('refuses what does not fit, and drains', async (board) => {
    await lab.server.reset();
    const device = lab.device({ board, key: 'ES384' });
    await bringUp(lab, device, { options: { subject: LONG_SUBJECT } });
    await lab.server.faults({ on: 'fhir', status: 503, times: -1 });
    const full = await fill(device);
    assert.equal(device.state.name, 'storage-full', device.tail());
    assert.ok(full.refused > 0 && full.accepted >= 1000 && full.dropped === 0, JSON.stringify(full));
    await device.powerCycle();
    assert.equal((await device.queue()).accepted, full.accepted);
    await recovers(device, () => lab.server.clearFaults());
    const { sent, dead } = await drained(device, full.accepted, { ms: DRAIN_MS });
    assert.deepEqual([sent, dead], [full.accepted, 0]);
    const held = await measurementsHeld(lab);
    assert.deepEqual(held.filter(([, count]) => count !== 1), []);
    assert.equal(held.length, full.accepted);
    console.log(`${board}: ${full.accepted} accepted`);
    await device.kill();
});

test('drops the oldest if it is told to, and counts them', { skip: !LONG && 'in the long suite' }, async () => {
    await lab.server.reset();
    const device = lab.device({ board: 'mps2-an386', key: 'ES384' });
    await bringUp(lab, device, { options: { 'when-full': 'drop-oldest' } });
    await lab.server.faults({ on: 'fhir', status: 503, times: -1 });
    const full = await fill(device);
    assert.ok(full.refused === 0 && full.dropped > 0, JSON.stringify(full));
    await lab.server.clearFaults();
    await online(device, { ms: DRAIN_MS });
    const { sent, dropped } = await drained(device, full.accepted, { ms: DRAIN_MS });
    assert.equal(sent + dropped, full.accepted);
    assert.equal((await measurementsHeld(lab)).length, sent);
});
