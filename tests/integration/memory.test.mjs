// SPDX-License-Identifier: Apache-2.0
// What a run learns of a server is kept beside the queue: the next one asks for nothing that it knows, and believes
// nothing that is too old, of others, or wrong.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { after, before, beforeEach, test } from 'node:test';
import { assertEachOnce, Queue } from './lib/queue.mjs';
import { observation } from './lib/observations.mjs';
import { MainServer } from './lib/server.mjs';

let server;
let queue;
let number = 0;
before(async () => {
    server = await MainServer.start();
});
after(() => server.stop());
beforeEach(async () => {
    await server.clearFaults();
    await server.reset();
    queue = new Queue(server, `memory-${++number}.db`);
});

const NO_RUNTIME = { XDG_RUNTIME_DIR: '', RUNTIME_DIRECTORY: '' };
const facts = () => `${queue.path}.memory`;
const token = () => `${queue.path}.token`;

/** Stores an item, pushes it, and returns what was asked of the server for it: "GET /fhir/metadata" and so on. */
async function run(id, more = [], { changes = {}, env = NO_RUNTIME } = {}) {
    const before = (await server.requests()).length;
    await queue.add([observation(id)]);
    const result = await queue.push(more, { changes, env });
    assert.equal(result.status, 0, result.text);
    return (await server.requests()).slice(before).map(({ method, target }) => {
        const path = target.split('?')[0].replace(/^(\/fhir\/Observation)\/.*/, '$1');
        return `${method} ${path}`;
    });
}

const ALL = [
    'GET /fhir/metadata',
    'GET /fhir/.well-known/smart-configuration',
    'POST /token',
    'PUT /fhir/Observation',
];
const KNOWN = ['PUT /fhir/Observation'];

test('a second run sends its item, and nothing else', async () => {
    assert.deepEqual(await run('a'), ALL);
    assert.deepEqual(await run('b'), KNOWN);
    assert.deepEqual(await run('c'), KNOWN);
    for (const file of [facts(), token()]) assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.doesNotMatch(readFileSync(facts(), 'utf8'), /eyJ/, 'no token among the facts');
    await assertEachOnce(server, ['a', 'b', 'c']);
});

test('the token goes to the runtime directory where there is one', async () => {
    const runtime = server.path('runtime');
    mkdirSync(runtime, { mode: 0o700 });
    const env = { XDG_RUNTIME_DIR: runtime, RUNTIME_DIRECTORY: '' };
    assert.deepEqual(await run('a', [], { env }), ALL);
    assert.deepEqual(await run('b', [], { env }), KNOWN);
    assert.ok(!existsSync(token()));
    chmodSync(runtime, 0o777); // of anybody: not used
    assert.deepEqual(await run('c', [], { env }), ['POST /token', ...KNOWN]);
    rmSync(runtime, { recursive: true });
});

test('--no-cache keeps nothing, and uses nothing', async () => {
    assert.deepEqual(await run('a'), ALL);
    assert.deepEqual(await run('b', ['--no-cache']), ALL);
    assert.ok(!existsSync(facts()) && !existsSync(token()));
    assert.deepEqual(await run('c'), ALL);
});

test('a token that was revoked costs one more, and is deleted', async () => {
    assert.deepEqual(await run('a'), ALL);
    const old = readFileSync(token(), 'utf8');
    await server.admin('POST', '/revoke');
    assert.deepEqual(await run('b'), [...KNOWN, ...ALL.slice(1)]);
    assert.notEqual(readFileSync(token(), 'utf8'), old);
    assert.deepEqual(await run('c'), KNOWN);
    await assertEachOnce(server, ['a', 'b', 'c']);
});

test('a token endpoint that fails is looked for anew, in the same run', async () => {
    for (const fault of [{ status: 404 }, { status: 400 }, { status: 403, body: '' }]) {
        rmSync(facts(), { force: true });
        rmSync(token(), { force: true });
        await run(`first-${fault.status}`);
        rmSync(token());
        await server.faults({ on: 'token', ...fault });
        const asked = await run(`second-${fault.status}`);
        assert.ok(asked.includes('GET /fhir/.well-known/smart-configuration'), `${asked}`);
        assert.equal(asked.filter((each) => each === 'POST /token').length, 2);
    }
});

test('other options use nothing of it', async () => {
    assert.deepEqual(await run('a'), ALL);
    assert.deepEqual(await run('b', [], { changes: { scope: 'system/Observation.cu' } }), ALL);
    assert.ok(existsSync(token()));
    assert.deepEqual(await run('c', ['--any-scope'], { changes: { scope: 'system/Observation.cu' } }), ALL);
});

/** What others, a power cut or an editor may make of the files: [what, of which file, how]. */
const WRONG = [
    ['cut short', (file) => writeFileSync(file, readFileSync(file).subarray(0, -20))],
    ['empty', (file) => writeFileSync(file, '')],
    ['one bit', (file) => writeFileSync(file, readFileSync(file, 'latin1').replace(/\n(.)/, '\n~'), 'latin1')],
    ['binary', (file) => writeFileSync(file, Buffer.alloc(5000, 0xa5))],
    ['large', (file) => writeFileSync(file, Buffer.alloc(1 << 20, 0x61))],
    ['readable by all', (file) => chmodSync(file, 0o644)],
    [
        'a link',
        (file) => {
            writeFileSync(`${file}.real`, readFileSync(file), { mode: 0o600 });
            rmSync(file);
            symlinkSync(`${file}.real`, file);
        },
    ],
    [
        'a folder',
        (file) => {
            rmSync(file);
            mkdirSync(file);
        },
    ],
];
for (const [what, spoil] of WRONG) {
    test(`wrong files: ${what}`, async () => {
        await run('a');
        spoil(facts());
        spoil(token());
        assert.deepEqual(await run('b'), ALL);
        await assertEachOnce(server, ['a', 'b']);
    });
}
