// SPDX-License-Identifier: Apache-2.0
// The application in tasks of FreeRTOS: measurements are appended beside the push, nothing is lost and nothing twice.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { LONG, SEED, numbers } from '../integration/lib/observations.mjs';
import { Lab, eventually, pause } from './lib/lab.mjs';
import { bringUp, drained, measurementsHeld, measureAndDrain, observations } from './lib/meter.mjs';

const BOARD = 'mps2-an386';
const VARIANT = 'freertos';
const APPENDED = 500;
const KILLS = LONG ? 100 : 3;
const LIFE_MS = 900;
const next = numbers(SEED);

let lab, device;
before(async () => {
    lab = await Lab.start();
    device = lab.device({ board: BOARD, variant: VARIANT, key: 'ES384' });
    await bringUp(lab, device);
});
after(() => lab?.stop());
afterEach(() => lab.mend());

/** Waits until this many measurements more were taken, and demands that the queue took each. */
async function taken(before, count) {
    const look = async () => {
        const now = await device.queue();
        return now.accepted + now.refused >= before.accepted + before.refused + count ? now : undefined;
    };
    const now = await eventually(look, `${count} measurements`);
    assert.equal(now.refused, before.refused, device.tail());
}

/** What the device accepted, and that the server has each of it once. */
async function heldOnce() {
    const { accepted, sent, dead, dropped, refused } = await device.queue();
    assert.deepEqual({ sent, dead, dropped, refused }, { sent: accepted, dead: 0, dropped: 0, refused: 0 });
    assert.deepEqual((await measurementsHeld(lab)).filter(([, count]) => count !== 1), []);
    assert.equal((await observations(lab)).length, accepted);
    return accepted;
}

describe(`${BOARD}, ${VARIANT} (seed ${SEED})`, () => {
    test('a measurement comes from empty flash to the server', async () => {
        await measureAndDrain(device, 1);
        assert.equal(await heldOnce(), 1);
    });

    test(`${APPENDED} measurements, one every 3 ms, are appended beside the push`, async () => {
        const before = await device.queue();
        await device.ask(`measure ${APPENDED}`, /^measuring$/);
        await taken(before, APPENDED);
        await drained(device, before.accepted + APPENDED);
        assert.equal(await heldOnce(), before.accepted + APPENDED);
        console.log(`stats: ${JSON.stringify(await device.stats())}`);
    });

    const links = [['loss 5', 'delay 1 40', 'reorder 10', 'duplicate 10'], ['loss 15', 'delay 5 60'], ['corrupt 3', 'reorder 30']];
    for (const faults of LONG ? links : links.slice(0, 1)) {
        test(`pushes over a link with ${faults.join(', ')}`, async () => {
            await lab.fault(`seed ${SEED}`, ...faults);
            await device.powerCycle();
            await device.waitForState('online');
            await measureAndDrain(device, LONG ? 100 : 10);
            await heldOnce();
        });
    }

    test(`power fails ${KILLS} times while it appends and pushes`, async () => {
        for (let i = 0; i < KILLS; i++) {
            await device.waitForState('online');
            await device.ask(`measure ${50 + next(100)}`, /^measuring$/);
            await pause(next(LIFE_MS));
            const said = await device.queue();
            await device.powerCycle();
            const { accepted } = await device.queue();
            assert.ok(accepted >= said.accepted, `kill ${i}: ${accepted} accepted, ${said.accepted} before the cut`);
        }
        await device.waitForState('online');
        device.type('push\n');
        await drained(device, 1);
        console.log(`${KILLS} cuts, ${await heldOnce()} accepted, lost 0, twice 0`);
    });
});
