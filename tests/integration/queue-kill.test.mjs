// SPDX-License-Identifier: Apache-2.0
// `sbs queue push` killed again and again: each item reaches the server once. SBS_LONG=1: more items, more ways.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { assertEachOnce, Queue } from './lib/queue.mjs';
import { LONG, numbers, observation, SEED } from './lib/observations.mjs';
import { MainServer, pause } from './lib/server.mjs';

const ITEMS = LONG ? 4000 : 400; // three times as many in batches
const SHORTEST_MS = 40; // of a life
const LONGEST_MS = 240; // longer where the machine is too busy for anything to be done in it
const ARRIVED_MS = 120_000; // a bound on hangs only
const STILL_MS = 10_000; // a request is answered in a hundredth of that
const LIVES_MAX = LONG ? 4000 : 400;

let server;
before(async () => {
    server = await MainServer.start();
});
after(() => server.stop());
beforeEach(() => server.reset());

// The test server finds what it stored at once.
const WAYS = [
    ['put', ['--write-mode', 'put']],
    ['if-none-exist', ['--write-mode', 'if-none-exist', '--settle', '0']],
    ['put in batches', ['--write-mode', 'put', '--batch', '8']],
    ['if-none-exist in batches', ['--write-mode', 'if-none-exist', '--batch', '8', '--settle', '0']],
    ['if-none-exist, 64 marked ahead', ['--write-mode', 'if-none-exist', '--settle', '0', '--mark-ahead', '64']],
    ...(LONG ? [['put, 8 marked ahead', ['--write-mode', 'put', '--mark-ahead', '8']],
        ['put in batches, 64 marked ahead', ['--write-mode', 'put', '--batch', '8', '--mark-ahead', '64']]] : []),
];

// A connection whose client was killed can stay open on the server's side: nothing happens on it any more.
let abandoned = 0;

/** What was sent has arrived, and is done: a server that works on it while it comes again is another test. */
async function arrived() {
    const end = Date.now() + ARRIVED_MS;
    let since = Date.now();
    let before = '';
    for (let quiet = 0; quiet < 2; await pause(25)) {
        const stats = await server.admin('GET', '/stats');
        if (JSON.stringify(stats) !== before) since = Date.now();
        before = JSON.stringify(stats);
        if (Date.now() - since > STILL_MS) abandoned = stats.busy;
        abandoned = Math.min(abandoned, stats.busy);
        quiet = stats.busy === abandoned ? quiet + 1 : 0;
        assert.ok(Date.now() < end, `the server is still busy with ${stats.busy}`);
    }
}

for (const [number, [name, more]] of WAYS.entries()) {
    test(`kill -9 at seeded moments, ${name}: each exactly once`, async (t) => {
        const next = numbers(SEED + number);
        const queue = new Queue(server, `kill-${number}.db`);
        const ids = Array.from({ length: more.includes('--batch') ? 3 * ITEMS : ITEMS }, (_, i) => `k${i}`);
        await queue.add(ids.map((id) => observation(id)));
        let kills = 0;
        let longest = LONGEST_MS;
        for (let lives = 0; ; lives++) {
            assert.ok(lives < LIVES_MAX, `still not empty after ${lives} runs`);
            const run = queue.start(more);
            const timer = setTimeout(() => run.kill('SIGKILL'), SHORTEST_MS + next(Math.round(longest) - SHORTEST_MS));
            const result = await run.ended;
            clearTimeout(timer);
            if (result.signal === null) {
                assert.equal(result.status, 0, result.text);
                break;
            }
            kills++;
            longest = result.stdout === '' ? longest * 1.3 : Math.max(LONGEST_MS, longest * 0.9);
            await arrived();
        }
        t.diagnostic(`${kills} kills`);
        assert.ok(kills > 2, 'it was killed too seldom to show anything');
        assert.deepEqual(await queue.waiting(), []);
        assert.deepEqual(await queue.dead(), []);
        await assertEachOnce(server, ids, `seed ${SEED}`);
    });
}
