// SPDX-License-Identifier: Apache-2.0
// The programs of examples/, run as their usage lines say, against the real server.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { observation } from './lib/observations.mjs';
import { SBS, ok, sbs } from './lib/sbs.mjs';
import { CLIENT, MainServer } from './lib/server.mjs';

const FOLDER = join(dirname(dirname(SBS)), 'examples');
const README = fileURLToPath(new URL('../../README.md', import.meta.url));
const NOBODY = 'https://localhost:9/fhir'; // nothing listens on the discard port

let server;
before(async () => {
    server = await MainServer.start();
});
after(() => server.stop());
beforeEach(() => server.reset());

/** Runs examples/NAME; status, stdout and stderr. */
function program(name, args) {
    const command = join(FOLDER, name);
    assert.ok(existsSync(command), `${command} is not built`);
    return sbs(args, { command });
}

async function succeeds(name, args) {
    const result = await program(name, args);
    assert.equal(result.status, 0, result.text);
    return result;
}

const account = (base = server.info.fhirBase) => [base, CLIENT, server.path('client.pem'), server.info.caFile];
const stored = async () => (await server.admin('GET', '/stats')).resources.Observation ?? 0;

test('each example tells its usage', async () => {
    for (const name of ['push_once', 'push_from_queue', 'superloop', 'read']) {
        const result = await program(name, []);
        assert.equal(result.status, 2, result.text);
        assert.match(result.stderr, /^usage: /);
    }
});

describe('push_once', () => {
    test('stores its measurement once, however often it is run', async () => {
        const first = await succeeds('push_once', account());
        assert.match(first.stdout, /^done: \S+\n$/);
        const second = await succeeds('push_once', account());
        assert.equal(second.stdout, first.stdout);
        assert.equal(await stored(), 1);
    });
});

describe('push_from_queue', () => {
    test('keeps what cannot go, and pushes it once the server is there', async () => {
        const queue = server.path('examples.db');
        const files = ['a', 'b'].map((id) => server.write(`${id}.json`, observation(id)));
        const down = await program('push_from_queue', [queue, ...account(NOBODY), ...files]);
        assert.equal(down.status, 1, down.text);
        assert.match(down.stdout, /^2 waiting\n$/);
        assert.match(down.stderr, /^waiting: the connection was refused/m);

        const up = await succeeds('push_from_queue', [queue, ...account()]);
        assert.match(up.stdout, /^stored: \S+ Observation\/\S+\nstored: \S+ Observation\/\S+\n0 waiting\n$/);
        assert.equal(await stored(), 2);

        const again = await succeeds('push_from_queue', [queue, ...account(), ...files]);
        assert.equal(again.stdout, '0 waiting\n');
        assert.equal(await stored(), 2);
    });
    test('a file that is no resource is refused, and the others go', async () => {
        const queue = server.path('examples-bad.db');
        const files = [server.write('bad.json', '{"x":1}'), server.write('good.json', observation('good'))];
        const result = await program('push_from_queue', [queue, ...account(), ...files]);
        assert.equal(result.status, 1, result.text);
        assert.match(result.stderr, /bad\.json: /);
        assert.match(result.stdout, /^stored: .*\n0 waiting\n$/);
    });
    test("one that the server refuses is set aside, with the server's words", async () => {
        const queue = server.path('examples-dead.db');
        const wrong = JSON.stringify({ ...JSON.parse(observation('w')), status: 'banana' });
        const result = await program('push_from_queue', [queue, ...account(), server.write('wrong.json', wrong)]);
        assert.match(result.stdout, /^set aside: \S+: refused .*status/);
        const { stdout } = await ok(['queue', 'dead', '--queue', queue]);
        assert.match(stdout, /refused/);
    });
});

describe('superloop', () => {
    test('what was measured without a network is on the flash, and a later run pushes it', async () => {
        const flash = server.path('flash');
        const down = await succeeds('superloop', [...account(NOBODY), flash, '3']);
        assert.match(down.stdout, /^waiting: the connection was refused$/m);
        assert.match(down.stdout, /^3 waiting$/m);
        assert.equal(await stored(), 0);

        const up = await succeeds('superloop', [...account(), flash, '2']);
        assert.equal(up.stdout.match(/^stored: \S+$/gm).length, 5, up.text);
        assert.match(up.stdout, /^0 waiting$/m);
        const { stdout } = await ok(['get', ...server.options(), 'Observation?_count=10']);
        const resources = JSON.parse(stdout).entry.map(({ resource }) => resource);
        assert.deepEqual(
            resources.map(({ valueQuantity }) => valueQuantity.value).sort(),
            [36.5, 36.5, 36.51, 36.51, 36.52],
        );
        for (const { effectiveDateTime } of resources) assert.match(effectiveDateTime, /^20\d\d-/);
    });
    test('killed while it pushes: each measurement is stored once', async () => {
        const flash = server.path('flash-killed');
        const killed = await sbs([...account(), flash, '60'], {
            command: join(FOLDER, 'superloop'),
            onStart: (child) => setTimeout(() => child.kill('SIGKILL'), 1000), // 60 values take 3 seconds
        });
        assert.equal(killed.signal, 'SIGKILL', killed.text);
        await succeeds('superloop', [...account(), flash, '1']);
        const { identifiers } = await server.admin('GET', '/stats');
        assert.ok(Object.keys(identifiers).length >= 1);
        for (const [identifier, count] of Object.entries(identifiers)) assert.equal(count, 1, identifier);
    });
});

describe('read', () => {
    test('a line for each entry: id and value as they stand there', async () => {
        await succeeds('push_once', account());
        const { stdout } = await succeeds('read', [...account(), 'Observation?_count=10']);
        assert.match(stdout, /^\S+\t36\.50\n$/);
    });
    test('a page is read to its end, and the next one is told', async () => {
        const lines = [1, 2, 3].map((n) => observation(`page-${n}`)).join('\n');
        await ok(['push', ...server.options(), '-'], { input: lines });
        const { stdout } = await succeeds('read', [...account(), 'Observation?_count=2']);
        assert.match(stdout, /^(\S+\t36\.50\n){2}more on the next page\n$/);
    });
    test('an answer that is no searchset is told', async () => {
        const { stdout } = await succeeds('push_once', account());
        const id = stdout.trim().replace('done: ', '');
        const result = await program('read', [...account(), `Observation/${id}`]);
        assert.equal(result.status, 1);
        assert.match(result.stderr, /^read: the answer lacks what its standard demands/);
    });
    test('nothing found is no line, and no error', async () => {
        const { stdout } = await succeeds('read', [...account(), 'Observation?code=none']);
        assert.equal(stdout, '');
    });
    test('a page that is too large is told, and not cut', async () => {
        const lines = Array.from({ length: 200 }, (_, i) => observation(`many-${i}`)).join('\n');
        await ok(['push', ...server.options(), '-'], { input: lines });
        const result = await program('read', [...account(), 'Observation?_count=200']);
        assert.equal(result.status, 1, result.text);
        assert.match(result.stderr, /^read: the buffer is too small: /);
        assert.equal(result.stdout, '');
    });
});

test('the commands of the README, as they stand there', async () => {
    const [block] = readFileSync(README, 'utf8').match(/(?<=\n)    sbs keygen [^]*?(?=\n\n)/);
    const folder = server.path('readme');
    mkdirSync(folder);
    const { fhirBase, caFile, adminUrl } = server.info;
    const env = {
        PATH: `${dirname(SBS)}${delimiter}${process.env.PATH}`,
        BASE: fhirBase,
        CA: caFile,
        ADMIN: adminUrl,
        ID: 'readme-device',
    };
    const script = `cd '${folder}'\n${block}`;
    const result = await sbs(['-euo', 'pipefail', '-c', script], { command: 'bash', env });
    assert.equal(result.status, 0, result.text);
    assert.match(result.stdout, /\tcreated\tObservation\/\S+\n$/);
    assert.equal(await stored(), 1);
});
