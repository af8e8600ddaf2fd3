// SPDX-License-Identifier: Apache-2.0
// Nothing lost, nothing twice: QEMU is killed at any moment while measurements are made and pushed.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { LONG, SEED, numbers } from '../integration/lib/observations.mjs';
import { Lab, pause } from './lib/lab.mjs';
import { bringUp, drained, measurementsHeld, observations } from './lib/meter.mjs';

/** What is measured before the clock is known is sent without a time in one of them: held, it would wait for ever for the
 *  clock of a life that ended before it was known. */
const RUNS = [
    { board: 'lm3s6965evb', kills: LONG ? 100 : 8, writeMode: 'put', unknownTime: 'hold' },
    { board: 'mps2-an386', kills: LONG ? 100 : 6, writeMode: 'if-none-exist', unknownTime: 'send' },
];
const LIFE_MS = 900;
const next = numbers(SEED);

let lab;
before(async () => {
    lab = await Lab.start();
});
after(() => lab?.stop());

/** Now and then the server stores and does not answer, or takes its time. */
async function sometimesTrouble() {
    const faults = [
        { on: 'fhir', cutAt: 0, process: true },
        { on: 'fhir', delayAfterMs: 300 },
        { on: 'fhir', cutAt: 'head' },
        { on: 'fhir', status: 503, process: true },
    ];
    if (next(2) === 0) await lab.server.faults({ ...faults[next(faults.length)], skip: next(3) });
}

/** One life of the board: measures from the start, or once it is online, and dies. Returns what it said it accepted. */
async function live(device, mayBeEarly) {
    const early = mayBeEarly && next(3) === 0;
    if (!early) await device.waitForState(['online', 'server-trouble']);
    await sometimesTrouble();
    device.type(`measure ${1 + next(6)}\nqueue\n`);
    await pause(next(LIFE_MS));
    const from = device.mark();
    device.type('queue\n');
    if (next(2) === 0) await device.waitFor(/^queued=\d+ accepted=/, { from: from - 1 });
    await device.kill();
    const said = device.lines.map(({ text }) => /^queued=\d+ accepted=(\d+)/.exec(text)).filter(Boolean);
    return said.length > 0 ? Number(said.at(-1)[1]) : 0;
}

for (const { board, kills, writeMode, unknownTime } of RUNS) {
    describe(`${board}, ${writeMode}: power fails ${kills} times (seed ${SEED})`, () => {
        let device;
        let promised = 0;
        before(async () => {
            await lab.server.reset();
            device = lab.device({ board, key: 'ES384' });
            const scopes = 'system/Observation.cus system/Device.cu';
            const options = { 'write-mode': writeMode, 'unknown-time': unknownTime, scope: scopes };
            await bringUp(lab, device, { scopes, options });
        });
        after(() => device?.kill());

        test('what was accepted stays accepted', async () => {
            for (let i = 0; i < kills; i++) {
                promised = await live(device, unknownTime === 'send');
                await device.start();
                const { accepted } = await device.queue();
                assert.ok(accepted >= promised, `kill ${i}: ${accepted} accepted, ${promised} before the cut`);
            }
        });

        test('each accepted measurement is on the server, once', async () => {
            await lab.server.clearFaults();
            await device.waitForState('online');
            device.type('push\n');
            const { accepted, sent, dead, dropped } = await drained(device, promised);
            assert.ok(accepted > 0);
            const aside = device.lines.filter(({ text }) => text.startsWith('measurement set aside')).map(({ text }) => text);
            assert.deepEqual({ sent, dead, dropped, aside }, { sent: accepted, dead: 0, dropped: 0, aside: [] });
            const twice = (await measurementsHeld(lab)).filter(([, count]) => count !== 1);
            assert.deepEqual(twice, []);
            assert.equal((await observations(lab)).length, accepted);
            console.log(`${board}, ${writeMode}: ${kills} cuts, ${accepted} accepted, lost 0, twice 0`);
        });
    });
}
