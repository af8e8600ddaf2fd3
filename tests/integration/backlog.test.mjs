// SPDX-License-Identifier: Apache-2.0
// A backlog goes in batches, and by gzip, where a server takes that, whatever it states and however it refuses; what
// was found out is not tried again in the next run.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { observation } from './lib/observations.mjs';
import { ok, sbs } from './lib/sbs.mjs';
import { HostileServer } from './lib/server.mjs';

let server;
let number = 0;
before(async () => {
    server = await HostileServer.start();
});
after(() => server.stop());
beforeEach(() => server.admin('POST', '/reset'));

/** A queue, pushed to a server that behaves so; each item is then there once. */
class Backlog {
    constructor(behaviours) {
        this.behaviours = behaviours;
        this.path = server.path(`backlog-${++number}.db`);
        this.ids = [];
    }

    /** Adds and pushes; returns the writes as { batch, coded, status }. */
    async run(count, more = []) {
        const begin = this.ids.length;
        const ids = Array.from({ length: count }, (_, i) => `i-${begin + i}`);
        this.ids.push(...ids);
        const extra = `"note":[{"text":"${'long enough to be worth a coding '.repeat(20)}"}],`;
        await ok(['queue', 'add', '--queue', this.path, '-'], {
            input: ids.map((id) => observation(id, { extra })).join('\n'),
        });
        const before = (await server.admin('GET', '/requests')).length;
        const args = ['queue', 'push', '--queue', this.path, ...server.with(this.behaviours), '--settle', '1', ...more];
        const result = await sbs(args, { env: { XDG_RUNTIME_DIR: '', RUNTIME_DIRECTORY: '' } });
        assert.equal(result.status, 0, result.text);
        await this.assertOnce(result);
        this.warned = result.stderr;
        return (await server.admin('GET', '/requests'))
            .slice(before)
            .filter(({ method, where }) => method === 'POST' && where === 'fhir')
            .map(({ target, headers, status }) => ({
                batch: /\/fhir\/?$/.test(target),
                coded: headers['content-encoding'] === 'gzip',
                status,
            }));
    }

    async assertOnce(result) {
        const held = await server.admin('GET', '/resources');
        const counts = new Map();
        for (const { text } of held) {
            const id = JSON.parse(text).identifier[0].value;
            counts.set(id, (counts.get(id) ?? 0) + 1);
        }
        for (const id of this.ids) assert.equal(counts.get(id), 1, `${id}\n${result.text}`);
        assert.equal(counts.size, this.ids.length);
    }
}

const batches = (writes) => writes.filter(({ batch }) => batch);
const singles = (writes) => writes.filter(({ batch }) => !batch);
const refused = (writes) => writes.filter(({ status }) => status >= 400);

describe('batches by themselves', () => {
    test('a server that states transaction alone takes them', async () => {
        const backlog = new Backlog('metadata-transaction');
        const writes = await backlog.run(200, ['--no-gzip']);
        assert.equal(singles(writes).length, 0);
        assert.ok(batches(writes).length <= 7, `${batches(writes).length}`);
        const again = await backlog.run(200, ['--no-gzip']); // 128 at once: it is known
        assert.ok(batches(again).length <= 3, `${batches(again).length}`);
    });
    test('a few items go one by one', async () => {
        assert.equal(batches(await new Backlog('metadata-batch').run(9, ['--no-gzip'])).length, 0);
    });
    for (const behaviour of ['batch-404', 'batch-500']) {
        test(`${behaviour}: one try, and none in the next run`, async () => {
            const backlog = new Backlog(`metadata-batch+${behaviour}`);
            const writes = await backlog.run(60, ['--no-gzip']);
            assert.equal(batches(writes).length, 1);
            assert.equal(singles(writes).length, 60);
            assert.doesNotMatch(backlog.warned, /takes no batches/, 'nobody asked for them');
            assert.equal(batches(await backlog.run(60, ['--no-gzip'])).length, 0);
            assert.equal(batches(await backlog.run(60, ['--no-gzip', '--no-cache'])).length, 1);
        });
    }
    test('a batch that was asked for and is refused is told', async () => {
        const backlog = new Backlog('metadata-batch+batch-404');
        await backlog.run(5, ['--batch', '5', '--no-gzip']);
        assert.match(backlog.warned, /the server takes no batches: items are sent one by one/);
    });
    for (const behaviour of ['batch-25', 'batch-40']) {
        test(`${behaviour}: the limit is found, kept within, and remembered`, async () => {
            const backlog = new Backlog(`metadata-batch+${behaviour}`);
            const writes = await backlog.run(300, ['--no-gzip']);
            assert.equal(singles(writes).length, 0);
            assert.ok(refused(writes).length <= 4, `${refused(writes).length} refused`);
            assert.equal(refused(await backlog.run(100, ['--no-gzip'])).length, 0);
        });
    }
});

describe('bodies by gzip', () => {
    test('the first goes as it is, the second is a try, and the next run knows', async () => {
        const backlog = new Backlog('metadata-batch+takes-gzip');
        const writes = await backlog.run(100);
        assert.deepEqual(
            writes.slice(0, 2).map(({ coded }) => coded),
            [false, true],
        );
        assert.equal(refused(writes).length, 0);
        assert.ok((await backlog.run(3))[0].coded);
        assert.ok((await backlog.run(3, ['--no-gzip'])).every(({ coded }) => !coded));
        assert.ok(!(await backlog.run(3, ['--no-cache']))[0].coded);
    });
    for (const behaviour of ['gzip-400', 'gzip-415', 'gzip-500']) {
        for (const more of [[], ['--batch', '1']]) {
            test(`${behaviour} ${more}: one try, which costs no item anything`, async () => {
                const backlog = new Backlog(`metadata-batch+${behaviour}`);
                const writes = await backlog.run(more.length > 0 ? 6 : 40, more);
                assert.equal(writes.filter(({ coded }) => coded).length, 1);
                assert.equal(backlog.warned, '');
                assert.ok((await backlog.run(6, more)).every(({ coded }) => !coded));
            });
        }
    }
    for (const more of [[], ['--batch', '1']]) {
        test(`gzip-page ${more}: what may be stored is not sent again at once, and then without it`, async () => {
            const backlog = new Backlog('metadata-batch+gzip-page');
            const writes = await backlog.run(more.length > 0 ? 6 : 40, more);
            assert.equal(writes.filter(({ coded }) => coded).length, 1);
            assert.match(backlog.warned, /the answer lacks what its standard demands \(HTTP 200\)/);
        });
    }
    test('a server that takes it, and then does not', async () => {
        const backlog = new Backlog('metadata-batch+takes-gzip+gzip-no-more');
        const seen = [];
        for (const count of [2, 1, 1, 1, 1]) {
            const writes = await backlog.run(count, ['--batch', '1']); // the first of a run goes coded, if that works
            seen.push(writes.map(({ coded, status }) => `${coded ? 'coded' : 'plain'} ${status}`));
        }
        assert.deepEqual(seen, [
            ['plain 201', 'coded 201'],
            ['coded 201'],
            ['coded 201'],
            ['coded 400', 'plain 201'],
            ['plain 201'],
        ]);
    });
});
