// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 by hand: Node's own server would not write what the hostile server has to write.
import { STATUS_CODES } from 'node:http';

const HEAD_END = '\r\n\r\n';
const MAX_BYTES = 16 * 1024 * 1024;
const CHUNK_SIZES = [1, 7, 64, 3, 1000];
const PADDING_LINES = 40;

function parseHead(text) {
    const [requestLine, ...lines] = text.split('\r\n');
    const match = /^([A-Z]+) (\S+) HTTP\/(1\.[01])$/.exec(requestLine);
    if (!match) return null;
    const pairs = lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]);
    return {
        method: match[1],
        url: match[2],
        httpVersion: match[3],
        rawHeaders: pairs.flat(),
        headers: Object.fromEntries(pairs.map(([name, value]) => [name.toLowerCase(), value])),
    };
}

/** Collects bytes and calls `serve(request, body)` for one complete request after the other. */
export class RequestReader {
    #bytes = Buffer.alloc(0);
    #serve;
    #busy = false;

    constructor(serve) {
        this.#serve = serve;
    }

    /** @returns false when what came is no request */
    async add(chunk) {
        this.#bytes = Buffer.concat([this.#bytes, chunk]);
        if (this.#busy) return true;
        this.#busy = true;
        let usable = this.#bytes.length <= MAX_BYTES;
        while (usable) {
            const next = this.#next();
            if (next === null) break;
            usable = next !== false && (await this.#serve(next.head, next.body));
        }
        this.#busy = false;
        return usable;
    }

    /** @returns a whole request, null when bytes are missing, false when it is none */
    #next() {
        const end = this.#bytes.indexOf(HEAD_END);
        if (end < 0) return null;
        const head = parseHead(this.#bytes.subarray(0, end).toString('latin1'));
        if (!head || head.headers['transfer-encoding']) return false;
        const start = end + HEAD_END.length;
        const length = Number(head.headers['content-length'] ?? 0);
        if (this.#bytes.length < start + length) return null;
        const body = this.#bytes.subarray(start, start + length);
        this.#bytes = this.#bytes.subarray(start + length);
        return { head, body };
    }
}

function chunkedBody(body) {
    const parts = [];
    for (let at = 0, i = 0; at < body.length; i += 1) {
        const piece = body.subarray(at, at + CHUNK_SIZES[i % CHUNK_SIZES.length]);
        const extension = i % 2 === 0 ? ';name="a \\"quoted\\" value";flag' : '';
        parts.push(
            Buffer.from(`${piece.length.toString(16).toUpperCase()}${extension}\r\n`),
            piece,
            Buffer.from('\r\n'),
        );
        at += piece.length;
    }
    parts.push(Buffer.from('000;last\r\nX-Trailer: one\r\nX-Checksum: two\r\n\r\n'));
    return Buffer.concat(parts);
}

function oddHeaders(pairs) {
    const odd = pairs.map(([name, value], i) => [
        i % 2 === 0 ? name.toLowerCase() : name.toUpperCase(),
        ` \t${value}\t `,
    ]);
    const padding = Array.from({ length: PADDING_LINES }, (_, i) => [`x-${i}`, i % 3 === 0 ? '' : 'p'.repeat(i)]);
    return [...padding, ...odd];
}

function hasBody(status) {
    return status >= 200 && status !== 204 && status !== 304;
}

function framing(body, status, on) {
    if (!hasBody(status)) return { pairs: [], bytes: Buffer.alloc(0) };
    if (on('until-close') || on('http-1.0')) return { pairs: [], bytes: body };
    if (on('chunked'))
        return {
            pairs: [
                ['Transfer-Encoding', 'chunked'],
                ['Trailer', 'X-Trailer, X-Checksum'],
            ],
            bytes: chunkedBody(body),
        };
    return { pairs: [['Content-Length', String(body.length)]], bytes: body };
}

/** @returns {{bytes: Buffer, closes: boolean}} the answer as the behaviours want it */
export function answer({ status, headers = {}, body = '' }, on) {
    const closes = on('close') || on('until-close') || on('http-1.0');
    const { pairs, bytes } = framing(Buffer.from(body), status, on);
    // A header of null is left out, and one that the answer has stands in place of ours.
    const usual = [['Date', new Date().toUTCString()], ...pairs].filter(([name]) => !(name in headers));
    let all = [...usual, ...Object.entries(headers)].filter(([, value]) => value !== null);
    if (on('close')) all.push(['Connection', 'close']);
    if (on('odd-headers')) all = oddHeaders(all);
    const version = on('http-1.0') ? '1.0' : '1.1';
    const reason = on('no-reason') ? '' : (STATUS_CODES[status] ?? '');
    const informational = on('informational')
        ? 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n'
        : '';
    const colon = on('odd-headers') ? ':' : ': ';
    const head = [`HTTP/${version} ${status} ${reason}`, ...all.map(([name, value]) => `${name}${colon}${value}`)].join(
        '\r\n',
    );
    return { bytes: Buffer.concat([Buffer.from(informational + head + HEAD_END, 'latin1'), bytes]), closes };
}

/** Writes everything, byte by byte where asked, and resolves when it is handed on. */
export async function send(socket, bytes, singly) {
    const step = singly ? 1 : bytes.length;
    for (let at = 0; at < bytes.length && !socket.destroyed; at += step) {
        await new Promise((resolve) => socket.write(bytes.subarray(at, at + step), resolve));
    }
}
