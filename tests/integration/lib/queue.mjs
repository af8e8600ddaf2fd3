// SPDX-License-Identifier: Apache-2.0
// The durable queue of the sbs command, and a gate in front of a server that can be shut.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import net from 'node:net';
import { nameOf } from './observations.mjs';
import { ok, sbs } from './sbs.mjs';
import { pause } from './server.mjs';

/** The id that sbs derives from an identifier for PUT. */
export const derivedId = (name) => `sbs-${createHash('sha256').update(name).digest('hex').slice(0, 40)}`;

export class Queue {
    constructor(server, name = 'queue.db') {
        this.server = server;
        this.path = server.path(name);
        this.with = ['--queue', this.path];
    }

    add(items, more = []) {
        return ok(['queue', 'add', ...this.with, ...more, '-'], { input: items.join('\n') });
    }

    push(more = [], { changes = {}, ...options } = {}) {
        return sbs(['queue', 'push', ...this.with, ...this.server.options(changes), ...more], options);
    }

    /** Stores and pushes. */
    pushItems(items, more = [], changes = {}) {
        const args = ['push', ...this.with, ...this.server.options(changes), ...more, '-'];
        return sbs(args, { input: items.join('\n') });
    }

    /** Starts a push; `kill(signal)` ends it, `ended` is its result. */
    start(more = [], changes = {}) {
        const run = {};
        run.ended = this.push(more, { changes, onStart: (child) => (run.kill = (signal) => child.kill(signal)) });
        return run;
    }

    async rows(command) {
        const { stdout } = await ok(['queue', command, ...this.with]);
        return stdout
            .split('\n')
            .slice(0, -1)
            .map((line) => line.split('\t'));
    }

    async waiting() {
        return (await this.rows('list')).map(([, name]) => name);
    }

    async dead() {
        return (await this.rows('dead')).map(([id, name, time, reason]) => ({ id, name, time, reason }));
    }

    /** Waits until nothing waits. */
    async whenEmpty(ms = 60_000) {
        for (const end = Date.now() + ms; (await this.waiting()).length > 0; await pause(100)) {
            assert.ok(Date.now() < end, `not empty in time: ${await this.waiting()}`);
        }
    }
}

/** Demands that the server holds each of these once, and nothing else with an identifier. */
export async function assertEachOnce(server, ids, what = '') {
    const { identifiers } = await server.admin('GET', '/stats');
    assert.deepEqual(
        Object.entries(identifiers).filter(([, count]) => count !== 1),
        [],
        `not once: ${what}`,
    );
    assert.deepEqual(Object.keys(identifiers).sort(), ids.map(nameOf).sort(), what);
}

/** Passes connections on to a port; shut, it refuses them and drops those that are open. */
export class Gate {
    async open(port, at = 0) {
        this.target = port;
        this.sockets = new Set();
        this.listener = net.createServer((from) => {
            const to = net.connect(this.target, '127.0.0.1');
            for (const socket of [from, to]) {
                this.sockets.add(socket);
                socket.on('error', () => {}).on('close', () => [from, to].forEach((end) => end.destroy()));
            }
            from.pipe(to).pipe(from);
        });
        await new Promise((resolve) => this.listener.listen(at || this.port || 0, '127.0.0.1', resolve));
        this.port = this.listener.address().port;
        return this;
    }

    async shut() {
        const closed = new Promise((resolve) => this.listener.close(resolve));
        for (const socket of this.sockets) socket.destroy();
        await closed;
    }
}
