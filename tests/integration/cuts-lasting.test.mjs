// SPDX-License-Identifier: Apache-2.0
// Every connection of a session is cut at the same offset, until the command gives up. It waits between its attempts, so
// several sessions run side by side, each against a server of its own.
import { describe, test } from 'node:test';
import { CUTS, CutSessions } from './lib/cuts.mjs';
import { LONG, SEED, numbers } from './lib/observations.mjs';

const LANES = 3;

describe('cuts that last', () => {
    test('every connection is cut at the same offset: an end with a message, and nothing twice', async () => {
        const count = LONG ? 40 : 6;
        const lane = async (first) => {
            const sessions = await CutSessions.start();
            const next = numbers(SEED + first);
            try {
                for (let i = first; i < count; i += LANES) {
                    const direction = i % 2 === 0 ? 'up' : 'down';
                    const fault = { direction, cutAt: next(sessions.seen.bytes[direction]), cut: CUTS[next(2)] };
                    await sessions.cutOnce(fault, i % 4 < 2 ? 'put' : 'if-none-exist', { once: false });
                }
            } finally {
                await sessions.stop();
            }
        };
        await Promise.all(Array.from({ length: LANES }, (_, i) => lane(i)));
    });
});
