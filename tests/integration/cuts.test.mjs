// SPDX-License-Identifier: Apache-2.0
// A session cut at every TLS record and at seeded offsets of its TCP bytes: nothing lost, nothing twice, clean messages.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CUTS, CutSessions } from './lib/cuts.mjs';
import { LONG, SEED, nameOf, numbers, sample } from './lib/observations.mjs';

const OFFSETS = 200;
const SHORT_OFFSETS = 30;
const SHORT_RECORDS = 16;

describe('cuts', () => {
    let sessions;
    let server;
    let seen; // bytes and records of an undisturbed session
    let next;
    before(async () => {
        sessions = await CutSessions.start();
        ({ seen, server } = sessions);
        next = numbers(SEED);
    });
    after(() => sessions.stop());
    for (const mode of ['put', 'if-none-exist']) {
        test(`${mode}: at every record boundary, once; the client goes on by itself`, async (t) => {
            const all = ['up', 'down'].flatMap((direction) =>
                Array.from({ length: seen.records[direction] }, (_, cutRecord) => ({ direction, cutRecord })),
            );
            const chosen = sample(all, SHORT_RECORDS, next);
            t.diagnostic(`${chosen.length} of ${all.length} boundaries, seed ${SEED}`);
            for (const [i, fault] of chosen.entries()) {
                const result = await sessions.cutOnce({ ...fault, cut: CUTS[i % 2] }, mode);
                assert.equal(result.status, 0, `${JSON.stringify(fault)}: one cut is no failure\n${result.text}`);
                assert.ok(result.hits === 1, 'the fault did not strike');
            }
        });
        test(`${mode}: at seeded offsets, once`, async (t) => {
            const all = Array.from({ length: OFFSETS }, (_, i) => {
                const direction = i % 2 === 0 ? 'up' : 'down';
                return { direction, cutAt: next(seen.bytes[direction]), cut: CUTS[next(2)] };
            });
            const chosen = LONG ? all : all.slice(0, SHORT_OFFSETS);
            t.diagnostic(`${chosen.length} of ${all.length} offsets, seed ${SEED}`);
            for (const fault of chosen) {
                const result = await sessions.cutOnce(fault, mode);
                assert.equal(result.status, 0, `${JSON.stringify(fault)}: one cut is no failure\n${result.text}`);
            }
        });
    }
    test('a stall at a seeded offset ends with the time limit', async () => {
        for (let i = 0; i < (LONG ? 40 : 4); i += 1) {
            const direction = i % 2 === 0 ? 'up' : 'down';
            const fault = { direction, cutAt: next(seen.bytes[direction]), cut: 'stall' };
            const result = await sessions.cutOnce(fault, 'put', { timeout: 1 });
            assert.ok(result.ms < 12_000, `${result.ms} ms: ${result.text}`);
        }
    });
    test('connections that close as soon as TLS is up', async () => {
        await server.faults({ on: 'connection', cutAt: 0, cut: 'fin' });
        const result = await sessions.push('early', 'put');
        assert.equal(result.status, 0, result.text);
        await server.faults({ on: 'connection', cutAt: 0, cut: 'fin', times: -1 });
        const never = await sessions.push('never', 'put');
        assert.equal(never.status, 4, never.text);
        await server.clearFaults();
        assert.equal(await server.held(nameOf('never')), 0);
    });
});
