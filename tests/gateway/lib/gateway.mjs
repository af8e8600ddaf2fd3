// SPDX-License-Identifier: Apache-2.0
// A gateway as a process, its operator's commands, and devices that post to it.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { observation } from '../../integration/lib/observations.mjs';
import { CLIENT, SCOPE, pause } from '../../integration/lib/server.mjs';

export const PROGRAM = process.env.SBS_GATEWAY;
export const LIBS = process.env.SBS_GATEWAY_LIBS;
const READY_MS = 60_000;
const USED_PORT = /http 127\.0\.0\.1:\d+ \(port (\d+)\)/;

export class Gateway {
    /** A folder of its own; nothing runs. @p server: of the tests, or null. */
    constructor(server, { devices = ['fridge'], fhir, lines = [], dir } = {}) {
        this.own = dir === undefined;
        this.dir = dir ?? mkdtempSync(join(tmpdir(), 'sbs-gateway-'));
        this.server = server;
        this.devices = devices;
        this.fhir = fhir ?? server?.info.fhirBase;
        this.lines = lines;
        this.secrets = {};
        this.port = 0;
        this.configure();
    }

    configure(more = '') {
        const upstream = this.server
            ? `[server]\nfhir = ${this.fhir}\nca = ${this.server.info.caFile}\nclient-id = ${CLIENT}\nscope = ${SCOPE}\n`
            : '';
        const text =
            `${upstream}${this.lines.map((line) => `${line}\n`).join('')}[gateway]\nname = clinic-12\n` +
            `state = ${this.dir}/state\nrun = ${this.dir}/run\nkeep-free = 64K\n` +
            `[listen http]\naddress = 127.0.0.1:${this.port}\n[listen page]\naddress = 127.0.0.2:0\n` +
            this.devices.map((name) => `[device ${name}]\nprotocol = fhir\n`).join('') +
            more;
        writeFileSync(this.path('gateway.conf'), text, { mode: 0o600 });
    }

    path(name) {
        return join(this.dir, name);
    }

    /** Starts it, and waits until it serves. */
    async start({ env = {}, wrap = [] } = {}) {
        /* The same port after a kill, as a device knows no other. */
        if (this.port !== 0) this.configure();
        const command = [...wrap, PROGRAM, 'run', '--config', this.path('gateway.conf')];
        this.stderr = '';
        this.child = spawn(command[0], command.slice(1), {
            stdio: ['ignore', 'ignore', 'pipe'],
            env: { ...process.env, ...env },
        });
        this.child.stderr.setEncoding('utf8').on('data', (text) => (this.stderr += text));
        this.ended = new Promise((resolve) => this.child.on('close', (code, signal) => resolve({ code, signal })));
        for (const end = Date.now() + READY_MS; !USED_PORT.test(this.stderr); await pause(10)) {
            if (this.child.exitCode !== null || this.child.signalCode !== null || Date.now() > end) {
                throw new Error(`gateway not ready: ${this.stderr}`);
            }
        }
        this.port = Number(USED_PORT.exec(this.stderr)[1]);
        return this;
    }

    /** Registers its key, and makes its devices' secrets. */
    async prepare() {
        await this.register();
        await this.ok('reload'); // it asked for a token before its key was known
        for (const name of this.devices) {
            this.secrets[name] = (await this.ok('device', 'secret', name)).stdout.trim();
        }
        return this;
    }

    async register() {
        const { stdout } = await this.ok('jwk', '--set');
        if (this.server) await this.server.admin('POST', '/clients', { clientId: CLIENT, jwks: JSON.parse(stdout) });
    }

    /** Runs a command of the operator. */
    command(...words) {
        return new Promise((resolve) => {
            execFile(PROGRAM, [...words, '--config', this.path('gateway.conf')], (error, stdout, stderr) =>
                resolve({ status: error ? (error.code ?? 128) : 0, stdout, stderr }),
            );
        });
    }

    async ok(...words) {
        const result = await this.command(...words);
        assert.equal(result.status, 0, `${words.join(' ')}: ${result.stderr}`);
        return result;
    }

    async status() {
        return JSON.parse((await this.ok('status', '--json')).stdout);
    }

    /** Waits until the status is so. */
    async until(what, test, ms = 60_000) {
        let status;
        for (const end = Date.now() + ms; Date.now() < end; await pause(100)) {
            status = await this.status();
            if (test(status)) return status;
        }
        throw new Error(`${what}: not in time: ${JSON.stringify(status)}\n${this.stderr}`);
    }

    delivered(ms) {
        return this.until('all delivered', (status) => status.waiting === 0, ms);
    }

    /** One request; status 0: no answer. */
    request(method, path, { device = this.devices[0], body, headers = {}, secret, agent, timeout = 20_000 } = {}) {
        const options = {
            host: '127.0.0.1',
            port: this.port,
            method,
            path,
            agent,
            timeout,
            headers: {
                Authorization: `Bearer ${secret ?? this.secrets[device]}`,
                ...(body === undefined ? {} : { 'Content-Type': 'application/fhir+json' }),
                ...headers,
            },
        };
        return new Promise((resolve) => {
            const request = http.request(options, (answer) => {
                let text = '';
                answer
                    .setEncoding('utf8')
                    .on('data', (part) => (text += part))
                    .on('end', () => resolve({ status: answer.statusCode, text, headers: answer.headers }))
                    .on('error', () => resolve({ status: 0 }));
            });
            request.on('error', () => resolve({ status: 0 })).on('timeout', () => request.destroy());
            request.end(body);
        });
    }

    post(id, options = {}) {
        return this.request('POST', '/fhir/Observation', { body: observation(id), ...options });
    }

    async kill() {
        this.child.kill('SIGKILL');
        return this.ended;
    }

    /** Ends it in good order; it must take less than 5 s. */
    async stop() {
        if (this.child && this.child.exitCode === null && this.child.signalCode === null) {
            const begun = Date.now();
            this.child.kill('SIGTERM');
            const end = await this.ended;
            assert.deepEqual(end, { code: 0, signal: null }, this.stderr);
            assert.ok(Date.now() - begun < 5000, 'ends within 5 s');
        }
        if (this.own) rmSync(this.dir, { recursive: true, force: true });
    }
}
