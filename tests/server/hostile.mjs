// SPDX-License-Identifier: Apache-2.0
// The second server: hostile, but legal. It needs nothing but Node.
import http from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { BEHAVIOURS, UnknownBehaviour, behavioursOf } from './lib/behaviours.mjs';
import { CertificateAuthority } from './lib/ca.mjs';
import { Clients } from './lib/clients.mjs';
import { BadRequest } from './lib/faults.mjs';
import { HostileService } from './lib/hostile-service.mjs';
import { stopInTime, writeReadyFile } from './lib/lifetime.mjs';
import { RequestReader, answer, send } from './lib/plain-http.mjs';
import { Requests, placeOf } from './lib/records.mjs';

const HELP = `usage: node tests/server/hostile.mjs [OPTIONS]
Starts the hostile test server, on loopback only. Its FHIR base is
https://localhost:PORT/with/A+B/fhir, where A and B are of:

${Object.entries(BEHAVIOURS)
    .map(([name, text]) => `  ${name.padEnd(18)} ${text}`)
    .join('\n')}

  --port N, --admin-port N   0 (default): any free one
  --client ID=FILE           registers a client from a JWK Set file; repeatable
  --ready-file FILE          writes a JSON object with the URLs once the server answers
  --max-seconds N            stops by itself after N seconds; default 3600
  --stop-with-stdin          stops when standard input closes
  --help
`;

const OPTIONS = {
    port: { type: 'string', default: '0' },
    'admin-port': { type: 'string', default: '0' },
    client: { type: 'string', multiple: true, default: [] },
    'ready-file': { type: 'string' },
    'max-seconds': { type: 'string', default: '3600' },
    'stop-with-stdin': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
};

const listen = (server, port) =>
    new Promise((resolve, reject) => {
        server.once('error', reject).listen(port, '127.0.0.1', resolve);
    });

export class HostileServer {
    clients = new Clients();
    requests = new Requests();
    #dir = mkdtempSync(join(tmpdir(), 'sbs-hostile-'));
    #tls;
    #admin;
    #sockets = new Set();
    #connections = 0;
    #onStop = () => {};

    async start({ port = 0, adminPort = 0 } = {}) {
        const { key, cert, caFile } = new CertificateAuthority(this.#dir).credentials('p256', 'good');
        this.caFile = caFile;
        this.#tls = tls.createServer({ key, cert, minVersion: 'TLSv1.2' }, (socket) => this.#accept(socket));
        this.#tls.on('tlsClientError', () => {});
        await listen(this.#tls, port);
        this.origin = `https://localhost:${this.#tls.address().port}`;
        this.service = new HostileService(this.clients, this.origin);
        this.#admin = http.createServer((req, res) => this.#administer(req, res));
        await listen(this.#admin, adminPort);
        return this.info();
    }

    info() {
        const adminUrl = `http://127.0.0.1:${this.#admin.address().port}`;
        return {
            fhirBase: `${this.origin}/fhir`,
            withBase: `${this.origin}/with/`,
            caFile: this.caFile,
            adminUrl,
            pid: process.pid,
        };
    }

    #accept(socket) {
        const connection = { connection: ++this.#connections, requests: [] };
        this.#sockets.add(socket);
        socket.setNoDelay(true);
        socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket));
        const reader = new RequestReader((head, body) => this.#serve(socket, connection, head, body));
        socket.on('data', async (chunk) => {
            const goesOn = await reader
                .add(chunk)
                .catch((error) => process.stderr.write(`hostile: ${error.stack}\n`) && false);
            if (!goesOn) socket.end();
        });
    }

    /** @returns whether the connection may go on */
    async #serve(socket, connection, head, body) {
        const record = this.requests.begin(head, connection);
        const { prefix, rest, on } = this.#behaviours(head.url);
        record.where = rest.startsWith('/token/') ? 'token' : placeOf(rest);
        this.requests.addBody(record, body);
        const result = this.service.answer({ head, body, record, prefix, rest, on });
        record.status = result.status;
        const { bytes, closes } = answer(result, on);
        await send(socket, bytes, on('bytes'));
        return !closes && head.headers.connection?.toLowerCase() !== 'close';
    }

    #behaviours(target) {
        try {
            return behavioursOf(target);
        } catch (error) {
            if (!(error instanceof UnknownBehaviour)) throw error;
            return { prefix: '', rest: `/unknown/${error.message}`, on: () => false };
        }
    }

    async #administer(req, res) {
        let text = '';
        for await (const part of req.setEncoding('utf8')) text += part;
        try {
            const value = this.#administered(`${req.method} ${req.url}`, text);
            res.writeHead(value === undefined ? 404 : 200, { 'Content-Type': 'application/json' }).end(
                JSON.stringify(value ?? {}),
            );
        } catch (error) {
            res.writeHead(400, { 'Content-Type': 'application/json' }).end(JSON.stringify({ error: error.message }));
        }
    }

    #administered(request, text) {
        const actions = {
            'GET /info': () => this.info(),
            'GET /behaviours': () => BEHAVIOURS,
            'POST /clients': () => this.clients.register(JSON.parse(text)) ?? {},
            'GET /requests': () => this.requests.select({ where: null, method: null, after: 0 }),
            'GET /resources': () => [...this.service.resources].map(([reference, each]) => ({ reference, ...each })),
            'GET /secrets': () => this.service.sent,
            'POST /reset': () => this.reset(),
            'POST /stop': () => setImmediate(() => this.stop()) && {},
        };
        return actions[request]?.();
    }

    reset() {
        this.requests.clear();
        this.service.resources.clear();
        this.service.seen.clear();
        this.service.sent.length = 0;
        return {};
    }

    onStop(callback) {
        this.#onStop = callback;
    }

    stop() {
        this.#tls.close();
        this.#admin.close();
        this.#admin.closeAllConnections();
        for (const socket of this.#sockets) socket.destroy();
        rmSync(this.#dir, { recursive: true, force: true });
        this.#onStop();
    }
}

async function main() {
    const { values } = parseArgs({ options: OPTIONS });
    if (values.help) return process.stdout.write(HELP);
    const server = new HostileServer();
    for (const text of values.client) server.clients.registerFromOption(text);
    const info = await server.start({ port: Number(values.port), adminPort: Number(values['admin-port']) });
    stopInTime(server, { maxSeconds: Number(values['max-seconds']), stopWithStdin: values['stop-with-stdin'] });
    process.stdout.write(
        `FHIR base  ${info.withBase}BEHAVIOURS/fhir\nCA file    ${info.caFile}\nadmin      ${info.adminUrl}\n`,
    );
    return values['ready-file'] && writeReadyFile(values['ready-file'], info);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    main().catch((error) => {
        process.stderr.write(`hostile: ${error instanceof BadRequest || error.code ? error.message : error.stack}\n`);
        process.exit(error.code?.startsWith?.('ERR_PARSE_ARGS') ? 2 : 1);
    });
}
