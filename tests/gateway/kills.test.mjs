// SPDX-License-Identifier: Apache-2.0
// The gateway is killed at any moment while 20 devices post: every Observation that got a 201 arrives once. A device
// that got no answer repeats, as devices do.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { LONG, SEED, numbers } from '../integration/lib/observations.mjs';
import { MainServer, pause } from '../integration/lib/server.mjs';
import { Gateway, LIBS, assertEachOnce } from './lib/gateway.mjs';
import { Poster } from './lib/poster.mjs';

const DEVICES = 20;
const KILLS = LONG ? 50 : 5;

let server;
before(async () => (server = await MainServer.start()));
after(() => server.stop());

const killed = async (t, env) => {
    await server.reset();
    const next = numbers(SEED);
    const names = Array.from({ length: DEVICES }, (_, i) => `meter-${i}`);
    const gateway = new Gateway(server, { devices: names });
    t.after(() => gateway.stop());
    await gateway.start({ env });
    await gateway.prepare();

    const devices = names.map((name) => new Poster(gateway, name));
    const running = devices.map((device) => device.run());
    for (let i = 0; i < KILLS; i++) {
        await pause(100 + next(900));
        await gateway.kill();
        await gateway.start({ env });
    }
    await pause(300);
    devices.forEach((device) => (device.over = true));
    await Promise.all(running);
    await gateway.delivered(300_000);

    const given = devices.flatMap((device) => device.given);
    assert.deepEqual(devices.flatMap((device) => device.odd), [], 'only 201, 200, 503 or silence');
    await assertEachOnce(server, given, `seed ${SEED}`);
    const repeats = devices.reduce((sum, device) => sum + device.repeats, 0);
    t.diagnostic(`${KILLS} kills, ${given.length} accepted, ${repeats} of them as repeats: lost 0, twice 0`);
    assert.ok(given.length >= DEVICES * 2, `accepted only ${given.length}`);
};

test('killed at random with 20 devices posting: what got a 201 arrives once', (t) => killed(t, {}));

test('the same where each sync takes 20 ms longer', (t) =>
    killed(t, { LD_PRELOAD: `${LIBS}/slow_sync.so`, SLOW_SYNC_MS: '20' }));
