// SPDX-License-Identifier: Apache-2.0
// What the hostile server does: a token endpoint that needs node's crypto alone, and a small FHIR base.
import { STATUS_CODES } from 'node:http';
import { createPublicKey, randomBytes, randomUUID, verify } from 'node:crypto';
import { gunzipSync } from 'node:zlib';

import { misbehave } from './misbehaviours.mjs';

const ALGORITHMS = { RS384: { kty: 'RSA' }, ES384: { kty: 'EC', dsaEncoding: 'ieee-p1363' } };
const LONG_TOKEN_BYTES = 8192;
const LONG_URL_BYTES = 1200;
const LARGE_TEXT_BYTES = 100 * 1024;
const LIFETIME_S = 300;
const HTML = '<!DOCTYPE html><html><body>Please sign in</body></html>';
const FHIR_TYPE = { 'Content-Type': 'application/fhir+json;charset=UTF-8' };

const json = (status, value, headers = {}) => ({
    status,
    headers: { 'Content-Type': 'application/json;charset=UTF-8', ...headers },
    body: JSON.stringify(value),
});
const html = () => ({ status: 200, headers: { 'Content-Type': 'text/html' }, body: HTML });

function decoded(part) {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
}

function parsedOrNull(body) {
    try {
        return JSON.parse(body.toString('utf8'));
    } catch {
        return null;
    }
}

function signatureHolds(jwk, header, signed, signature) {
    const { kty, dsaEncoding } = ALGORITHMS[header.alg];
    if (jwk.kty !== kty) return false;
    return verify(
        'sha384',
        Buffer.from(signed),
        { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding },
        signature,
    );
}

export class HostileService {
    #clients;
    #origin;
    #tokens = new Map();
    #usedIds = new Set();
    resources = new Map();
    /** What misbehaviours that happen once have seen. */
    seen = new Set();
    /** Tokens and assertions that came, as they came. */
    sent = [];

    constructor(clients, origin) {
        this.#clients = clients;
        this.#origin = origin;
    }

    /** @returns an answer for a request whose target, without the behaviours' prefix, is `rest` */
    answer(request) {
        return misbehave(request, this, () => this.#usual(request));
    }

    #usual({ head, body, record, prefix, rest, on }) {
        const path = rest.split('?')[0];
        if (path === '/fhir/.well-known/smart-configuration') return this.#discovery(prefix, on);
        if (path.startsWith('/token')) return this.#token({ head, body, record, prefix, rest, on });
        if (path === '/fhir/metadata') return this.#metadata();
        return path.startsWith('/fhir') ? this.#fhir({ head, body, record, prefix, path, on }) : { status: 404 };
    }

    #tokenPath(on) {
        return on('long-url') ? `/token/${'u'.repeat(LONG_URL_BYTES)}` : '/token';
    }

    #discovery(prefix, on) {
        if (on('html-discovery')) return html();
        const token_endpoint = on('relative-token')
            ? `..${this.#tokenPath(on)}`
            : `${this.#origin}${prefix}${this.#tokenPath(on)}`;
        if (on('minimal-discovery')) return json(200, { token_endpoint });
        const capabilities = ['client-confidential-asymmetric', 'permission-v2'];
        return json(200, {
            capabilities,
            token_endpoint,
            grant_types_supported: ['client_credentials'],
            odd: [null, { deep: [[]] }],
        });
    }

    #metadata() {
        const type = (name) => ({
            type: name,
            interaction: [{ code: 'create' }],
            conditionalCreate: true,
            updateCreate: false,
        });
        const rest = [{ mode: 'server', resource: [type('Observation')] }];
        const body = JSON.stringify({
            resourceType: 'CapabilityStatement',
            status: 'active',
            kind: 'instance',
            fhirVersion: '4.0.1',
            rest,
        });
        return { status: 200, headers: FHIR_TYPE, body };
    }

    #token(request) {
        const { on, record } = request;
        if (request.head.method !== 'POST') return { status: 405 };
        if (on('html-token')) return html();
        if (on('text-error')) return { status: 403, headers: { 'Content-Type': 'text/plain' }, body: 'not you' };
        const form = new URLSearchParams(request.body.toString('latin1'));
        record.reason = on('null-description') ? 'behaviour' : this.#assertionProblem(form, request);
        if (record.reason) return json(400, { error: 'invalid_client', error_description: null });
        return this.#issue(form.get('scope'), on);
    }

    /** A token for whoever asks. */
    issue({ body, on }) {
        return this.#issue(new URLSearchParams(body.toString('latin1')).get('scope'), on);
    }

    #assertionProblem(form, { prefix, rest }) {
        try {
            const parts = (form.get('client_assertion') ?? '').split('.');
            const header = decoded(parts[0]);
            const claims = decoded(parts[1]);
            return (
                this.#headerProblem(header) ??
                this.#claimsProblem(claims, `${this.#origin}${prefix}${rest}`) ??
                this.#signatureProblem(header, claims, parts)
            );
        } catch (error) {
            return `not an assertion: ${error.message}`;
        }
    }

    #headerProblem(header) {
        if (!ALGORITHMS[header.alg]) return 'alg';
        return header.typ === 'JWT' && typeof header.kid === 'string' ? null : 'typ or kid';
    }

    #claimsProblem(claims, tokenUrl) {
        const now = Date.now() / 1000;
        if (claims.aud !== tokenUrl) return 'aud';
        if (claims.iss !== claims.sub || !this.#clients.find(claims.iss)) return 'iss or sub';
        if (!Number.isInteger(claims.exp) || claims.exp <= now || claims.exp > now + LIFETIME_S) return 'exp';
        if (typeof claims.jti !== 'string' || this.#usedIds.has(claims.jti)) return 'jti';
        return null;
    }

    #signatureProblem(header, claims, [first, second, signature]) {
        const jwk = this.#clients.find(claims.iss).keys.find(({ kid }) => kid === header.kid);
        if (!jwk) return 'kid';
        if (!signatureHolds(jwk, header, `${first}.${second}`, Buffer.from(signature, 'base64url'))) return 'signature';
        this.#usedIds.add(claims.jti);
        return null;
    }

    #issue(scope, on) {
        const bytes = on('long-token') ? (LONG_TOKEN_BYTES * 3) / 4 : 24;
        const access_token = randomBytes(bytes).toString('base64url');
        this.#tokens.set(access_token, Date.now() + LIFETIME_S * 1000);
        const members = {
            scope: on('version-1-scope') ? 'system/Observation.write system/Observation.read' : scope,
            expires_in: on('text-expires') ? '300' : LIFETIME_S,
            token_type: on('lower-bearer') ? 'bearer' : 'Bearer',
            access_token,
        };
        if (on('no-scope')) delete members.scope;
        if (on('no-expires')) delete members.expires_in;
        const answer = json(on('status-201') ? 201 : 200, members);
        if (on('decimal-expires')) answer.body = answer.body.replace(':300', ':300.0');
        if (on('odd-json')) answer.body = this.#oddJson(answer.body);
        return answer;
    }

    #oddJson(text) {
        const inner = text
            .slice(1, -1)
            .replace('"access_token"', '"access\\u005ftoken"')
            .replace('"scope"', '"\\u0073cope"');
        const unknown = '"refresh_token" : null , "nested" : { "access_token" : [ "no" , { "expires_in" : -1e2 } ] }';
        return `\r\n\t{ ${unknown} ,\n ${inner} , "" : "\\ud83d\\ude00" } \n`;
    }

    #authorized(head) {
        const token = /^Bearer (.+)$/.exec(head.headers.authorization ?? '')?.[1];
        return (this.#tokens.get(token) ?? 0) > Date.now();
    }

    /** The body without its coding, where that is taken. */
    #plain({ head, body, on }) {
        const coded = head.headers['content-encoding'] === 'gzip' && on('takes-gzip');
        return coded ? gunzipSync(body) : body;
    }

    #fhir(given) {
        const { head, on } = given;
        const request = { ...given, body: this.#plain(given) };
        if (on('empty-401')) return { status: 401 };
        if (on('empty-403')) return { status: 403 };
        if (on('html-fhir')) return html();
        if (!this.#authorized(head)) return { status: 401, headers: { 'Content-Type': 'text/plain' }, body: 'token?' };
        if (head.method === 'POST' && /^\/fhir\/?$/.test(request.path)) return this.#batch(request);
        if (head.method === 'POST') return this.#create(request);
        if (head.method === 'GET') return this.#read(request.path);
        return { status: 405 };
    }

    #create({ head, body, record, on, path, prefix }) {
        if (on('duplicate-412')) return { status: 412 };
        const resource = parsedOrNull(body);
        if (resource === null) return { status: 400 };
        const condition = head.headers['if-none-exist'];
        const known = condition && [...this.resources.values()].find((each) => each.condition === condition);
        if (known) return { status: 200 };
        const id = randomUUID();
        const type = path.split('/')[2];
        this.resources.set(`${type}/${id}`, { condition, text: body.toString('utf8') });
        record.stored.push(`${type}/${id}`);
        if (on('no-location')) return { status: 201 };
        const location = on('relative-location')
            ? `${type}/${id}`
            : `${this.#origin}${prefix}/fhir/${type}/${id}/_history/1`;
        return { status: 201, headers: { ...FHIR_TYPE, Location: location }, body: this.#echo(resource, on) };
    }

    /** Each entry of a batch as the request that it stands for. */
    #batch({ body, record, on, prefix }) {
        const bundle = parsedOrNull(body);
        if (bundle?.resourceType !== 'Bundle') return { status: 400 };
        const entry = (bundle.entry ?? []).map(({ request, resource }) => {
            const { status, headers } = this.#create({
                head: { headers: { 'if-none-exist': request.ifNoneExist } },
                body: Buffer.from(JSON.stringify(resource)),
                record,
                on,
                path: `/fhir/${request.url}`,
                prefix,
            });
            return { response: { status: `${status} ${STATUS_CODES[status]}`, location: headers?.Location } };
        });
        return json(200, { resourceType: 'Bundle', type: 'batch-response', entry }, FHIR_TYPE);
    }

    #echo(resource, on) {
        if (on('echo-large'))
            resource.text = { status: 'generated', div: `<div>${'t'.repeat(LARGE_TEXT_BYTES)}</div>` };
        return JSON.stringify(resource);
    }

    #read(path) {
        const [, , type, id] = path.split('/');
        if (id) {
            const found = this.resources.get(`${type}/${id}`);
            return found ? { status: 200, headers: FHIR_TYPE, body: found.text } : { status: 404 };
        }
        const entry = [...this.resources.values()].map(({ text }) => ({ resource: JSON.parse(text) }));
        return {
            status: 200,
            headers: FHIR_TYPE,
            body: JSON.stringify({ resourceType: 'Bundle', type: 'searchset', total: entry.length, entry }),
        };
    }
}
