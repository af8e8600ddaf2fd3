// SPDX-License-Identifier: Apache-2.0
// lwIP against the real server, over a network whose parts fail. Runs in tests/lab/lab; SBS_LWIP_FORM: loop or threads.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { CLIENT, MainServer, pause } from '../integration/lib/server.mjs';

const ROOT = new URL('../..', import.meta.url).pathname;
const BUILD = process.env.SBS_LWIP_BUILD ?? join(ROOT, 'build/host');
const LONG = process.env.SBS_LONG === '1';
const form = process.env.SBS_LWIP_FORM ?? 'threads';
const PORT = 8443;
const BASE = `https://server.lab.test:${PORT}/fhir`;

const fault = (...commands) => execFileSync(join(ROOT, 'tests/lab/fault'), [commands.join(', ')], { encoding: 'utf8' });

let server;
before(async () => {
    assert.ok(process.env.SBS_LAB, 'run this in tests/lab/lab');
    server = await MainServer.start([
        ...['--listen', process.env.SBS_LAB_SERVER, '--port', String(PORT)],
        ...['--public', `https://server.lab.test:${PORT}`],
    ]);
});
after(() => server.stop());
beforeEach(async () => {
    fault('clear', 'seed 7', 'dhcp on', 'dns on', 'ntp on', 'ntp offset 0');
    await server.reset();
});

/** The device: workers that each store `count` Observations, or try to for some seconds. */
class Device {
    constructor({ prefix = form, workers = 4, count = 10, seconds = 40, base = BASE } = {}) {
        Object.assign(this, { prefix, workers, count, events: [], stderr: '', rest: '' });
        const { caFile } = server.info;
        const args = [base, CLIENT, server.path('client.pem'), caFile, prefix, workers, count, seconds];
        this.child = spawn(join(BUILD, `tests/lwip/lwip_push_${form}`), args.map(String));
        this.child.stdout.setEncoding('utf8').on('data', (text) => this.#read(text));
        this.child.stderr.setEncoding('utf8').on('data', (text) => (this.stderr += text));
        this.closed = new Promise((resolve) => this.child.on('close', (status, signal) => resolve(status ?? signal)));
    }

    #read(text) {
        const lines = (this.rest + text).split('\n');
        this.rest = lines.pop();
        this.events.push(...lines.map((line) => JSON.parse(line)));
    }

    has(event) {
        return this.events.some((each) => each.event === event);
    }

    stop() {
        this.child.kill('SIGTERM');
        return this.ended(1); // it has not stored all
    }

    /** What failed on the way, by status; demands that lwIP holds nothing any more. */
    async ended(expected = 0) {
        const status = await this.closed;
        const shown = `${JSON.stringify(this.events.slice(-5))}\n${this.stderr}`;
        assert.equal(this.stderr, '', shown);
        if (expected !== null) assert.equal(status, expected, shown);
        const end = this.events.at(-1);
        assert.equal(end?.event, 'end', shown);
        const held = ['connections', 'segments', 'questions', 'received', 'heap'];
        for (const what of held) assert.equal(end[what], 0, what);
        this.stored = end.stored;
        return this.events.filter(({ event }) => event === 'failed').map((each) => each.status);
    }
}

/** Every Observation of the device is there, each once. */
async function assertStored(device) {
    const { identifiers } = await server.admin('GET', '/stats');
    for (const [name, times] of Object.entries(identifiers)) assert.equal(times, 1, name);
    for (let worker = 0; worker < device.workers; worker += 1) {
        for (let i = 0; i < device.count; i += 1) {
            assert.equal(identifiers[`urn:example:lab|${device.prefix}-${worker}-${i}`], 1, `${worker}-${i}`);
        }
    }
}

/** Runs a device to its end under faults that last for a while; returns the statuses that failed meanwhile. */
async function overcome(during, ms, afterwards, options) {
    if (during) fault(...during);
    const device = new Device(options);
    await pause(ms);
    if (afterwards) fault(...afterwards);
    const failed = await device.ended();
    await assertStored(device);
    return { failed, device };
}

describe(form, () => {
    test('several workers push side by side', async () => {
        const { failed } = await overcome(null, 0, null, { workers: 6, count: LONG ? 200 : 20 });
        assert.deepEqual(failed, []);
    });
    test('frames are lost, reordered, doubled and damaged', async () => {
        const faults = ['loss 8', 'reorder 10', 'duplicate 5', 'corrupt 2', 'delay 1 5'];
        await overcome(faults, 0, null, { count: LONG ? 60 : 5, seconds: LONG ? 300 : 60 });
        const { link } = JSON.parse(fault('status'));
        for (const what of ['lost', 'reordered', 'duplicated', 'corrupted']) {
            assert.ok(link.up[what] + link.down[what] > 0, what);
        }
    });

    /** Directions, records and ways, the short run has a part of them. */
    function cutsToTry() {
        const cuts = [];
        const ways = LONG ? ['fin', 'rst', 'stall'] : ['fin', 'rst'];
        for (const direction of ['up', 'down']) {
            for (let cutRecord = 0; cutRecord < 7; cutRecord += LONG ? 1 : 3) {
                cuts.push(...ways.map((cut) => ({ direction, cutRecord, cut })));
            }
        }
        return LONG ? cuts : [...cuts, { direction: 'down', cutRecord: 1, cut: 'stall' }];
    }

    test('the server ends connections at any stage', async (t) => {
        const device = new Device({ count: 100_000, seconds: LONG ? 600 : 30 });
        const cuts = cutsToTry();
        let struck = 0;
        for (const each of cuts) struck += await strike(each);
        const stored = async () => Object.keys((await server.admin('GET', '/stats')).identifiers).length;
        const end = Date.now() + 15_000;
        for (const then = await stored(); (await stored()) < then + 20; await pause(100)) {
            assert.ok(Date.now() < end, 'the workers did not go on');
        }
        t.diagnostic(`${struck} of ${cuts.length} cuts struck`);
        await device.stop();
        const { identifiers } = await server.admin('GET', '/stats');
        for (const [name, times] of Object.entries(identifiers)) assert.equal(times, 1, name);
        assert.ok(device.stored > 0 && device.stored <= Object.keys(identifiers).length);
        assert.ok(struck >= cuts.length * 0.9, `${struck} of ${cuts.length}`);
    });
    test('the name server fails, then recovers', async () => {
        for (const mode of LONG ? ['nxdomain', 'refused', 'off'] : ['nxdomain']) {
            const ms = mode === 'off' ? 10_000 : 1500;
            const options = { prefix: `${form}-${mode}`, count: 3 };
            const { failed } = await overcome([`dns ${mode}`], ms, ['dns on'], options);
            assert.ok(failed.length >= 4, mode);
            assert.deepEqual([...new Set(failed)], ['SBS_ERR_RESOLVE'], mode);
            await server.reset();
        }
    });
    test('DHCP and time come late', async () => {
        fault('dhcp off', 'ntp garbage');
        const device = new Device({ count: 3 });
        await pause(1200);
        assert.ok(!device.has('network'));
        fault('dhcp on');
        await pause(4000);
        assert.ok(!device.has('time'), 'believed what was no answer');
        fault('ntp on');
        assert.deepEqual(await device.ended(), []);
        await assertStored(device);
    });
    test('connection refused', async () => {
        const device = new Device({ base: `https://server.lab.test:${PORT + 1}/fhir`, seconds: 2 });
        const failed = await device.ended(1);
        assert.ok(failed.length >= 4);
        assert.deepEqual([...new Set(failed)], ['SBS_ERR_REFUSED']);
    });
    test('nobody there, and silence behind the router', async () => {
        const nobody = ['10.77.0.250', 'SBS_ERR_UNREACHABLE'];
        const silence = ['10.78.0.1', 'SBS_ERR_TIMEOUT'];
        for (const [host, status] of LONG ? [nobody, silence] : [nobody]) {
            const device = new Device({ base: `https://${host}:${PORT}/fhir`, seconds: 5 });
            assert.deepEqual([...new Set(await device.ended(1))], [status], host);
        }
    });
    test('a peer without a key sends for ever what TLS passes over', async () => {
        const records = Buffer.alloc(70_000, Buffer.from([21, 3, 3, 0, 2, 1, 90])); // warnings
        const flood = await listen((socket) => {
            const pour = () => {
                while (socket.write(records));
            };
            socket.on('drain', pour).once('data', pour);
        });
        const device = new Device({ base: `https://server.lab.test:${flood.address().port}/fhir`, seconds: 16 });
        const failed = await device.ended(1); // the time limit of a connection is 12 seconds
        flood.close();
        assert.ok(failed.length >= 4);
        assert.deepEqual([...new Set(failed)], ['SBS_ERR_TIMEOUT']);
    });
    test('the cable is out for a while', async () => {
        const device = new Device({ count: 100_000, seconds: 300 });
        await pause(1500);
        fault('cable out');
        await pause(LONG ? 30_000 : 2000);
        fault('cable in');
        await pause(LONG ? 40_000 : 4000);
        await device.stop();
        device.count = 0; // as many as there was time for, each once
        await assertStored(device);
        assert.ok(device.stored > 0);
    });
});

/** A server beside the real one, on a port of its own. */
async function listen(onConnection) {
    const listener = createServer((socket) => {
        socket.on('error', () => {});
        onConnection(socket);
    });
    await new Promise((resolve) => listener.listen(0, process.env.SBS_LAB_SERVER, resolve));
    return listener;
}

/** Arms one cut and waits until it has struck; 1 if it did. */
async function strike(cut) {
    await server.faults({ on: 'raw', times: 1, ...cut });
    for (let i = 0; i < 300; i += 1) {
        const [armed] = await server.admin('GET', '/faults');
        if (!armed || armed.hits > 0) break;
        await pause(10);
    }
    const [armed] = await server.clearFaults();
    return armed === undefined || armed.hits > 0 ? 1 : 0;
}
