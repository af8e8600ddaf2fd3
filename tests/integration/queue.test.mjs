// SPDX-License-Identifier: Apache-2.0
// sbs queue and sbs push --queue: nothing lost, nothing twice, one bad item blocks no other, order for each device.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { openSync, readFileSync, rmSync, statSync, writeSync, closeSync } from 'node:fs';
import { after, before, beforeEach, describe, test } from 'node:test';
import { assertEachOnce, derivedId, Gate, Queue } from './lib/queue.mjs';
import { nameOf, observation } from './lib/observations.mjs';
import { assertMessage, ok, pushLines, sbs } from './lib/sbs.mjs';
import { MainServer, pause } from './lib/server.mjs';

let server;
let queue;
let number = 0;
before(async () => {
    server = await MainServer.start();
});
after(() => server.stop());
beforeEach(async () => {
    await server.reset();
    queue = new Queue(server, `queue-${++number}.db`);
});

const series = (prefix, count) => Array.from({ length: count }, (_, i) => `${prefix}${i}`);
const items = (ids, options) => ids.map((id) => observation(id, options));
const bad = (id) => observation(id).replace('final', 'banana');
const fates = (result) => pushLines(result).map(({ what }) => what);
const onItem = (id, fault) => ({ on: 'fhir', path: derivedId(nameOf(id)), ...fault });
const DAMAGE = `import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as db: db.execute("update sbs_body set data = 'x' || data where id = 3")`;
const PUT = ['--write-mode', 'put'];

// Other measurements under the same identifier.
const another = (id) => observation(id, { extra: '"language":"en",' });
const third = (id) => observation(id, { extra: '"language":"mg",' });

describe('add and push', () => {
    test('stored, listed, pushed in order, gone from the queue', async () => {
        const ids = series('a', 5);
        const added = await queue.add(items(ids));
        assert.deepEqual(
            added.stdout,
            ids.map((id, i) => `${nameOf(id)}\tqueued\t${i + 1}\n`).join(''),
        );
        assert.deepEqual(await queue.waiting(), ids.map(nameOf));
        assert.equal((await server.requests()).length, 0, 'nothing was sent yet');
        const pushed = await queue.push();
        assert.equal(pushed.status, 0, pushed.text);
        assert.equal(pushed.stderr, '');
        assert.deepEqual(
            pushLines(pushed),
            ids.map((id) => ({
                name: nameOf(id),
                what: 'created',
                reason: '',
                place: `Observation/${derivedId(nameOf(id))}`,
            })),
        );
        assert.deepEqual(await queue.waiting(), []);
        await assertEachOnce(server, ids);
    });
    test('over several connections: each once, each device in its order, with one token', async () => {
        const ids = series('c', 120);
        const device = (i) => ({ extra: `"device":{"reference":"Device/${i % 6}"},` });
        await queue.add(ids.map((id, i) => observation(id, device(i))));
        const pushed = await queue.push(['--connections', '6', '--batch', '1', '--mark-ahead', '16']);
        assert.equal(pushed.status, 0, pushed.text);
        const told = pushLines(pushed).map(({ name }) => name);
        for (let i = 0; i < 6; i++) {
            const own = ids.filter((_, at) => at % 6 === i).map(nameOf);
            assert.deepEqual(
                told.filter((name) => own.includes(name)),
                own,
            );
        }
        assert.equal(told.length, ids.length);
        assert.equal((await server.requests('?where=token')).length, 1);
        await assertEachOnce(server, ids);
    });
    test('over several connections where a new token ends the one before: a token for each end, not for each line', async () => {
        const ids = series('o', 600);
        const device = (i) => ({ extra: `"device":{"reference":"Device/${i % 6}"},` });
        await queue.add(ids.map((id, i) => observation(id, device(i))));
        await server.settings({ oneToken: true });
        const run = queue.push(['--connections', '6', '--batch', '1', '--mark-ahead', '16']);
        for (let i = 0; i < 3; i++) {
            await pause(300);
            await server.admin('POST', '/revoke');
        }
        const pushed = await run;
        assert.equal(pushed.status, 0, pushed.text);
        const tokens = (await server.requests('?where=token')).length;
        assert.ok(tokens <= 8, `${tokens} tokens`);
        await assertEachOnce(server, ids);
    });
    test('an empty queue makes no traffic', async () => {
        await queue.add(items(['a']));
        await queue.push();
        const before = (await server.requests()).length;
        assert.equal((await queue.push()).status, 0);
        assert.equal((await server.requests()).length, before);
    });
    test('push --queue: what waits goes first, then what is new', async () => {
        await queue.add(items(['old1', 'old2']));
        const result = await queue.pushItems(items(['new']));
        assert.equal(result.status, 0, result.text);
        assert.deepEqual(
            pushLines(result).map(({ name, what }) => [name, what]),
            ['old1', 'old2', 'new'].map((id) => [nameOf(id), 'created']),
        );
    });
    test('a made identifier is stored with the item and reaches the server', async () => {
        const bare = observation('x').replace(/"identifier":\[[^\]]*\],/, '');
        const result = await queue.pushItems([bare, bare]);
        assert.equal(result.status, 0, result.text);
        const { identifiers } = await server.admin('GET', '/stats');
        assert.deepEqual(
            pushLines(result)
                .map(({ name }) => name)
                .sort(),
            Object.keys(identifiers).sort(),
        );
        assert.equal(new Set(Object.keys(identifiers)).size, 2);
    });
    test('other types, and both ways of writing, in one queue and in batches', async () => {
        await server.register(server.path('client.pem'), { scopes: 'system/*.cruds' });
        const scope = 'system/Device.cu system/Observation.cu';
        const device = '{"resourceType":"Device","identifier":[{"system":"urn:dev","value":"7"}]}';
        for (const more of [[], ['--batch', '8']]) {
            await server.reset();
            queue = new Queue(server, `queue-${++number}.db`); // what was delivered would be known as a repeat
            const result = await queue.pushItems([device, ...items(['a', 'b'])], more, { scope });
            assert.equal(result.status, 0, result.text);
            assert.deepEqual(fates(result), ['created', 'created', 'created']);
        }
        await server.register(server.path('client.pem'));
    });
    for (const [name, more] of [
        ['single creates', []],
        ['batches', ['--batch', '32']],
        ['if-none-exist in batches', ['--batch', '32', '--write-mode', 'if-none-exist']],
    ]) {
        test(`2 000 items, ${name}: each exactly once`, async () => {
            const ids = series('many-', 2000);
            await queue.add(items(ids));
            const result = await queue.push(more);
            assert.equal(result.status, 0, result.text.slice(0, 2000));
            assert.deepEqual(
                pushLines(result).map((line) => line.name),
                ids.map(nameOf),
            );
            await assertEachOnce(server, ids);
        });
    }
});

describe('a bad item among good ones', () => {
    for (const [name, more] of [
        ['alone', []],
        ['in a batch', ['--batch', '32']],
    ]) {
        test(`${name}: a dead letter with reason and time, and no other is held up`, async () => {
            const began = Math.floor(Date.now() / 1000) * 1000;
            const result = await queue.pushItems([observation('a'), bad('b'), observation('c')], more);
            assert.equal(result.status, 1, result.text);
            assert.deepEqual(fates(result), ['created', 'refused', 'created']);
            assert.match(pushLines(result)[1].reason, /HTTP 400\): (?!refused).*status/, result.text);
            assertMessage(result, /1 item was refused and set aside as a dead letter, 'sbs queue dead' lists it$/);
            assert.deepEqual(await queue.waiting(), []);
            const [letter, ...rest] = await queue.dead();
            assert.deepEqual(rest, []);
            assert.equal(letter.name, nameOf('b'));
            assert.match(letter.reason, /^refused: .*status/);
            assert.ok(Date.parse(letter.time) >= began && Date.parse(letter.time) <= Date.now(), letter.time);
            await assertEachOnce(server, ['a', 'c']);
        });
    }
    test('put back after the server was mended', async () => {
        await server.faults(onItem('b', { status: 422, body: '' }));
        const first = await queue.pushItems(items(['a', 'b', 'c']));
        assert.deepEqual(fates(first), ['created', 'refused', 'created'], first.text);
        const [{ id }] = await queue.dead();
        assert.equal((await ok(['queue', 'retry', ...queue.with, id])).stdout, `${id}\t${nameOf('b')}\tqueued\n`);
        const second = await queue.push();
        assert.equal(second.status, 0, second.text);
        assert.deepEqual(fates(second), ['created']);
        assert.deepEqual(await queue.dead(), []);
        await assertEachOnce(server, ['a', 'b', 'c']);
    });
    test('a batch that is refused as a whole goes item by item', async () => {
        await server.faults({ on: 'fhir', path: '^/fhir/?$', status: 413, body: '', times: -1 });
        const ids = series('b', 5);
        const result = await queue.pushItems(items(ids), ['--batch', '5']);
        assert.equal(result.status, 0, result.text);
        await assertEachOnce(server, ids);
    });
    test('a damaged item within a batch does not mix two ways of writing in it', async () => {
        await server.register(server.path('client.pem'), { scopes: 'system/*.cruds' });
        const types = [{ type: 'Observation', updateCreate: true }, { type: 'Device' }];
        const body = { resourceType: 'CapabilityStatement', rest: [{ mode: 'server', resource: types }] };
        body.rest[0].interaction = [{ code: 'batch' }];
        await server.faults({ on: 'metadata', status: 200, body, headers: { 'content-type': 'application/fhir+json' } });
        await queue.pushItems(items(['twin']), ['--write-mode', 'put']);
        const device = '{"resourceType":"Device","identifier":[{"system":"urn:dev","value":"7"}]}';
        await queue.add([another('twin'), observation('damaged'), device]);
        execFileSync('python3', ['-c', DAMAGE, queue.path]);
        const scope = 'system/Device.cu system/Observation.cu';
        const result = await queue.push(['--batch', '8'], { changes: { scope } });
        await server.register(server.path('client.pem'));
        assert.deepEqual(
            pushLines(result).map(({ name, what }) => [name, what]),
            [
                ['item 3', 'refused'],
                [nameOf('twin'), 'replaced'], // this server does not heed If-None-Match
                ['urn:dev|7', 'created'],
            ],
            result.text,
        );
    });
    test('an identifier that the server has before it was sent: set aside, or accepted by choice', async () => {
        const search = ['--write-mode', 'if-none-exist', '--settle', '1'];
        await queue.pushItems(items(['twin']), search);
        const set = await queue.pushItems([another('twin'), observation('next')], search);
        assert.equal(set.status, 1, set.text);
        assert.deepEqual(fates(set), ['refused', 'created']);
        assert.match(pushLines(set)[0].reason, /^already there before it was ever sent/);
        assert.match((await queue.dead())[0].reason, /^already there at the first attempt/);
        const accepted = await queue.pushItems([third('twin')], [...search, '--already-there', 'accept']);
        assert.equal(accepted.status, 0, accepted.text);
        assert.deepEqual(fates(accepted), ['already there']);
        await assertEachOnce(server, ['twin', 'next']);
    });
});

describe('a server that fails', () => {
    test('an attempt that sent nothing does not hide that the identifier is already there', async () => {
        await queue.pushItems(items(['twin', 'b', 'c']), PUT);
        await queue.add(['twin', 'b', 'c'].map(another));
        const { port } = new URL(server.info.fhirBase);
        const elsewhere = { fhir: server.info.fhirBase.replace(port, '1') };
        for (const [changes, more] of [
            [elsewhere, []],
            [elsewhere, ['--batch', '2']],
            [{ 'client-id': 'nobody' }, []],
            [{ scope: 'system/Patient.r' }, []],
        ]) {
            const kept = await queue.push([...PUT, '--wait', '2', ...more], { changes });
            assert.ok(kept.status === 1 || kept.status === 4, kept.text);
        }
        assert.deepEqual(
            (await queue.rows('list')).map(([, , attempts]) => attempts),
            ['0', '0', '0'],
        );
        await server.faults(onItem('b', { cut: 'rst', cutAt: 0 }));
        const result = await queue.push([...PUT, '--settle', '1']);
        assert.deepEqual(fates(result).sort(), ['already there', 'replaced', 'replaced'], 'b may have been sent');
        assert.match(result.stderr, /twin: the server overwrote what it held .*_history: version 1 has the old one/);
    });
    test('401 at each item: a new token each time, each once', async () => {
        const ids = series('u', 12);
        await server.faults(...ids.map((id) => onItem(id, { refuseToken: true })));
        const result = await queue.pushItems(items(ids), PUT);
        assert.equal(result.status, 0, result.text);
        assert.deepEqual(new Set(fates(result)), new Set(['created']));
        await assertEachOnce(server, ids);
    });
    test('429 with a Retry-After that fits: waited for', async () => {
        await server.faults({ on: 'fhir', status: 429, retryAfter: 2, body: '' });
        const result = await queue.pushItems(items(['a', 'b']), PUT);
        assert.equal(result.status, 0, result.text);
        assert.ok(result.ms >= 2000, `${result.ms} ms`);
        assert.match(result.stderr, /HTTP 429.* in 2 s, next try in 2\.0 s/);
        await assertEachOnce(server, ['a', 'b']);
    });
    test('429 with a Retry-After that is too long: kept, and said', async () => {
        await server.faults({ on: 'fhir', status: 429, retryAfter: 900, body: '' });
        const result = await queue.pushItems(items(['a', 'b']), PUT);
        assert.equal(result.status, 0, result.text); // it is safe
        assert.ok(result.ms < 10_000, `${result.ms} ms`);
        assert.deepEqual(fates(result), ['kept', 'kept']);
        assertMessage(result, /2 items are kept in .*HTTP 429.* in 900 s, try again later; the next push sends them$/);
        assert.equal((await queue.push()).status, 0);
        await assertEachOnce(server, ['a', 'b']);
    });
    for (const [name, more] of [
        ['put', PUT],
        ['if-none-exist', ['--write-mode', 'if-none-exist']],
        ['put in batches', [...PUT, '--batch', '4']],
    ]) {
        test(`${name}: 500 after having stored: told as already there, stored once`, async () => {
            const ids = series('f', 4);
            await server.faults({ on: 'fhir', status: 500, body: '', process: true });
            const result = await queue.pushItems(items(ids), [...more, '--settle', '1']);
            assert.equal(result.status, 0, result.text);
            assert.ok(fates(result).includes('already there'), result.text);
            await assertEachOnce(server, ids);
        });
    }
    test('a run that was killed after it sent: the next one lets the server settle', async () => {
        const more = ['--write-mode', 'if-none-exist', '--settle', '3'];
        await queue.add(items(['a']));
        await server.faults({ on: 'fhir', cut: 'stall', process: true });
        const run = queue.start(more);
        for (const end = Date.now() + 10_000; (await server.held(nameOf('a'))) === 0; await pause(20)) {
            assert.ok(Date.now() < end, 'it was never sent');
        }
        run.kill('SIGKILL');
        await run.ended;
        const next = await queue.push(more);
        assert.equal(next.status, 0, next.text);
        assert.deepEqual(fates(next), ['already there']);
        assert.ok(next.ms > 1000 && next.ms < 8000, `${next.ms} ms`);
        await assertEachOnce(server, ['a']);
    });
    test('503 for all: kept, nothing is set aside, the next run has it', async () => {
        await server.faults({ on: 'fhir', status: 503, body: '', times: -1 });
        const ids = series('s', 3);
        const result = await queue.pushItems(items(ids), ['--wait', '2']);
        assert.equal(result.status, 0, result.text); // it is safe
        assert.deepEqual(fates(result), ['kept', 'kept', 'kept']);
        assert.deepEqual(await queue.dead(), []);
        const [first] = JSON.parse((await sbs(['queue', 'list', '--json', '--queue', queue.path])).stdout);
        assert.equal(first.httpStatus, 503);
        assert.match(first.advice, /the server may have it already$/);
        await server.clearFaults();
        const again = await queue.push();
        assert.equal(again.status, 0, again.text);
        await assertEachOnce(server, ids);
    });
    test('a scope that lacks a letter ends the run, and says which', async () => {
        const result = await queue.pushItems(items(['a']), PUT, { scope: 'system/Observation.c' });
        assert.equal(result.status, 0, result.text); // it is safe
        assert.match(pushLines(result)[0].reason, /needs system\/Observation\.u \(update\), granted is system\/Observation/);
    });
    test('what an operator must mend ends the run at once', async () => {
        await server.faults({ on: 'fhir', status: 403, body: '', times: -1 });
        const result = await queue.pushItems(items(['a']), PUT);
        assert.equal(result.status, 0, result.text); // it is safe
        assert.ok(result.ms < 10_000, `${result.ms} ms`);
        assert.match(pushLines(result)[0].reason, /HTTP 403/);
    });
    test('one item of a device fails: the others of it wait, in order; another device goes on', async () => {
        const of = (device) => ({ extra: `"device":{"display":"${device}"},` });
        await server.faults(onItem('a1', { status: 500, body: '' }));
        const result = await queue.pushItems(
            [...items(['a1', 'a2'], of('A')), ...items(['b1', 'b2'], of('B')), ...items(['a3'], of('A'))],
            [...PUT, '--settle', '1'],
        );
        assert.equal(result.status, 0, result.text);
        assert.deepEqual(
            pushLines(result).map(({ name }) => name),
            ['b1', 'b2', 'a1', 'a2', 'a3'].map(nameOf),
        );
    });
    test('the CapabilityStatement is late: asked for again', async () => {
        await server.faults({ on: 'metadata', status: 503, body: '' });
        const result = await queue.pushItems(items(['a']));
        assert.equal(result.status, 0, result.text);
        assert.match(result.stderr, /HTTP 503.*, next try in 1\.0 s/);
        await assertEachOnce(server, ['a']);
    });
    test('the CapabilityStatement is XML: named, kept, and --write-mode is the way out', async () => {
        await server.faults({ on: 'metadata', status: 200, body: '<CapabilityStatement/>', times: -1 });
        await queue.add(items(['a']));
        const named = /https:\S+\/metadata answers with XML \(HTTP 200\), not with a CapabilityStatement in JSON/;
        const result = await queue.push(['--wait', '0']);
        assert.equal(result.status, 3, result.text);
        assert.match(result.stderr, new RegExp(`1 item is kept in \\S+: ${named.source}, choose a way to write with --write-mode`));

        const chosen = await queue.push(['--write-mode', 'if-none-exist']);
        assert.equal(chosen.status, 0, chosen.text);
        assert.match(chosen.stderr, new RegExp(`^sbs: warning: queue push: ${named.source}, so nothing says whether`, 'm'));
        await assertEachOnce(server, ['a']);
    });
    test('no CapabilityStatement: If-None-Exist, and a warning', async () => {
        await server.faults({ on: 'metadata', status: 404, body: '', times: -1 });
        const result = await queue.pushItems(items(['a', 'b']));
        assert.equal(result.status, 0, result.text);
        assert.match(result.stderr, /^sbs: warning: push: the server shows no CapabilityStatement.*may be stored twice/);
        const sent = await server.requests('?where=fhir');
        assert.deepEqual(
            sent.map(({ headers }) => headers['if-none-exist'] !== undefined),
            [true, true],
        );
    });
});

describe('a server that ignores If-None-Exist', () => {
    beforeEach(() => server.settings({ updateCreate: false, conditionalCreate: false }));
    for (const [name, more, warning] of [
        ['auto', [], /^sbs: warning: push: the server does not state update-as-create or conditional create/],
        ['asked for', ['--write-mode', 'if-none-exist'], /^sbs: warning: push: the server does not state conditional/],
    ]) {
        test(`${name}: told, and only a lost answer stores twice`, async () => {
            await server.faults({ on: 'fhir', cutAt: 0, process: true });
            const result = await queue.pushItems(items(['lost', 'fine']), more);
            assert.equal(result.status, 0, result.text);
            assert.match(result.stderr, warning);
            assert.deepEqual([await server.held(nameOf('lost')), await server.held(nameOf('fine'))], [2, 1]);
        });
    }
});

describe('--follow', () => {
    test('a server that goes and comes back, and two processes that add meanwhile', async () => {
        const gate = await new Gate().open(server.info.port);
        const fhir = server.info.fhirBase.replace(`:${server.info.port}`, `:${gate.port}`);
        const ids = [];
        const addSome = async (prefix) => {
            for (let i = 0; i < 10; i++, await pause(20)) {
                ids.push(`${prefix}${i}`);
                await queue.add([observation(`${prefix}${i}`)]);
            }
        };
        await gate.shut();
        const run = queue.start(['--follow'], { fhir });
        await Promise.all([addSome('x'), addSome('y')]);
        assert.equal((await server.requests('?where=fhir')).length, 0);
        await gate.open(server.info.port);
        await queue.whenEmpty();
        const other = await queue.push();
        assert.equal(other.status, 0, other.text);
        assert.match(other.stderr, /^sbs: queue push: queue .*: another process is pushing it, so this one ends\n$/);
        await gate.shut();
        await addSome('z');
        await gate.open(server.info.port);
        await queue.whenEmpty();
        run.kill('SIGTERM');
        const result = await run.ended;
        assert.equal(result.status, 143, result.text);
        assert.equal(pushLines(result).length, ids.length, result.text);
        await assertEachOnce(server, ids);
        for (const prefix of ['x', 'y', 'z']) {
            const order = pushLines(result).filter(({ name }) => name.startsWith(nameOf(prefix)));
            assert.deepEqual(
                order.map(({ name }) => name),
                ids.filter((id) => id[0] === prefix).map(nameOf),
            );
        }
        await gate.shut();
    });
    test('writes nothing while it has nothing to do, nor while it waits for the server', async () => {
        const times = () => ['', '-wal', '.lock'].map((suffix) => statSync(queue.path + suffix, { bigint: true }).mtimeNs);
        await server.faults({ on: 'fhir', skip: 1, status: 503, body: '', retryAfter: 600, times: -1 });
        await queue.add(items(['a']));
        const run = queue.start(['--follow', ...PUT]);
        await queue.whenEmpty();
        await pause(700);
        const idle = times();
        await pause(1500);
        assert.deepEqual(times(), idle);
        await queue.add(items(['b']));
        await pause(1000);
        const waiting = times();
        await pause(1500);
        assert.deepEqual(times(), waiting);
        run.kill('SIGTERM');
        const { stderr } = await run.ended;
        assert.match(stderr, /next try in 600\.0 s/);
    });
    test('starts before the queue is made; ends at its time', async () => {
        const run = queue.start(['--follow', '--max-time', '3']);
        await pause(700);
        await queue.add(items(['late']));
        const result = await run.ended;
        assert.equal(result.status, 0, result.text);
        assert.deepEqual(fates(result), ['created']);
    });
});

describe('the file', () => {
    test('a full queue: what does not fit is refused and said, the rest is pushed', async () => {
        await server.faults({ on: 'fhir', status: 503, body: '', times: -1 });
        const first = await queue.pushItems(items(['a', 'b', 'c']), ['--max-items', '2', '--wait', '0']);
        assert.equal(first.status, 5, first.text);
        assert.deepEqual(
            pushLines(first).map(({ name, what, reason }) => [name, what, reason.slice(0, 17)]),
            [
                [nameOf('c'), 'refused', 'the queue is full'],
                [nameOf('a'), 'kept', 'the server asks t'],
                [nameOf('b'), 'kept', 'not tried'], // it waits behind the other of its lane
            ],
            first.text,
        );
        await server.clearFaults();
        assert.equal((await queue.push()).status, 0);
        await assertEachOnce(server, ['a', 'b']);
    });
    test('a disk that fills up while it is pushed: the run ends, and the next one goes on', async () => {
        const ids = series('full', 60);
        await queue.add(items(ids));
        const limited = ['-c', 'trap "" XFSZ; ulimit -f 80; exec "$@"', '-', process.env.SBS];
        const args = ['queue', 'push', ...queue.with, ...server.options()];
        const result = await sbs([...limited, ...args], { command: 'bash' });
        assert.equal(result.status, 5, result.text);
        const told = pushLines(result).map(({ name }) => name);
        const waiting = await queue.waiting();
        assert.ok(waiting.length > 0 && told.length > 0, result.text);
        assert.deepEqual([...told, ...waiting], ids.map(nameOf), 'what is not told as stored is in the queue');
        const again = await queue.push();
        assert.equal(again.status, 0, again.text);
        await assertEachOnce(server, ids);
    });
    test('a damaged file is set aside, told, and what could be read is pushed once', async () => {
        const ids = series('d', 300);
        await queue.add(items(ids));
        const file = openSync(queue.path, 'r+');
        writeSync(file, Buffer.alloc(4096, 0x5a), 0, 4096, Math.floor(statSync(queue.path).size / 8192) * 4096);
        closeSync(file);
        const result = await queue.push(['--wait', '5']);
        assert.match(result.stderr, /warning: queue push: queue .*: was damaged and is now .*\.damaged-/, result.text);
        const { identifiers } = await server.admin('GET', '/stats');
        const stored = Object.entries(identifiers);
        assert.ok(stored.length > 100, `${stored.length} of 300 reached the server`);
        assert.ok(
            stored.every(([, count]) => count === 1),
            'something was stored twice',
        );
        assert.deepEqual(await queue.waiting(), []);
        const aside = /is now (\S+),/.exec(result.stderr)[1];
        assert.ok(readFileSync(aside).length > 0);
    });
    test('removed while --follow is at work: the next file of that name is pushed', async () => {
        await queue.add(items(['a']));
        const run = queue.start(['--follow']);
        await queue.whenEmpty();
        for (const suffix of ['', '-wal', '-shm']) rmSync(queue.path + suffix, { force: true });
        await queue.add(items(['b']));
        await queue.whenEmpty();
        run.kill('SIGTERM');
        assert.deepEqual(fates(await run.ended), ['created', 'created']);
        await assertEachOnce(server, ['a', 'b']);
    });
});

test('progress with rate, remaining and last error on a terminal', async () => {
    await server.faults({ on: 'fhir', skip: 3, status: 503, body: '' });
    await queue.add(items(series('p', 40)));
    const log = server.path('terminal.log');
    const command = ['queue', 'push', ...queue.with, ...server.options(), '--wait', '20', '--batch', '1'];
    const result = await sbs(['-qec', `${process.env.SBS} ${command.map((word) => `'${word}'`).join(' ')} >/dev/null`, log], {
        command: 'script',
        env: { TERM: 'xterm' },
    });
    assert.equal(result.status, 0, result.text);
    assert.match(readFileSync(log, 'utf8'), /pushed \d+, \d+\.\d a second, \d+ left, 0 refused, last error: .*HTTP 503/);
});
