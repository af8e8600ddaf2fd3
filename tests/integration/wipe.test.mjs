// SPDX-License-Identifier: Apache-2.0
// After use nothing is left of token, assertion and private key: all writable memory of a process that went the whole way
// and cleaned up (heap, stack, static) is searched from outside, at the optimisation level that is shipped.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { CLIENT, MainServer } from './lib/server.mjs';

const PROBE = join(dirname(process.env.SBS ?? 'build/host/tools/sbs'), '../tests/wipe_probe');
const PIECE = 16;

let server;
before(async () => {
    server = await MainServer.start();
});
after(() => server.stop());

/** Pieces of the private numbers, as bytes in both orders (Mbed TLS keeps numbers little-endian), and of the PEM text. */
function needlesOf(keyFile) {
    const pem = readFileSync(keyFile, 'utf8');
    const { d, p, q } = createPrivateKey(pem).export({ format: 'jwk' });
    const needles = new Map();
    for (const [name, text] of Object.entries({ d, p, q })) {
        if (text === undefined) continue;
        const bytes = Buffer.from(text, 'base64url');
        for (let at = 0; at + PIECE <= bytes.length; at += PIECE) {
            const piece = bytes.subarray(at, at + PIECE);
            needles.set(`${name} at ${at}`, piece);
            needles.set(`${name} at ${at}, reversed`, Buffer.from(piece).reverse());
        }
    }
    for (const [number, line] of pem.split('\n').entries()) {
        if (number > 1 && line.length === 64) needles.set(`PEM line ${number}`, Buffer.from(line.slice(0, 40)));
    }
    return needles;
}

/** Every writable mapping of a stopped process. */
function* memoryOf(pid) {
    const fd = openSync(`/proc/${pid}/mem`, 'r');
    for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').trim().split('\n')) {
        const [, from, to, mode, name] = /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+\s*(.*)$/.exec(line);
        if (!mode.startsWith('rw')) continue;
        const start = BigInt(`0x${from}`);
        const bytes = Buffer.alloc(Number(BigInt(`0x${to}`) - start));
        yield { name: name || 'anonymous', bytes: bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, start)) };
    }
    closeSync(fd);
}

function search(pid, needles) {
    const found = [];
    let size = 0;
    for (const { name, bytes } of memoryOf(pid)) {
        size += bytes.length;
        for (const [what, needle] of needles) {
            if (bytes.includes(needle)) found.push(`${what} in ${name}`);
        }
    }
    assert.ok(size > 200_000, `only ${size} bytes were searched`);
    return found;
}

const isStopped = (pid) => / T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/\(.*\)/, ''));

/** Runs the probe until it stops itself, and searches it. */
async function probe(keyFile, extra = []) {
    const args = [server.info.fhirBase, CLIENT, keyFile, server.info.caFile, ...extra];
    const child = spawn(PROBE, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = new Promise((resolve) => child.on('close', (code) => resolve(code)));
    try {
        const said = await new Promise((resolve, reject) => {
            child.stdout.once('data', (data) => resolve(String(data)));
            child.once('error', reject);
            child.once('close', () => resolve('nothing'));
        });
        assert.equal(said, 'done\n');
        while (!isStopped(child.pid)) await new Promise((resolve) => setTimeout(resolve, 5));
        // A token and an assertion begin with the base64url of '{"alg":'; the scope of the grant is no secret.
        const needles = needlesOf(keyFile);
        needles.set('a JWT', Buffer.from('eyJhbGci'));
        needles.set('an Authorization field', Buffer.from('Bearer ey'));
        return search(child.pid, needles);
    } finally {
        child.kill('SIGCONT');
        await ended;
    }
}

for (const [name, args] of Object.entries({ RS384: ['--bits', '2048'], ES384: ['--alg', 'ES384'] })) {
    test(`${name}: nothing secret is left in memory`, async () => {
        const key = await server.key(`wipe-${name}.pem`, args);
        await server.register(key);
        assert.deepEqual(await probe(key), []);
    });
}

test('the search finds a token and a key that were left', async () => {
    const key = await server.key('wipe-leak.pem');
    await server.register(key);
    assert.match((await probe(key, ['token'])).join(), /a JWT/);
    assert.match((await probe(key, ['key'])).join(), /d at 0/);
});
