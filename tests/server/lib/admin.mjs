// SPDX-License-Identifier: Apache-2.0
// The admin endpoint: plain http on loopback, JSON in and out. README.md is its description.
import http from 'node:http';
import { BadRequest } from './faults.mjs';
import { observationRows, table } from './observations.mjs';

const MAX_BODY = 1024 * 1024;

async function readJson(req) {
    let text = '';
    for await (const part of req.setEncoding('utf8')) {
        text += part;
        if (text.length > MAX_BODY) throw new BadRequest('the body is too long');
    }
    if (text === '') return {};
    try {
        return JSON.parse(text);
    } catch (error) {
        throw new BadRequest(`not JSON: ${error.message}`);
    }
}

function filtersOf(query) {
    return { where: query.get('where'), method: query.get('method'), after: Number(query.get('after') ?? 0) };
}

/** What each request of the admin endpoint does with the server's parts. */
function routes(server) {
    const { faults, requests, connections, clients, repository } = server;
    return {
        'GET /info': () => server.info(),
        'GET /clients': () => clients.list(),
        'POST /clients': ({ content }) => {
            clients.register(content);
            return { clientId: content.clientId };
        },
        'GET /settings': () => server.settings,
        'POST /settings': ({ content }) => server.changeSettings(content),
        'POST /tls': ({ content }) => server.changeTls(content),
        'GET /faults': () => faults.list(),
        'POST /faults': ({ content }) => ({ ids: faults.arm([content].flat()) }),
        'DELETE /faults': () => {
            faults.clear();
            return {};
        },
        'POST /reset': () => {
            server.reset();
            return {};
        },
        'GET /requests': ({ query }) => requests.select(filtersOf(query)),
        'GET /connections': () => connections.list(),
        'GET /observations': ({ query }) => {
            const rows = observationRows(repository, server.precision);
            return query.get('format') === 'text' ? table(rows) : rows;
        },
        'GET /stats': () => server.stats(),
        'POST /revoke': () => {
            server.authorization.revokeAll();
            return {};
        },
        'POST /stop': () => {
            setImmediate(() => server.stop());
            return {};
        },
    };
}

/** Requests whose path has a part that varies. */
function variable(server, method, path) {
    const body = /^\/requests\/(\d+)\/body$/.exec(path);
    if (method === 'GET' && body) return server.requests.body(Number(body[1])) ?? null;
    const type = /^\/resources\/([A-Za-z]+)$/.exec(path);
    if (method === 'GET' && type) return server.precision.stringify(server.repository.all(type[1]));
    const client = /^\/clients\/(.+)$/.exec(path);
    if (method === 'DELETE' && client) return server.clients.remove(decodeURIComponent(client[1])) ? {} : null;
    return null;
}

function send(res, status, value) {
    if (Buffer.isBuffer(value)) return res.writeHead(status, { 'Content-Type': 'application/octet-stream' }).end(value);
    if (typeof value === 'string')
        return res.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' }).end(value);
    return res.writeHead(status, { 'Content-Type': 'application/json' }).end(`${JSON.stringify(value)}\n`);
}

async function answer(server, known, req, res) {
    const { pathname, searchParams } = new URL(req.url, 'http://admin');
    const route = known[`${req.method} ${pathname}`];
    const content = req.method === 'POST' ? await readJson(req) : {};
    const value = route ? await route({ content, query: searchParams }) : variable(server, req.method, pathname);
    if (value === null) return send(res, 404, { error: `nothing at ${req.method} ${pathname}` });
    return send(res, 200, value);
}

export function adminServer(server) {
    const known = routes(server);
    return http.createServer((req, res) => {
        answer(server, known, req, res).catch((error) => {
            const status = error instanceof BadRequest ? 400 : 500;
            send(res, status, { error: error.message });
        });
    });
}
