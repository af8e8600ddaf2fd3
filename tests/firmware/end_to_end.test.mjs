// SPDX-License-Identifier: Apache-2.0
// From empty flash to Observations on the server, a reboot, a new key, and nothing left after reset.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { LONG } from '../integration/lib/observations.mjs';
import { Lab } from './lib/lab.mjs';
import { CLIENT_ID, SUBJECT, bringUp, measureAndDrain, observations, register } from './lib/meter.mjs';
import { assertDevice, assertMeasurement, assertPublicKey, privateBytes, thumbprint } from './lib/oracles.mjs';

/** Each board, TLS version and algorithm; what the short suite leaves out is marked. All but those with a key begin with
 *  empty flash. */
const RUNS = [
    { board: 'lm3s6965evb', tls: '1.2', alg: 'RS384' },
    { board: 'lm3s6965evb', tls: '1.3', alg: 'ES384', key: LONG ? null : 'ES384' },
    { board: 'mps2-an386', tls: '1.2', alg: 'ES384' },
    { board: 'lm3s6965evb', tls: '1.3', alg: 'RS384', long: true },
    { board: 'lm3s6965evb', tls: '1.2', alg: 'ES384', long: true },
    { board: 'mps2-an386', tls: '1.2', alg: 'RS384', long: true },
    { board: 'mps2-an386', tls: '1.3', alg: 'RS384', long: true },
    { board: 'mps2-an386', tls: '1.3', alg: 'ES384', long: true },
].filter((each) => LONG || !each.long);

let lab;
before(async () => {
    lab = await Lab.start();
});
after(() => lab?.stop());

function connections() {
    return lab.server.admin('GET', '/connections');
}

async function tokenRequests() {
    return lab.server.requests('?where=token');
}

for (const { board, tls, alg, key = null } of RUNS) {
    describe(`${board}, TLS ${tls}, ${alg}`, () => {
        let device, keys, count, earlier;
        before(async () => {
            await lab.server.reset();
            earlier = new Set((await connections()).map((each) => each.connection)); /* the device before may have left one open */
            await lab.server.admin('POST', '/tls', { min: tls, max: tls });
            device = lab.device({ board, variant: tls === '1.3' ? 'tls13' : 'default', key });
        });
        after(() => device.kill());

        test('makes its key, is registered and provisioned, and gets a token', async () => {
            keys = await bringUp(lab, device, { alg });
            assert.equal(keys.jwks.keys.length, 1);
            assertPublicKey(keys.jwks.keys[0], alg);
            assert.equal(keys.thumbprint, thumbprint(keys.jwks.keys[0]));
            const [{ assertion }] = (await tokenRequests()).slice(-1);
            assert.equal(assertion.header.alg, alg);
            assert.equal(assertion.header.kid, keys.jwks.keys[0].kid);
            await device.waitForState('online');
        });

        test('puts its Device, and its measurements arrive once, as they must be', async () => {
            await measureAndDrain(device, 6);
            const devices = await lab.server.admin('GET', '/resources/Device');
            assert.equal(devices.length, 1);
            assertDevice(devices[0]);
            const all = await observations(lab);
            const names = all.map((each) => assertMeasurement(each, { device: devices[0], subject: SUBJECT }));
            assert.equal(new Set(names).size, 6);
            assert.equal(all.length, 6);
            const { queued, accepted, sent, refused, dead } = await device.queue();
            assert.deepEqual([queued, accepted, sent, refused, dead], [0, 6, 6, 0, 0]);
            const used = (await connections()).filter((each) => each.tls && !earlier.has(each.connection));
            assert.ok(used.length > 0);
            assert.ok(used.every((each) => each.tls.protocol === `TLSv${tls}`), JSON.stringify(used.map((u) => u.tls)));
        });

        test('keeps all over a reboot and a power cut', async () => {
            const { boot } = await device.status();
            await device.ask('reboot', /^state=online /);
            await device.powerCycle();
            await device.waitForState('online');
            const now = await device.status();
            assert.equal(now.boot, boot + 2);
            assert.equal(now.record, 'confirmed');
            assert.equal(now.device, 'known');
            assert.deepEqual(await device.keys(), keys);
            assert.equal((await device.queue()).sent, 6);
            await measureAndDrain(device, 2);
            assert.equal((await observations(lab)).length, 8);
            assert.equal((await lab.server.admin('GET', '/resources/Device')).length, 1);
        });

        test('changes to its next key once that is registered', async () => {
            await device.ask('rotate', /^next-thumbprint: /);
            const both = await register(lab, device);
            assert.equal(both.jwks.keys.length, 2);
            assert.equal(both.thumbprint, keys.thumbprint);
            assertPublicKey(both.jwks.keys[1], alg);
            assert.equal(both.nextThumbprint, thumbprint(both.jwks.keys[1]));
            await device.ask('push', /^rotate: the next key is the current one now$/);
            const [{ assertion }] = (await tokenRequests()).slice(-1);
            assert.equal(assertion.header.kid, both.jwks.keys[1].kid);
            await measureAndDrain(device, 1);
            await device.powerCycle();
            await device.waitForState('online');
            assert.equal((await device.keys()).thumbprint, both.nextThumbprint);
            keys = both;
            count = (await device.queue()).sent;
            assert.equal(count, 9);
        });

        test('reset erases keys, record and queue', async () => {
            const [first, next] = keys.jwks.keys;
            const before = device.flash();
            const traces = {
                'client id': Buffer.from(CLIENT_ID),
                subject: Buffer.from(SUBJECT),
                'current key': privateBytes(next, before),
                'key before it': privateBytes(first, before),
            };
            for (const [what, bytes] of Object.entries(traces)) {
                assert.ok(bytes && before.includes(bytes), `the search finds no ${what} before the reset either`);
            }
            await device.ask('reset erase', /^reset: all erased$/);
            await device.waitForState('generating-key');
            await device.kill();
            const left = device.flash();
            for (const [what, bytes] of Object.entries(traces)) assert.ok(!left.includes(bytes), what);
        });
    });
}
