// SPDX-License-Identifier: Apache-2.0
// Neither hangs nor leaks: connect, token, push, disconnect, over and over, with a constant heap. And what a build
// without the mark of a demonstration refuses.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { LONG } from '../integration/lib/observations.mjs';
import { Lab, pause } from './lib/lab.mjs';
import { bringUp, measureAndDrain, observations } from './lib/meter.mjs';

const CYCLES = LONG ? 200 : 20;
const WARM_UP = 4;
const BOARDS = [{ board: 'lm3s6965evb' }, { board: 'lm3s6965evb', variant: 'small' }];
if (LONG) BOARDS.push({ board: 'mps2-an386' });

let lab;
before(async () => {
    lab = await Lab.start();
});
after(() => lab?.stop());

/** A new token over a new connection, which the server closes behind the answer; the device notices it at its next
 *  request. Returns its figures. */
async function cycle(device) {
    await lab.server.admin('POST', '/revoke');
    await lab.server.faults({ on: 'fhir', method: 'PUT', skip: 1, cutAt: 'all', cut: 'notify' });
    await measureAndDrain(device, 1);
    const [{ hits }] = await lab.server.clearFaults();
    assert.equal(hits, 1, 'the connection was not closed');
    return device.stats();
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

/** What is kept of a connection is some bytes longer or shorter now and then; a leak of the smallest block (8 bytes) in
 *  each cycle moves the median by more. */
function assertConstant(values, what) {
    const half = values.length >> 1;
    const growth = median(values.slice(half)) - median(values.slice(0, half));
    assert.ok(growth <= 16, `${what} grow by ${growth}: ${values.join(' ')}`);
    const most = Math.max(...values) - Math.min(...values);
    assert.ok(most <= 64, `${what} vary by ${most}: ${values.join(' ')}`);
}

for (const { board, variant = 'default' } of BOARDS) {
    test(`${board}, ${variant}: ${CYCLES} cycles with a constant heap`, async () => {
        await lab.server.reset();
        const device = lab.device({ board, variant, key: 'RS384' });
        await bringUp(lab, device);
        const samples = [];
        for (let i = 0; i < CYCLES; i++) samples.push(await cycle(device));
        const tokens = (await lab.server.requests('?where=token')).filter((each) => each.status === 200);
        assert.ok(tokens.length >= CYCLES, `${tokens.length} tokens`);
        const settled = samples.slice(WARM_UP);
        for (const name of ['heap_live', 'heap_high_water', 'stack_high_water', 'heap_failures']) {
            const values = [...new Set(settled.map((each) => each[name]))];
            console.log(`${board} ${variant} ${name}: ${values.join(' ')}`);
        }
        assert.ok(settled.every((each) => each.heap_failures === 0), 'out of memory');
        assertConstant(settled.map((each) => each.heap_live), 'live bytes');
        assertConstant(settled.map((each) => each.heap_high_water), 'high water');
        await device.kill();
    });
}

test('a build that is not marked as a demonstration measures nothing', async () => {
    await lab.server.reset();
    const without = LONG ? { variant: 'nodemo' } : { target: 'firmware_nodemo' };
    const device = lab.device({ board: 'lm3s6965evb', key: 'ES384', ...without });
    await bringUp(lab, device, { options: { interval: 1 } });
    await device.ask('measure 1', /^error: refused: this build has no sensor$/);
    await device.ask('interval 1', /^interval set$/);
    await pause(2500);
    const { accepted } = await device.queue();
    assert.equal(accepted, 0);
    assert.deepEqual(await observations(lab), []);
    const [{ meta }] = await lab.server.admin('GET', '/resources/Device');
    assert.equal(meta.security, undefined);
    await device.kill();
});
