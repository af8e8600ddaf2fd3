// SPDX-License-Identifier: Apache-2.0
// Between a TLS socket and Node's HTTP server: the bytes of an answer can be held, changed, split and cut here.
import { randomBytes } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

const HEAD_END = '\r\n\r\n';
const PAD_LINE_BYTES = 1000;

function headLength(bytes) {
    const at = bytes.indexOf(HEAD_END);
    return at < 0 ? bytes.length : at + HEAD_END.length;
}

function padding(total, oneLine) {
    const lines = [];
    for (let left = total; left > 0; left -= PAD_LINE_BYTES) {
        const size = oneLine ? total : Math.min(left, PAD_LINE_BYTES);
        const name = `X-Padding-${lines.length}: `;
        lines.push(name + 'p'.repeat(Math.max(1, size - name.length - 2)));
        if (oneLine) break;
    }
    return lines.join('\r\n');
}

function changedHead(bytes, { contentLength, padHeaders, padLine }) {
    const length = headLength(bytes);
    let head = bytes.subarray(0, length - HEAD_END.length).toString('latin1');
    if (contentLength)
        head = head.replace(/^(content-length: )(\d+)/im, (_, name, n) => `${name}${Number(n) + contentLength}`);
    if (padHeaders) head += `\r\n${padding(padHeaders, padLine)}`;
    return Buffer.concat([Buffer.from(head + HEAD_END, 'latin1'), bytes.subarray(length)]);
}

function rawBytes(raw) {
    if (typeof raw === 'string') return Buffer.from(raw, 'latin1');
    return raw.random ? randomBytes(raw.random) : Buffer.from(raw.base64 ?? '', 'base64');
}

/** A whole answer as bytes, for the case that the server's own answer is replaced after the work was done. */
export function answerBytes({ status, headers, body }) {
    const content = Buffer.from(body, 'utf8');
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...lines];
    return Buffer.concat([Buffer.from(head.join('\r\n') + HEAD_END, 'latin1'), content]);
}

function cutOffset(cutAt, bytes) {
    if (Number.isInteger(cutAt)) return Math.min(cutAt, bytes.length);
    const head = headLength(bytes);
    const named = {
        head: Math.floor(head / 2),
        body: head,
        'mid-body': head + Math.floor((bytes.length - head) / 2),
        end: bytes.length - 1,
        all: bytes.length,
    };
    return named[cutAt] ?? bytes.length;
}

function pieces(bytes, { split, splitAt }) {
    const ends = splitAt ? splitAt.filter((at) => at > 0 && at < bytes.length).sort((a, b) => a - b) : [];
    for (let at = split; split && at < bytes.length; at += split) ends.push(at);
    ends.push(bytes.length);
    return ends.map((end, i) => bytes.subarray(i === 0 ? 0 : ends[i - 1], end));
}

export class Wire extends Duplex {
    encrypted = true;
    #tls;
    #record;
    #plan = null; // of the answer that is held now, and its bytes
    #held = [];
    #sending = 0; // answers that are on their way in pieces
    #sent = Promise.resolve();
    #closing = null;
    #cutOff = false;

    constructor(tls, record, faults) {
        super({ allowHalfOpen: true });
        this.#tls = tls;
        this.#record = record;
        this.record = record;
        this.#closing = this.#closingFault(faults);
        tls.on('data', (chunk) => this.#receive(chunk));
        tls.on('end', () => this.push(null));
        tls.on('error', (error) => this.destroy(error));
        tls.on('close', () => this.destroy());
        this.on('error', () => {});
    }

    get remoteAddress() {
        return this.#tls.remoteAddress;
    }

    setTimeout() {
        return this;
    }

    setNoDelay() {
        return this;
    }

    setKeepAlive() {
        return this;
    }

    #closingFault(faults) {
        const entry = faults.forConnection();
        if (!entry) return null;
        this.#record.faults.push(entry.id);
        const closing = { left: entry.fault.cutAt ?? 0, cut: entry.fault.cut };
        if (closing.left === 0) setImmediate(() => this.#cut(closing.cut));
        return closing;
    }

    #receive(chunk) {
        if (this.#cutOff) return;
        if (this.#closing) {
            this.#closing.left -= chunk.length;
            if (this.#closing.left <= 0) this.#cut(this.#closing.cut);
            return;
        }
        if (!this.push(chunk)) this.#tls.pause();
    }

    _read() {
        this.#tls.resume();
    }

    _write(chunk, encoding, done) {
        if (this.#cutOff) return done();
        if (this.#plan) {
            this.#held.push(chunk);
            return done();
        }
        if (this.#sending > 0) return this.#after(() => this.#tls.write(chunk), done);
        return this.#tls.write(chunk, done);
    }

    async _final(done) {
        await this.release();
        if (!this.#cutOff) this.#tls.end();
        done();
    }

    _destroy(error, done) {
        if (!this.#cutOff) this.#tls.destroy();
        done(error);
    }

    /** From here on the answer's bytes are held, until release() sends them as `fault` says. */
    hold(fault) {
        this.#plan = fault;
    }

    /** Resolves when all that was held has gone. A client may ask again before: one answer after another. */
    release() {
        if (this.#plan) {
            const [plan, held] = [this.#plan, this.#held];
            this.#plan = null;
            this.#held = [];
            this.#after(() => this.#send(plan, held));
        }
        return this.#sent;
    }

    #after(send, done = () => {}) {
        this.#sending += 1;
        this.#sent = this.#sent
            .then(() => (this.#cutOff ? undefined : send()))
            .catch((error) => this.destroy(error))
            .then(() => {
                this.#sending -= 1;
                done();
            });
    }

    async #send(plan, held) {
        let bytes = Buffer.concat(held);
        if (plan.delayAfterMs) await sleep(plan.delayAfterMs, undefined, { ref: false });
        if (plan.falseAnswer) bytes = plan.falseAnswer;
        if (plan.contentLength || plan.padHeaders) bytes = changedHead(bytes, plan);
        if (plan.raw !== undefined) bytes = rawBytes(plan.raw);
        const cuts = plan.cutAt !== undefined || plan.cut !== undefined;
        const end = cuts ? cutOffset(plan.cutAt ?? 0, bytes) : bytes.length;
        await this.#sendPieces(pieces(bytes.subarray(0, end), plan), plan.gapMs ?? 0);
        if (cuts) this.#cut(plan.cut);
    }

    async #sendPieces(list, gapMs) {
        for (const [i, piece] of list.entries()) {
            if (gapMs > 0 && i > 0) await sleep(gapMs, undefined, { ref: false });
            if (this.#tls.destroyed) return;
            if (piece.length > 0) await new Promise((resolve) => this.#tls.write(piece, resolve));
        }
    }

    /** Ends the connection in the way asked for; what was written before still arrives. */
    #cut(how = 'fin') {
        this.#cutOff = true;
        if (how === 'stall') return;
        if (how === 'notify') {
            this.#tls.end();
            return;
        }
        this.#record.closeWithReset = how === 'rst';
        this.#tls.destroy();
    }
}
