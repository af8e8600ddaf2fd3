// SPDX-License-Identifier: Apache-2.0
// Pushes of one Observation with a fault on their way, against a server of their own.
import assert from 'node:assert/strict';
import { SEED, nameOf, observation } from './observations.mjs';
import { lastMessage, sbs } from './sbs.mjs';
import { MainServer } from './server.mjs';

export const CUTS = ['fin', 'rst'];
const WORDS =
    /the connection ended before the answer was complete|the connection failed|the connection was refused|no answer in time|the TLS handshake failed/;

export class CutSessions {
    #server;
    #count = 0;

    static async start() {
        const sessions = new CutSessions();
        sessions.#server = await MainServer.start();
        sessions.seen = await sessions.#undisturbed();
        return sessions;
    }

    get server() {
        return this.#server;
    }

    stop() {
        return this.#server.stop();
    }

    push(id, mode, timeout = 20) {
        const args = ['push', ...this.#server.options({ timeout }), '--write-mode', mode, '-'];
        return sbs(args, { input: observation(id) });
    }

    /** Bytes and records of a session without a fault. */
    async #undisturbed() {
        await this.#server.reset();
        const result = await this.push('whole', 'put');
        assert.equal(result.status, 0, result.text);
        const connections = await this.#server.admin('GET', '/connections');
        const total = (direction) => connections.reduce((sum, each) => sum + each[direction].bytes, 0);
        const records = (direction) => connections.reduce((sum, each) => sum + each[direction].records.length, 0);
        return {
            bytes: { up: total('up'), down: total('down') },
            records: { up: records('up'), down: records('down') },
        };
    }

    /** One session with one fault. */
    async cutOnce(fault, mode, { once = true, timeout = 20 } = {}) {
        this.#count += 1;
        const id = `cut-${this.#count}`;
        const what = `${JSON.stringify(fault)} ${mode} seed ${SEED}`;
        await this.#server.faults({ on: 'raw', times: once ? 1 : -1, across: once, ...fault });
        const result = await this.push(id, mode, timeout);
        const [armed] = await this.#server.clearFaults();
        const held = await this.#server.held(nameOf(id));
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
        const again = await this.push(id, mode);
        assert.equal(again.status, 0, `${what}: afterwards\n${again.text}`);
        assert.equal(await this.#server.held(nameOf(id)), 1, `${what}: afterwards`);
        return { ...result, hits: armed.hits };
    }
}
