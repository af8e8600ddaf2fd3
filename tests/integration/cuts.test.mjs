// SPDX-License-Identifier: Apache-2.0
// A session cut at every TLS record and at seeded offsets of its TCP bytes: nothing lost, nothing twice, clean messages.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { LONG, SEED, nameOf, numbers, observation, sample } from './lib/observations.mjs';
import { lastMessage, sbs } from './lib/sbs.mjs';
import { MainServer } from './lib/server.mjs';

const OFFSETS = 200;
const SHORT_OFFSETS = 30;
const SHORT_RECORDS = 16;
const CUTS = ['fin', 'rst'];
const WORDS =
    /the connection ended before the answer was complete|the connection failed|the connection was refused|no answer in time|the TLS handshake failed/;

let server;
let seen; // bytes and records of an undisturbed session
let next;
let count = 0;
before(async () => {
    server = await MainServer.start();
    next = numbers(SEED);
});
after(() => server.stop());

const push = (id, mode, timeout = 20) => {
    const args = ['push', ...server.options({ timeout }), '--write-mode', mode, '-'];
    return sbs(args, { input: observation(id) });
};

async function undisturbed() {
    await server.reset();
    const result = await push('whole', 'put');
    assert.equal(result.status, 0, result.text);
    const connections = await server.admin('GET', '/connections');
    const total = (direction) => connections.reduce((sum, each) => sum + each[direction].bytes, 0);
    const records = (direction) => connections.reduce((sum, each) => sum + each[direction].records.length, 0);
    return {
        bytes: { up: total('up'), down: total('down') },
        records: { up: records('up'), down: records('down') },
    };
}

/** One session with one fault. */
async function cutOnce(fault, mode, { once = true, timeout = 20 } = {}) {
    count += 1;
    const id = `cut-${count}`;
    const what = `${JSON.stringify(fault)} ${mode} seed ${SEED}`;
    await server.faults({ on: 'raw', times: once ? 1 : -1, across: once, ...fault });
    const result = await push(id, mode, timeout);
    const [armed] = await server.clearFaults();
    const held = await server.held(nameOf(id));
    assert.ok(held <= 1, `${what}: ${held} times\n${result.text}`);
    if (result.status === 0) assert.equal(held, 1, `${what}: said to be stored\n${result.text}`);
    else {
        assert.equal(result.status, 4, `${what}\n${result.text}`);
        assert.match(
            result.stdout,
            new RegExp(`^(${nameOf(id).replace('|', '\\|')}\tnot sent: .+\n)?$`),
            `${what}\n${result.text}`,
        );
        assert.match(result.stdout + result.stderr, WORDS, `${what}\n${result.text}`);
        lastMessage(result);
    }
    const again = await push(id, mode);
    assert.equal(again.status, 0, `${what}: afterwards\n${again.text}`);
    assert.equal(await server.held(nameOf(id)), 1, `${what}: afterwards`);
    return { ...result, hits: armed.hits };
}

describe('cuts', () => {
    before(async () => {
        seen = await undisturbed();
    });
    for (const mode of ['put', 'if-none-exist']) {
        test(`${mode}: at every record boundary, once; the client goes on by itself`, async (t) => {
            const all = ['up', 'down'].flatMap((direction) =>
                Array.from({ length: seen.records[direction] }, (_, cutRecord) => ({ direction, cutRecord })),
            );
            const chosen = sample(all, SHORT_RECORDS, next);
            t.diagnostic(`${chosen.length} of ${all.length} boundaries, seed ${SEED}`);
            for (const [i, fault] of chosen.entries()) {
                const result = await cutOnce({ ...fault, cut: CUTS[i % 2] }, mode);
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
                const result = await cutOnce(fault, mode);
                assert.equal(result.status, 0, `${JSON.stringify(fault)}: one cut is no failure\n${result.text}`);
            }
        });
    }
    test('every connection is cut at the same offset: an end with a message, and nothing twice', async () => {
        for (let i = 0; i < (LONG ? 40 : 6); i += 1) {
            const direction = i % 2 === 0 ? 'up' : 'down';
            const fault = { direction, cutAt: next(seen.bytes[direction]), cut: CUTS[next(2)] };
            await cutOnce(fault, i % 4 < 2 ? 'put' : 'if-none-exist', { once: false });
        }
    });
    test('a stall at a seeded offset ends with the time limit', async () => {
        for (let i = 0; i < (LONG ? 40 : 4); i += 1) {
            const direction = i % 2 === 0 ? 'up' : 'down';
            const fault = { direction, cutAt: next(seen.bytes[direction]), cut: 'stall' };
            const result = await cutOnce(fault, 'put', { timeout: 1 });
            assert.ok(result.ms < 12_000, `${result.ms} ms: ${result.text}`);
        }
    });
    test('connections that close as soon as TLS is up', async () => {
        await server.faults({ on: 'connection', cutAt: 0, cut: 'fin' });
        const result = await push('early', 'put');
        assert.equal(result.status, 0, result.text);
        await server.faults({ on: 'connection', cutAt: 0, cut: 'fin', times: -1 });
        const never = await push('never', 'put');
        assert.equal(never.status, 4, never.text);
        await server.clearFaults();
        assert.equal(await server.held(nameOf('never')), 0);
    });
});
