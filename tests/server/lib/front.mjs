// SPDX-License-Identifier: Apache-2.0
// The public side: raw relay, TLS, HTTP; reads each request whole, records it, and applies faults around the handler.
import http from 'node:http';
import net from 'node:net';
import tls from 'node:tls';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { Relay } from './relay.mjs';
import { Wire, answerBytes } from './wire.mjs';

const MAX_BODY = 16 * 1024 * 1024;
const MAX_HEADER = 128 * 1024;
const KEEP_ALIVE_MS = 60_000;
const HANDSHAKE_MS = 30_000; // a client that was killed in its middle leaves one behind
const LOOPBACK = ['127.0.0.1', '::1'];

const WIRE_MEMBERS = ['raw', 'contentLength', 'padHeaders', 'split', 'splitAt', 'cutAt', 'cut', 'delayAfterMs'];

function twoDigits(number) {
    return String(number).padStart(2, '0');
}

/** The three forms of an HTTP date, RFC 9110 section 5.6.7. */
export function httpDate(date, form) {
    const imf = date.toUTCString();
    if (form === 'imf') return imf;
    const [day, dayNumber, month, year, time] = imf.replace(',', '').split(' ');
    const longDay = date.toLocaleDateString('en-US', { weekday: 'long', timeZone: 'UTC' });
    if (form === 'rfc850') return `${longDay}, ${dayNumber}-${month}-${twoDigits(Number(year) % 100)} ${time} GMT`;
    return `${day} ${month} ${String(Number(dayNumber)).padStart(2, ' ')} ${time} ${year}`;
}

function retryAfterText(value) {
    if (typeof value !== 'object') return String(value);
    const at = Date.now() + (value.seconds ?? 0) * 1000;
    if (value.date) return httpDate(new Date(at), value.date);
    return String(value.epoch === 'ms' ? at : Math.floor(at / 1000));
}

function falseAnswer(fault) {
    const json = typeof fault.body === 'object';
    const headers = { ...(json ? { 'Content-Type': 'application/json' } : {}), ...fault.headers };
    if (fault.retryAfter !== undefined) headers['Retry-After'] = retryAfterText(fault.retryAfter);
    const body = json ? JSON.stringify(fault.body) : (fault.body ?? '');
    return { status: fault.status, headers: { ...headers, 'Content-Length': Buffer.byteLength(body) }, body };
}

async function readBody(req) {
    const parts = [];
    let length = 0;
    for await (const part of req) {
        length += part.length;
        if (length > MAX_BODY) return null;
        parts.push(part);
    }
    return Buffer.concat(parts);
}

export class Front {
    #faults;
    #requests;
    #handler;
    #log;
    #http;
    #tls;
    #relay;
    #listeners = [];
    #busy = 0;

    constructor({ faults, requests, connections, handler, log, tlsOptions }) {
        this.#faults = faults;
        this.#requests = requests;
        this.#handler = handler;
        this.#log = log;
        this.#http = http.createServer({ maxHeaderSize: MAX_HEADER, keepAliveTimeout: KEEP_ALIVE_MS }, (req, res) => {
            this.#busy += 1;
            this.#serve(req, res)
                .catch((error) => this.#failed(error, res))
                .finally(() => (this.#busy -= 1));
        });
        const options = { ...tlsOptions, allowHalfOpen: false, handshakeTimeout: HANDSHAKE_MS };
        this.#tls = tls.createServer(options, (socket) => this.#secured(socket));
        this.#tls.on('tlsClientError', () => {});
        this.#tls.on('connection', (socket) => {
            this.#busy += 1;
            socket.once('close', () => (this.#busy -= 1));
        });
        this.connections = connections;
    }

    /** Listens on loopback and on `addresses`; returns the port. */
    async listen(port, addresses = []) {
        await listening(this.#tls, 0, LOOPBACK[0]);
        const innerPort = this.#tls.address().port;
        this.#relay = new Relay({ innerPort, faults: this.#faults, connections: this.connections });
        const chosen = await this.#open(port, LOOPBACK[0]);
        await this.#open(chosen, LOOPBACK[1]).catch(() => this.#log('no IPv6 loopback here'));
        for (const address of addresses) await this.#open(chosen, address);
        return chosen;
    }

    async #open(port, host) {
        const server = net.createServer({ allowHalfOpen: true }, (socket) => this.#relay.accept(socket));
        await listening(server, port, host);
        this.#listeners.push(server);
        return server.address().port;
    }

    useTls(options) {
        this.#tls.setSecureContext(options);
    }

    close() {
        for (const server of [...this.#listeners, this.#tls, this.#http]) server.close();
        this.#relay?.closeAll();
    }

    #secured(socket) {
        const record = this.#relay.connectionOf(socket.remotePort);
        if (!record) return socket.destroy();
        record.tls = {
            protocol: socket.getProtocol(),
            cipher: socket.getCipher().standardName,
            resumed: socket.isSessionReused(),
            servername: socket.servername || null,
        };
        socket.setNoDelay(true);
        return this.#http.emit('connection', new Wire(socket, record, this.#faults));
    }

    /** Connections that are open, and requests that are worked on, also those whose client has gone. */
    get busy() {
        return this.#busy;
    }

    async #serve(req, res) {
        const record = this.#requests.begin(req, req.socket.record);
        const body = await readBody(req);
        if (body === null) return res.writeHead(413, { Connection: 'close' }).end();
        this.#requests.addBody(record, body);
        const entry = this.#faults.forRequest(record);
        if (entry) record.faults.push(entry.id);
        const fault = entry?.fault ?? {};
        if (fault.delayMs) await sleep(fault.delayMs, undefined, { ref: false });
        res.once('finish', () => this.#finished(record, res));
        this.#hold(fault, req.socket, res);
        return this.#answer({ req, res, record, body, fault });
    }

    #hold(fault, wire, res) {
        const replaced = fault.status !== undefined && fault.process;
        if (!replaced && !WIRE_MEMBERS.some((name) => fault[name] !== undefined)) return;
        wire.hold(replaced ? { ...fault, falseAnswer: answerBytes(falseAnswer(fault)) } : fault);
        res.once('finish', () => wire.release());
    }

    #answer(exchange) {
        const { res, fault, record } = exchange;
        const instead = (fault.status !== undefined || fault.raw !== undefined) && !fault.process;
        if (!instead) return this.#handler(exchange);
        record.reason = 'fault';
        const { status, headers, body } =
            fault.status === undefined ? { status: 200, headers: {}, body: '' } : falseAnswer(fault);
        return res.writeHead(status, headers).end(body);
    }

    #finished(record, res) {
        record.status = res.statusCode;
        this.#log(`${record.method} ${record.target} ${record.status}${record.reason ? ` (${record.reason})` : ''}`);
    }

    #failed(error, res) {
        this.#log(`failed: ${error.stack}`);
        if (!res.headersSent) res.writeHead(500);
        res.end();
    }
}

function listening(server, port, host) {
    return new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen({ port, host }, () => {
            server.off('error', reject);
            resolve();
        });
    });
}

/** A request whose body has been read, as a stream that can be read again. */
export function replayed(req, body) {
    const copy = Readable.from(body.length > 0 ? [body] : [], { objectMode: false });
    const { method, url, headers, rawHeaders, httpVersion, httpVersionMajor, httpVersionMinor, socket } = req;
    const shown = { ...headers };
    if (shown['content-length'] !== undefined) shown['content-length'] = String(body.length);
    return Object.assign(copy, {
        method,
        url,
        headers: shown,
        rawHeaders,
        httpVersion,
        httpVersionMajor,
        httpVersionMinor,
        socket,
        complete: true,
    });
}
