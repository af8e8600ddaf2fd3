// SPDX-License-Identifier: Apache-2.0
// The cheapest server that the outage benchmark can be run against: TLS, discovery, tokens that nobody checks, and
// Observations of which it keeps the identifiers only. So what is measured is the client, not the server.
import { createServer } from 'node:https';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CertificateAuthority } from '../server/lib/ca.mjs';

const folder = mkdtempSync(join(tmpdir(), 'outage-'));
process.on('exit', () => rmSync(folder, { recursive: true }));
const { key, cert, caFile } = new CertificateAuthority(folder).credentials('p256', 'good');
const counts = new Map();
let origin = '';

function store(resource) {
    const { system, value } = resource.identifier[0];
    const name = `${system}|${value}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
    return `Observation/${counts.size}/_history/1`;
}

/** As a search of the identifier alone says it. */
const isThere = (search) => counts.has(decodeURIComponent(search.slice('identifier='.length)));

function respond({ resource, request }) {
    if (request.ifNoneExist && isThere(request.ifNoneExist)) return { response: { status: '200 OK' } };
    return { response: { status: '201 Created', location: store(resource) } };
}

function send(res, status, body, fields = {}) {
    const text = JSON.stringify(body);
    const type = 'application/fhir+json';
    res.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(text), ...fields }).end(text);
}

const smart = () => ({ token_endpoint: `${origin}/token`, capabilities: ['client-confidential-asymmetric'] });
const token = { access_token: 'a-token', token_type: 'bearer', expires_in: 300, scope: 'system/Observation.cruds' };

function capability() {
    const resource = [{ type: 'Observation', updateCreate: true, conditionalCreate: true }];
    const rest = [{ mode: 'server', resource, interaction: [{ code: 'batch' }] }];
    return { resourceType: 'CapabilityStatement', fhirVersion: '4.0.1', rest };
}

function stats() {
    const all = [...counts.values()];
    const most = Math.max(0, ...new Set(all));
    return { resources: { Observation: all.reduce((sum, n) => sum + n, 0) }, distinct: counts.size, most };
}

const gets = {
    '/fhir/.well-known/smart-configuration': smart,
    '/fhir/metadata': capability,
    '/stats': stats,
};

function post(req, res, text) {
    if (req.url === '/token') return send(res, 200, token);
    if (req.url === '/reset') return send(res, 200, counts.clear() ?? {});
    const resource = JSON.parse(text);
    if (resource.resourceType === 'Bundle')
        return send(res, 200, { resourceType: 'Bundle', type: 'batch-response', entry: resource.entry.map(respond) });
    const search = req.headers['if-none-exist'];
    if (search && isThere(search)) return send(res, 200, resource);
    return send(res, 201, resource, { Location: `${origin}/fhir/${store(resource)}` });
}

const server = createServer({ key, cert, keepAliveTimeout: 60_000 }, (req, res) => {
    const chunks = [];
    req.on('data', (chunk) => chunks.push(chunk));
    req.on('end', () => {
        if (req.method === 'GET') send(res, gets[req.url] ? 200 : 404, gets[req.url]?.() ?? {});
        else post(req, res, Buffer.concat(chunks).toString('utf8'));
    });
});
server.maxRequestsPerSocket = 0;
server.listen(0, 'localhost', () => {
    origin = `https://localhost:${server.address().port}`;
    const info = { fhirBase: `${origin}/fhir`, tokenUrl: `${origin}/token`, caFile };
    process.stdout.write(`${JSON.stringify(info)}\n`);
});
process.stdin.resume().on('end', () => process.exit(0)); // it ends with its parent
