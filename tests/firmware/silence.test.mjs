// SPDX-License-Identifier: Apache-2.0
// Servers that fall silent: the connection ends after any TLS record, everything is down, answers stall. Each is shown, and
// passes by itself when its cause has gone; nothing is lost or stored twice.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { LONG, SEED, numbers, sample } from '../integration/lib/observations.mjs';
import { Lab } from './lib/lab.mjs';
import { bringUp, drained, measurementsHeld, recovers } from './lib/meter.mjs';

const next = numbers(SEED);
const RECORDS = 24;

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

test(`the connection ends after any record of the way (seed ${SEED})`, async () => {
    const all = ['down', 'up'].flatMap((direction) =>
        Array.from({ length: RECORDS }, (_, cutRecord) => ({ on: 'raw', direction, cutRecord, across: true })),
    );
    let met = 0;
    for (const fault of sample(all, 12, next)) {
        await lab.server.faults({ ...fault, cut: next(2) === 0 ? 'fin' : 'rst' });
        await measureAnew();
        await allPushed();
        met += (await lab.server.clearFaults())[0].hits;
    }
    assert.ok(met > 0, 'no connection was cut');
});

test('the whole server is down for a while, discovery too', async () => {
    await lab.server.faults({ on: 'any', status: 503, times: -1 });
    await device.powerCycle();
    await device.waitForState('server-trouble');
    assert.equal((await device.status()).error.http, 503);
    await device.ask('measure 3', /^measuring$/);
    await recovers(device, () => lab.server.clearFaults());
    await allPushed();
});

test('a server that stalls: the console answers meanwhile, and the device tries again', async () => {
    const stages = LONG ? ['discovery', 'token', 'fhir', 'connection'] : ['fhir'];
    for (const on of stages) {
        if (on === 'discovery') await device.powerCycle();
        const fault = on === 'connection' ? { on: 'raw', direction: 'down', cutRecord: 1 } : { on, cutAt: 5 };
        await lab.server.faults({ ...fault, cut: 'stall' });
        await measureAnew();
        await device.status();
        await allPushed();
        assert.equal((await lab.server.clearFaults())[0].hits, 1, on);
    }
});

test('a server that stalls for good is shown', { skip: !LONG && 'minutes of waiting: in the long suite' }, async () => {
    await lab.server.faults({ on: 'fhir', cutAt: 5, cut: 'stall', times: -1 });
    await measureAnew();
    await device.waitFor(/^error step=.* cause="no answer in time"/, { ms: 600_000 });
    await recovers(device, () => lab.server.clearFaults());
    await allPushed();
});

test('nothing was lost or stored twice by all this', async () => {
    const { accepted, sent, dead, dropped } = await device.queue();
    assert.deepEqual({ sent, dead, dropped }, { sent: accepted, dead: 0, dropped: 0 });
    const held = await measurementsHeld(lab);
    assert.deepEqual(held.filter(([, count]) => count !== 1), []);
    assert.equal(held.length, accepted);
});
