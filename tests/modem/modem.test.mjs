// SPDX-License-Identifier: Apache-2.0
// A device behind a modem against the real server: TLS on top and in the modem, faults, and modems that are not to be trusted.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { CLIENT, HostileServer, MainServer } from '../integration/lib/server.mjs';

const ROOT = new URL('../..', import.meta.url).pathname;
const BUILD = process.env.SBS_BUILD ?? join(ROOT, 'build/host');
const LONG = process.env.SBS_LONG === '1';
const SEED = Number(process.env.SBS_SEED ?? Math.floor(Math.random() * 1e6));
const DIALECTS = process.env.SBS_MODEM_DIALECT?.split(',') ?? ['simcom', 'quectel'];

let server, folder;
before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sbs-modem-'));
    server = await MainServer.start();
});
after(async () => {
    rmSync(folder, { recursive: true, force: true });
    await server.stop();
});
beforeEach(() => server.reset());

/** Lines of JSON that a program prints. */
function events(child) {
    const all = [];
    let rest = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop();
        all.push(...lines.map((line) => JSON.parse(line)));
    });
    return all;
}

class FakeModem {
    static async start(args) {
        const modem = new FakeModem();
        modem.record = join(folder, `sent-${Math.random()}`);
        modem.child = spawn('python3', [join(ROOT, 'tests/modem/fake_modem.py'), '--record', modem.record, ...args.map(String)]);
        modem.stderr = '';
        modem.child.stderr.setEncoding('utf8').on('data', (text) => (modem.stderr += text));
        modem.events = events(modem.child);
        modem.ended = new Promise((resolve) => modem.child.on('close', resolve));
        while (modem.events.length === 0) {
            assert.equal(modem.child.exitCode, null, modem.stderr);
            await new Promise((resolve) => setTimeout(resolve, 5));
        }
        modem.path = modem.events[0].path;
        return modem;
    }

    count(event) {
        return this.events.filter((each) => each.event === event).length;
    }

    /** What went to peers in clear. */
    sent() {
        return existsSync(this.record) ? readFileSync(this.record, 'latin1') : '';
    }

    async stop() {
        this.child.stdin.end();
        await this.ended;
        assert.equal(this.stderr, '');
    }
}

/** A device with so many Observations, on a modem of these arguments. */
async function push(options, modemArgs = []) {
    const { dialect = 'simcom', tls = 'top', baud = 115200, count = 2, seconds = 120, prefix = 'modem' } = options;
    const modem = await FakeModem.start(['--dialect', dialect, '--baud', baud, '--seed', SEED, ...modemArgs]);
    const { base = server.info.fhirBase, ca = server.info.caFile, key = server.path('client.pem') } = options;
    const args = [modem.path, baud, dialect, tls, base, CLIENT, key, ca];
    const device = spawn(join(BUILD, 'tests/modem/modem_push'), [...args, prefix, count, seconds].map(String));
    let stderr = '';
    device.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    const told = events(device);
    const status = await new Promise((resolve) => device.on('close', (code, signal) => resolve(code ?? signal)));
    await modem.stop();
    assert.equal(stderr, '');
    const shown = JSON.stringify({ seed: SEED, told, modem: modem.events.slice(-20) });
    const failed = told.filter(({ event }) => event === 'failed');
    return { status, modem, failed, shown, stored: told.at(-1)?.stored };
}

async function assertStored(count, prefix = 'modem', shown = '') {
    const { identifiers } = await server.admin('GET', '/stats');
    for (const [name, times] of Object.entries(identifiers)) assert.equal(times, 1, `${name}\n${shown}`);
    for (let i = 0; i < count; i += 1) assert.equal(identifiers[`urn:example:modem|${prefix}-${i}`], 1, `${i}\n${shown}`);
}

/** What a handshake that failed is called. Quectel's code for it is that of any failure. */
const HANDSHAKE = { simcom: ['SBS_ERR_TLS'], quectel: ['SBS_ERR_NETWORK'] };

/** The modem's own TLS: SIMCom's compares no names, so its certificate is pinned. */
const own = (dialect) => (dialect === 'simcom' ? 'pinned' : 'modem');

for (const dialect of DIALECTS) {
    describe(dialect, () => {
        for (const tls of ['top', own(dialect)]) {
            for (const baud of LONG || dialect === 'simcom' ? [115200, 9600] : [115200]) {
                test(`TLS ${tls}, ${baud} baud`, async () => {
                    const ran = await push({ dialect, tls, baud, count: LONG ? 20 : 2 });
                    assert.equal(ran.status, 0, ran.shown);
                    assert.deepEqual(ran.failed, [], ran.shown);
                    await assertStored(LONG ? 20 : 2);
                    const words = ran.modem.sent();
                    assert.equal(words.includes('client_assertion='), tls !== 'top', 'what the modem sees');
                });
            }
            test(`TLS ${tls}: unasked lines everywhere, and sends that take a part`, async () => {
                const ran = await push({ dialect, tls, count: LONG ? 20 : 3 }, ['--noise', 0.4, '--partial', 0.3]);
                assert.equal(ran.status, 0, ran.shown);
                assert.deepEqual(ran.failed, [], ran.shown);
                await assertStored(LONG ? 20 : 3);
            });
            for (const kind of ['reset', 'quiet', 'drop', 'stick', 'hangup', 'mute']) {
                test(`TLS ${tls}: ${kind} in the middle`, async (t) => {
                    for (const first of LONG ? range(1, 90) : sample(kind, kind === 'mute' ? 1 : 2)) {
                        const prefix = `${kind}-${first}`;
                        const faults = `${kind}@${first},${kind}@${first + 37}`;
                        const ran = await push({ dialect, tls, prefix }, ['--faults', faults, '--noise', 0.1]);
                        t.diagnostic(`${faults}: ${ran.failed.map(({ status }) => status)}`);
                        assert.equal(ran.status, 0, ran.shown);
                        await assertStored(2, prefix, ran.shown);
                    }
                });
            }
        }

        test('a server that hangs up after each answer', async (t) => {
            const hostile = await HostileServer.start();
            t.after(() => hostile.stop());
            const to = { base: `${hostile.info.withBase}close/fhir`, ca: hostile.info.caFile, key: hostile.path('client.pem') };
            const ran = await push({ dialect, tls: own(dialect), ...to });
            assert.equal(ran.status, 0, ran.shown);
            assert.equal((await hostile.admin('GET', '/resources')).length, 2);
        });
    });
}

const range = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);

/** Numbers that belong to the seed. */
function sample(kind, count) {
    const first = (SEED * 7919 + kind.length * 104729) % 60;
    return range(0, count).map((i) => 1 + ((first + i * 31) % 60));
}

describe('who is not to be trusted gets no secret', () => {
    async function assertRefused(options, modemArgs, statuses) {
        const ran = await push({ seconds: 4, ...options }, modemArgs);
        assert.equal(ran.status, 1, ran.shown);
        assert.ok(ran.failed.length > 0, ran.shown);
        for (const { status } of ran.failed) assert.ok(statuses.includes(status), ran.shown);
        assert.doesNotMatch(ran.modem.sent(), /client_assertion|assertion=|Bearer|eyJ/, ran.shown);
        const asked = (await server.requests()).filter(({ where }) => where !== 'other');
        assert.deepEqual(asked, [], 'something came to the server');
        return ran;
    }

    for (const dialect of DIALECTS) {
        test(`${dialect}: a modem that verifies nothing, and reads back so`, async () => {
            const args = ['--verifies-nothing', 'told'];
            const ran = await assertRefused({ dialect, tls: own(dialect) }, args, ['SBS_ERR_UNVERIFIED']);
            assert.equal(ran.modem.count('connect'), 0);
            assert.equal(ran.modem.sent(), '');
        });
        test(`${dialect}: a modem that verifies nothing, and reads back as if it did`, async () => {
            const args = ['--verifies-nothing', 'untold'];
            const ran = await assertRefused({ dialect, tls: own(dialect) }, args, ['SBS_ERR_UNVERIFIED']);
            assert.equal(ran.modem.count('connect'), 1);
            assert.equal(ran.modem.sent(), '');
        });
        test(`${dialect}: another authority`, async () => {
            const ca = server.info.otherCaFile;
            const ran = await assertRefused({ dialect, tls: own(dialect), ca }, [], HANDSHAKE[dialect]);
            assert.ok(ran.modem.count('handshake failed') > 0);
            await assertRefused({ dialect, tls: 'top', ca }, [], ['SBS_ERR_UNTRUSTED']);
        });
        test(`${dialect}: a false server under the right name`, async (t) => {
            const other = await MainServer.start();
            t.after(() => other.stop());
            const connect = ['--connect', `127.0.0.1:${other.info.port}`];
            await assertRefused({ dialect, tls: own(dialect) }, connect, HANDSHAKE[dialect]);
            await assertRefused({ dialect, tls: 'top' }, connect, ['SBS_ERR_UNTRUSTED']);
            assert.deepEqual(await other.requests(), []);
        });
        test(`${dialect}: a peer without TLS`, async (t) => {
            let got = '';
            const plain = createServer((socket) => socket.on('error', () => {}).on('data', (data) => (got += data.toString('latin1'))));
            await new Promise((resolve) => plain.listen(0, '127.0.0.1', resolve));
            t.after(() => plain.close());
            setTimeout(() => plain.close(), 60_000).unref();
            plain.on('connection', (socket) => setTimeout(() => socket.destroy(), 500));
            const connect = ['--connect', `127.0.0.1:${plain.address().port}`];
            await assertRefused({ dialect, tls: own(dialect) }, connect, HANDSHAKE[dialect]);
            assert.doesNotMatch(got, /assertion|Bearer/);
        });
    }
    test('quectel: a certificate for another name', { skip: !DIALECTS.includes('quectel') }, async () => {
        await server.admin('POST', '/tls', { leaf: 'wrong-host' });
        await assertRefused({ dialect: 'quectel', tls: 'modem' }, [], HANDSHAKE.quectel);
        await assertRefused({ dialect: 'quectel', tls: 'top' }, [], ['SBS_ERR_WRONG_NAME']);
    });
    test('simcom: nothing pinned', { skip: !DIALECTS.includes('simcom') }, async () => {
        const ran = await assertRefused({ dialect: 'simcom', tls: 'modem' }, [], ['SBS_ERR_UNVERIFIED']);
        assert.equal(ran.modem.count('connect'), 0);
    });
});
