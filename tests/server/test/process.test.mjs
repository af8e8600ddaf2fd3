// SPDX-License-Identifier: Apache-2.0
// The servers as processes: how they start, tell, refuse and end; and that nothing from the network ends them.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';
import { CLIENT, makeKey } from './support.mjs';

const START = fileURLToPath(new URL('../start', import.meta.url));
const HOSTILE = fileURLToPath(new URL('../hostile.mjs', import.meta.url));
const READY_MS = 15_000;

let dir;
before(() => {
    dir = mkdtempSync(join(tmpdir(), 'sbs-process-test-'));
});
after(() => rmSync(dir, { recursive: true, force: true }));

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function run(command, args) {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const result = { child, stdout: '', stderr: '' };
    child.stdout.on('data', (text) => (result.stdout += text));
    child.stderr.on('data', (text) => (result.stderr += text));
    result.ended = new Promise((resolve) => child.on('close', (code) => resolve(code)));
    return result;
}

async function ready(process, file) {
    for (const end = Date.now() + READY_MS; Date.now() < end; await pause(50)) {
        if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8'));
        if (process.child.exitCode !== null) break;
    }
    throw new Error(`not ready: ${process.stderr}`);
}

async function started(name, args = [], command = [START]) {
    const file = join(dir, `${name}.json`);
    const all = [...command.slice(1), '--ready-file', file, '--stop-with-stdin', '--max-seconds', '60', ...args];
    const process = run(command[0], all);
    return { ...process, process, info: await ready(process, file) };
}

function get(url, caFile) {
    return new Promise((resolve, reject) => {
        https
            .get(url, { ca: readFileSync(caFile), agent: false }, (res) => resolve(res.resume().statusCode))
            .on('error', reject);
    });
}

function connects(host, port) {
    return new Promise((resolve) => {
        const socket = net.connect({ host, port }, () => resolve(true)).on('error', () => resolve(false));
        socket.once('connect', () => socket.destroy());
    });
}

describe('start', () => {
    test('--help, wrong usage, unreadable client file', async () => {
        const help = run(START, ['--help']);
        assert.equal(await help.ended, 0);
        assert.match(help.stdout, /^usage: /);
        for (const args of [['--banana'], ['--port', 'x'], ['--port', '70000'], ['--listen', 'localhost']]) {
            const wrong = run(START, args);
            assert.equal(await wrong.ended, 2);
            assert.match(wrong.stderr, /^start: .*\n$/);
        }
        for (const args of [
            ['--client', 'x=/nowhere.json'],
            ['--client', 'x'],
            ['--chain', 'banana'],
            ['--tls-min', '1.1'],
        ]) {
            const wrong = run(START, args);
            assert.equal(await wrong.ended, 1);
            assert.match(wrong.stderr, /^start: .*\n$/);
        }
    });
    test('--listen adds an address, and only that one', async () => {
        const server = await started('listen', ['--listen', '127.0.0.2']);
        const { port } = server.info;
        assert.equal(await connects('127.0.0.2', port), true);
        assert.equal(await connects('127.0.0.1', port), true);
        assert.equal(await connects('127.0.0.3', port), false);
        server.child.stdin.end();
        assert.equal(await server.ended, 0);
    });
    test('tells where it is, and ends with its standard input', async () => {
        const jwks = join(dir, 'jwks.json');
        writeFileSync(jwks, JSON.stringify({ keys: [(await makeKey('ES384', 'k')).jwk] }));
        const { process, info, child, ended } = await started('main', [
            '--client',
            `${CLIENT}=${jwks}:system/Observation.c system/Patient.rs`,
        ]);
        assert.equal(info.pid, child.pid);
        assert.equal(info.fhirBase, `https://localhost:${info.port}/fhir`);
        assert.equal(await get(`${info.fhirBase}/metadata`, info.caFile), 200);
        const clients = await (await fetch(`${info.adminUrl}/clients`)).json();
        assert.deepEqual(clients, [
            { clientId: CLIENT, kids: ['k'], scopes: 'system/Observation.c system/Patient.rs', alg: null },
        ]);
        assert.match(process.stdout, /^The servers are running .* They end at \d\d:\d\d:\d\d, after 60 seconds/);
        const lines = process.stdout.split('\n').filter((line) => line.startsWith('export '));
        const values = execFileSync('sh', ['-c', `${lines.join('\n')}\nprintf '%s\\n' "$BASE" "$CA" "$ADMIN" "$ID"`]);
        assert.deepEqual(values.toString().split('\n'), [info.fhirBase, info.caFile, info.adminUrl, CLIENT, '']);
        child.stdin.end();
        assert.equal(await ended, 0);
        assert.equal(process.stderr, '');
        assert.ok(!existsSync(info.caFile));
    });
    test('what it tells to paste is quoted for the shell, and it says when its time was over', async () => {
        const own = join(dir, "it's a folder");
        const server = run(START, ['--dir', own, '--max-seconds', '2']);
        assert.equal(await server.ended, 0);
        const line = server.stdout.split('\n').find((text) => text.startsWith('export CA='));
        const value = execFileSync('sh', ['-c', `${line}\nprintf '%s' "$CA"`]).toString();
        assert.ok(value.startsWith(`${own}/`), value);
        assert.match(server.stdout, /\nThe time is over \(--max-seconds 2\): the servers have ended\.\n$/);
    });
    test('a taken port', async () => {
        const holder = net.createServer().listen(0, '127.0.0.1');
        await pause(50);
        const second = run(START, ['--port', String(holder.address().port)]);
        assert.equal(await second.ended, 1);
        assert.match(second.stderr, /EADDRINUSE/);
        holder.close();
    });
    test('--public, --dir, --leaf, POST /stop', async () => {
        const own = join(dir, 'own');
        const { info, ended } = await started('public', [
            '--public',
            'https://10.0.2.2:8443',
            '--dir',
            own,
            '--leaf',
            'expired',
        ]);
        assert.equal(info.tokenUrl, 'https://10.0.2.2:8443/token');
        await assert.rejects(get(`https://localhost:${info.port}/fhir/metadata`, info.caFile), {
            code: 'CERT_HAS_EXPIRED',
        });
        await fetch(`${info.adminUrl}/stop`, { method: 'POST' });
        assert.equal(await ended, 0);
        assert.ok(existsSync(join(own, 'ca-p256.pem')));
    });
    test('--max-seconds and SIGTERM', async () => {
        const short = run(START, ['--max-seconds', '1']);
        assert.equal(await short.ended, 0);
        const { child, ended } = await started('term');
        child.kill('SIGTERM');
        assert.equal(await ended, 0);
    });
});

/** A small generator with a seed, so that a failure can be had again. */
function numbers(seed) {
    let state = seed;
    return (below) => {
        state = (Math.imul(state, 1103515245) + 12345) >>> 0;
        return (state >>> 8) % below;
    };
}

function nonsense(next) {
    const bytes = Buffer.from(Array.from({ length: next(600) }, () => next(256)));
    return [
        bytes,
        Buffer.from(`GET /${bytes.toString('hex')} HTTP/1.1\r\nHost: x\r\n\r\n`),
        Buffer.from('POST /fhir HTTP/1.1\r\nContent-Length: 99\r\n\r\nx'),
        Buffer.from('POST /token HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'),
        Buffer.from('GET /fhir/Observation/%ff?%%=\0 HTTP/1.1\r\n\r\n'),
    ][next(5)];
}

async function disturb(info, port, next) {
    const tcp = net.connect(port, '127.0.0.1').on('error', () => {});
    const socket =
        next(2) === 0 ? tcp : tls.connect({ socket: tcp, servername: 'localhost', ca: readFileSync(info.caFile) });
    socket.on('error', () => {}).on('data', () => {});
    socket.write(nonsense(next));
    await pause(next(15));
    if (next(2) === 0) tcp.resetAndDestroy();
    else socket.end();
    setTimeout(() => tcp.destroy(), 300).unref();
}

describe('nothing that comes from the network ends the server', () => {
    for (const [name, command] of [
        ['main', [START]],
        ['hostile', [process.execPath, HOSTILE]],
    ]) {
        test(name, async () => {
            const { process: server, info, child, ended } = await started(`disturbed-${name}`, [], command);
            const { port } = new URL(info.fhirBase);
            const next = numbers(20260301);
            for (let i = 0; i < 80; i += 1) await disturb(info, port, next);
            assert.equal(await get(`${info.fhirBase}/.well-known/smart-configuration`, info.caFile), 200);
            child.stdin.end();
            assert.equal(await ended, 0);
            assert.equal(server.stderr, '');
        });
    }
});
