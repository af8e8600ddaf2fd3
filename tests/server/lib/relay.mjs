// SPDX-License-Identifier: Apache-2.0
// The outermost part: relays raw TCP bytes between a client and the TLS server, notes the TLS records that pass
// (RFC 8446 section 5.1), and cuts at any byte or record.
import net from 'node:net';

const RECORD_HEADER = 5;
const MAX_NOTED_RECORDS = 10_000;
const LINGER_MS = 1_000;
const HELLO_MAX = 2_048;

/** Notes record boundaries in a stream of bytes that comes in arbitrary pieces. */
class RecordScanner {
    records = [];
    bytes = 0;
    #begun = 0;
    #offset = 0;
    #header = [];
    #missing = 0;

    /** Takes bytes until `maxRecords` records are complete; returns how many it took. */
    take(chunk, maxRecords) {
        let used = 0;
        while (used < chunk.length && this.completed() < maxRecords) used += this.#step(chunk, used);
        this.bytes += used;
        return used;
    }

    completed() {
        return this.#missing > 0 ? this.#begun - 1 : this.#begun;
    }

    #step(chunk, at) {
        if (this.#missing > 0) {
            const some = Math.min(this.#missing, chunk.length - at);
            this.#missing -= some;
            return some;
        }
        this.#header.push(chunk[at]);
        if (this.#header.length === RECORD_HEADER) this.#begin();
        return 1;
    }

    #begin() {
        const length = this.#header[3] * 256 + this.#header[4];
        const whole = length + RECORD_HEADER;
        if (this.#begun < MAX_NOTED_RECORDS) this.records.push([this.#offset, this.#header[0], whole]);
        this.#begun += 1;
        this.#offset += whole;
        this.#missing = length;
        this.#header = [];
    }
}

/** Where a raw fault strikes: bytes and records that this direction may still pass. */
class Limit {
    #entry;
    #scanner;

    constructor(entry, scanner) {
        this.#entry = entry;
        this.#scanner = scanner;
    }

    /** It struck another connection, which was open beside this one, and does not strike again. */
    #isSpent() {
        return this.#entry.fault.across === true && this.#entry.left === 0;
    }

    allowed(chunk) {
        if (this.#isSpent()) return this.#scanner.take(chunk, Infinity);
        const { fault, passed } = this.#entry;
        const before = this.#scanner.completed();
        const maxBytes = fault.cutAt === undefined ? chunk.length : Math.max(0, fault.cutAt - passed.bytes);
        const maxRecords = fault.cutRecord === undefined ? Infinity : before + fault.cutRecord - passed.records;
        const taken = this.#scanner.take(chunk.subarray(0, maxBytes), maxRecords);
        passed.bytes += taken;
        passed.records += this.#scanner.completed() - before;
        return taken;
    }

    reached() {
        const { fault, passed } = this.#entry;
        if (this.#isSpent()) return false;
        return fault.cutAt === undefined ? passed.records >= fault.cutRecord : passed.bytes >= fault.cutAt;
    }
}

/** What still comes from this socket is dropped. */
function silence(socket) {
    socket.removeAllListeners('data');
    socket.removeAllListeners('end');
    socket.resume();
}

export class Relay {
    #innerPort;
    #faults;
    #connections;
    #byPort = new Map();
    #sockets = new Set();

    constructor({ innerPort, faults, connections }) {
        this.#innerPort = innerPort;
        this.#faults = faults;
        this.#connections = connections;
    }

    /** The record of the connection that reaches the TLS server from this local port. */
    connectionOf(port) {
        return this.#byPort.get(port);
    }

    closeAll() {
        for (const socket of this.#sockets) socket.destroy();
    }

    accept(client) {
        const record = this.#connections.open();
        const inner = net.connect({ port: this.#innerPort, host: '127.0.0.1', allowHalfOpen: true });
        for (const socket of [client, inner]) this.#watch(socket, client, inner, record);
        inner.once('connect', () => {
            this.#byPort.set(inner.localPort, record);
            inner.once('close', () => this.#byPort.delete(inner.localPort));
            this.#start(client, inner, record);
        });
    }

    #watch(socket, client, inner, record) {
        this.#sockets.add(socket);
        socket.setNoDelay(true);
        socket.on('error', () => {
            if (socket === inner || record.closeWithReset) client.resetAndDestroy();
            inner.destroy();
        });
        socket.once('close', () => {
            this.#sockets.delete(socket);
            if (socket !== client) return;
            this.#connections.close(record);
            inner.destroy();
        });
    }

    #start(client, inner, record) {
        const entry = this.#faults.forRawConnection();
        if (entry && !entry.fault.across) record.faults.push(entry.id);
        this.#direction({ from: client, to: inner, entry, name: 'up', record, client, inner });
        this.#direction({ from: inner, to: client, entry, name: 'down', record, client, inner });
    }

    #direction(way) {
        const { from, to, entry, name, record, client } = way;
        const scanner = new RecordScanner();
        record[name] = scanner;
        const cuts = entry && (entry.fault.direction ?? 'down') === name;
        const limit = cuts ? new Limit(entry, scanner) : null;
        from.on('data', (chunk) => {
            if (name === 'up' && record.hello.length < HELLO_MAX) record.hello = Buffer.concat([record.hello, chunk]);
            const taken = limit ? limit.allowed(chunk) : scanner.take(chunk, Infinity);
            if (taken > 0 && !to.write(chunk.subarray(0, taken))) this.#throttle(from, to);
            if (limit?.reached()) this.#strike(way);
        });
        from.on('end', () => {
            if (name === 'down' && record.closeWithReset) client.resetAndDestroy();
            else to.end();
        });
        if (limit?.reached()) this.#strike(way);
    }

    #throttle(from, to) {
        from.pause();
        to.once('drain', () => from.resume());
    }

    /** Nothing more passes in this direction; bytes that were let through still reach their end. */
    #strike({ from, to, entry, record, client, inner }) {
        if (entry.fault.across) {
            this.#faults.take(entry);
            record.faults.push(entry.id);
        }
        const cut = entry.fault.cut ?? 'fin';
        for (const socket of cut === 'stall' ? [from] : [client, inner]) silence(socket);
        if (cut === 'stall') return;
        to.write('', () => {
            if (cut === 'rst') client.resetAndDestroy();
            else client.end();
            inner.destroy();
            setTimeout(() => client.destroy(), LINGER_MS).unref();
        });
    }
}
