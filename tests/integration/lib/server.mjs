// SPDX-License-Identifier: Apache-2.0
// Test servers as processes, and their admin endpoints.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ok } from './sbs.mjs';

const START = fileURLToPath(new URL('../../server/start', import.meta.url));
const HOSTILE = fileURLToPath(new URL('../../server/hostile.mjs', import.meta.url));
const READY_MS = 300_000; // ends a start that hangs; it takes a second or two
const MAX_SECONDS = '1800';

export const CLIENT = '9e4a2858-9e86-406b-958f-b86a5e1ceb3d';
export const SCOPE = 'system/Observation.cruds';

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

class TestServer {
    /** Starts the server, makes its keys and registers CLIENT with them. */
    constructor(command, args) {
        this.dir = mkdtempSync(join(tmpdir(), 'sbs-integration-'));
        this.ready = join(this.dir, 'ready.json');
        const all = [
            ...command.slice(1),
            '--ready-file',
            this.ready,
            '--stop-with-stdin',
            '--max-seconds',
            MAX_SECONDS,
        ];
        this.child = spawn(command[0], [...all, ...args], { stdio: ['pipe', 'ignore', 'pipe'] });
        this.stderr = '';
        this.child.stderr.setEncoding('utf8').on('data', (text) => (this.stderr += text));
        this.ended = new Promise((resolve) => this.child.on('close', resolve));
    }

    async whenReady() {
        for (const end = Date.now() + READY_MS; !existsSync(this.ready); await pause(20)) {
            if (this.child.exitCode !== null || Date.now() > end) {
                this.child.kill('SIGKILL'); // it would keep this process alive
                throw new Error(`server not ready: ${this.stderr}`);
            }
        }
        this.info = JSON.parse(readFileSync(this.ready, 'utf8'));
        return this;
    }

    async stop() {
        this.child.stdin.end();
        await this.ended;
        rmSync(this.dir, { recursive: true, force: true });
        assert.equal(this.stderr, '', 'the server wrote to its standard error');
    }

    path(name) {
        return join(this.dir, name);
    }

    write(name, content) {
        const text = typeof content === 'string' || Buffer.isBuffer(content) ? content : JSON.stringify(content);
        writeFileSync(this.path(name), text);
        return this.path(name);
    }

    /** A new key file; the same name again gives the same file. */
    async key(name, args = ['--alg', 'ES384']) {
        if (!existsSync(this.path(name))) await ok(['keygen', '--key', this.path(name), ...args]);
        return this.path(name);
    }

    async admin(method, path, content) {
        const answer = await fetch(this.info.adminUrl + path, {
            method,
            body: content === undefined ? undefined : JSON.stringify(content),
        });
        const text = await answer.text();
        assert.equal(answer.status, 200, `${method} ${path}: ${text}`);
        return /^[[{]/.test(text) ? JSON.parse(text) : text;
    }

    async register(keys, { clientId = CLIENT, kid = [], ...rest } = {}) {
        const { stdout } = await ok(['jwk', '--set', ...kid, ...[keys].flat().flatMap((file) => ['--key', file])]);
        await this.admin('POST', '/clients', { clientId, jwks: JSON.parse(stdout), ...rest });
    }

    requests(filter = '') {
        return this.admin('GET', `/requests${filter}`);
    }

    /** SERVER-OPTIONS of this server; an option set to null is left out. */
    options(changes = {}) {
        const all = {
            fhir: this.info.fhirBase,
            ca: this.info.caFile,
            key: this.path('client.pem'),
            'client-id': CLIENT,
            scope: SCOPE,
            ...changes,
        };
        return Object.entries(all).flatMap(([name, value]) => {
            if (value === null) return [];
            return value === true ? [`--${name}`] : [`--${name}`, String(value)];
        });
    }
}

export class MainServer extends TestServer {
    static async start(args = []) {
        const server = await new MainServer([START], args).whenReady();
        await server.register(await server.key('client.pem'));
        return server;
    }

    faults(...list) {
        return this.admin('POST', '/faults', list);
    }

    async clearFaults() {
        const armed = await this.admin('GET', '/faults');
        await this.admin('DELETE', '/faults');
        return armed;
    }

    settings(changes) {
        return this.admin('POST', '/settings', changes);
    }

    async reset() {
        await this.admin('POST', '/reset');
    }

    /** How many resources hold this identifier. */
    async held(identifier) {
        return (await this.admin('GET', '/stats')).identifiers[identifier] ?? 0;
    }

    /** POSTs a form to the token endpoint; for what the command itself never sends. */
    postForm(form) {
        const body = new URLSearchParams(form).toString();
        const options = {
            method: 'POST',
            ca: readFileSync(this.info.caFile),
            agent: false,
            headers: { 'Content-Type': 'application/x-www-form-urlencoded', 'Content-Length': body.length },
        };
        return new Promise((resolve, reject) => {
            const request = https.request(this.info.tokenUrl, options, (answer) => {
                let text = '';
                answer
                    .setEncoding('utf8')
                    .on('data', (part) => (text += part))
                    .on('end', () => resolve({ status: answer.statusCode, text }));
            });
            request.on('error', reject).end(body);
        });
    }
}

export class HostileServer extends TestServer {
    static async start() {
        const server = await new HostileServer([process.execPath, HOSTILE], []).whenReady();
        await server.register(await server.key('client.pem'));
        return server;
    }

    /** Options for the FHIR base with these behaviours. */
    with(behaviours, changes = {}) {
        return this.options({ fhir: `${this.info.withBase}${behaviours}/fhir`, ...changes });
    }
}
