// SPDX-License-Identifier: Apache-2.0
// The gateway dies by SIGKILL before each of its storage operations: while it starts for the first time, while it takes
// from devices, sends, and ends. Every Observation that got a yes arrives once. A device that got no answer repeats.
// SBS_LONG=1: every operation of such a life; else a seeded sample.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { after, before, beforeEach, test } from 'node:test';
import { LONG, SEED, numbers } from '../integration/lib/observations.mjs';
import { MainServer, pause } from '../integration/lib/server.mjs';
import { Gateway, LIBS, assertEachOnce } from './lib/gateway.mjs';

const DEVICES = ['meter-0', 'meter-1', 'meter-2'];
const EACH = 4; // that a device gives in a life
const SAMPLE = 10;
const SENDING_MS = 1500; // for what is under way to be sent, in a life that is not killed before

let server;
before(async () => (server = await MainServer.start()));
after(() => server.stop());
beforeEach(() => server.reset());

const killing = (gateway, at) => ({
    LD_PRELOAD: `${LIBS}/kill_at.so`,
    KILL_UNDER: gateway.path('state'),
    KILL_AT: String(at),
    KILL_COUNT: gateway.path('operations'),
});

/** Starts it; false: it was killed before it served. */
async function served(gateway, at) {
    rmSync(gateway.path('operations'), { force: true });
    try {
        await gateway.start({ env: killing(gateway, at) });
        return true;
    } catch (error) {
        assert.equal((await gateway.ended).signal, 'SIGKILL', error.message);
        return false;
    }
}

/** A device gives what it has, in its order, until it is done or nobody answers. */
async function give(gateway, device, ids, given) {
    while (ids.length > 0) {
        const answer = await gateway.post(ids[0], { device });
        if (answer.status === 0) return;
        assert.ok([200, 201, 503].includes(answer.status), `${ids[0]}: ${answer.status} ${answer.text}`);
        if (answer.status === 503) await pause(20);
        else given.push(ids.shift());
    }
}

const alive = (gateway) => gateway.child.exitCode === null && gateway.child.signalCode === null;

/** One life. @p pending: of each device, what it has to give. Returns whether it was killed. */
async function live(gateway, at, pending, given) {
    if (!(await served(gateway, at))) return true;
    await Promise.all(DEVICES.map((device) => give(gateway, device, pending[device], given)));
    for (const end = Date.now() + SENDING_MS; alive(gateway) && Date.now() < end; await pause(50)) {
        const { status, stdout } = await gateway.command('status', '--json');
        if (status === 0 && JSON.parse(stdout).waiting === 0) break;
    }
    if (alive(gateway)) gateway.child.kill('SIGTERM');
    const { code, signal } = await gateway.ended;
    assert.ok(code === 0 || signal === 'SIGKILL', `${code} ${signal} ${gateway.stderr}`);
    return signal === 'SIGKILL';
}

const operations = (gateway) => Number(readFileSync(gateway.path('operations'), 'utf8'));

/** The operations to be killed before: all of them, or a sample that has the first and the last. */
function places(count, next) {
    const all = Array.from({ length: count }, (_, i) => i + 1);
    if (LONG) return all;
    const some = new Set([1, count]);
    while (some.size < Math.min(SAMPLE, count)) some.add(1 + next(count));
    return [...some].sort((a, b) => a - b);
}

for (const [number, mode] of ['put', 'if-none-exist'].entries()) {
    test(`killed before its storage operations, ${mode}: what got a yes arrives once`, async (t) => {
        const next = numbers(SEED + number);
        const gateway = new Gateway(server, { devices: DEVICES, lines: [`write-mode = ${mode}`] });
        t.after(() => gateway.stop());
        await gateway.start();
        await gateway.prepare();
        gateway.child.kill('SIGTERM');
        await gateway.ended;

        const given = [];
        const ids = [];
        const pending = Object.fromEntries(DEVICES.map((device) => [device, []]));
        const more = (life) => {
            for (const device of DEVICES) {
                const own = Array.from({ length: EACH }, (_, i) => `${device}-${life}-${i}`);
                ids.push(...own);
                pending[device].push(...own);
            }
        };
        more('whole');
        assert.equal(await live(gateway, 0, pending, given), false);
        const count = operations(gateway);
        assert.ok(count > 50, `${count} operations`);

        let kills = 0;
        const at = places(count, next);
        for (const place of at) {
            more(place);
            kills += (await live(gateway, place, pending, given)) ? 1 : 0;
        }
        assert.ok(kills > at.length / 2, `killed ${kills} times of ${at.length}`);

        await gateway.start();
        await Promise.all(DEVICES.map((device) => give(gateway, device, pending[device], given)));
        await gateway.delivered(300_000);
        assert.deepEqual(given.toSorted(), ids.toSorted());
        await assertEachOnce(server, ids, `seed ${SEED}`);
        t.diagnostic(`${kills} kills before ${at.length} of ${count} storage operations, ${ids.length} Observations: lost 0, twice 0`);
    });
}

test('killed before the storage operations of its first start: the next one starts, keeps its key, and serves', async (t) => {
    const next = numbers(SEED + 9);
    const whole = new Gateway(server, { devices: ['meter-0'] });
    t.after(() => whole.stop());
    assert.ok(await served(whole, 0));
    whole.child.kill('SIGTERM');
    await whole.ended;
    const count = operations(whole);
    assert.ok(count > 10, `${count} operations`);

    const at = places(count, next);
    let kills = 0;
    for (const place of at) {
        const gateway = new Gateway(server, { devices: ['meter-0'] });
        t.after(() => gateway.stop());
        if (await served(gateway, place)) gateway.child.kill('SIGTERM');
        kills += (await gateway.ended).signal === 'SIGKILL' ? 1 : 0;
        assert.ok(existsSync(gateway.path('state')) || place < 3);

        await gateway.start();
        await gateway.prepare();
        assert.equal((await gateway.post(`first-${place}`)).status, 201, `operation ${place}`);
        await gateway.delivered();
        await gateway.stop();
    }
    await assertEachOnce(server, at.map((place) => `first-${place}`), `seed ${SEED}`);
    t.diagnostic(`${kills} kills before ${at.length} of ${count} storage operations of a first start`);
    assert.ok(kills > at.length / 2, `killed ${kills} times of ${at.length}`);
});
