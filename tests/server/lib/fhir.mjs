// SPDX-License-Identifier: Apache-2.0
// The FHIR side: Medplum's router with authorization, headers and the parts of R4 that it leaves to its user.
import { STATUS_CODES } from 'node:http';
import { badRequest, created, getStatus, allOk } from '@medplum/core';
import { FhirRouter } from '@medplum/fhir-router';
import { runBundle } from './bundle.mjs';
import { capabilityStatement, smartConfiguration } from './capability.mjs';
import { outcome } from './outcome.mjs';
import { permissionOf } from './permission.mjs';
import { allows, parseScopes } from './scope.mjs';

const BASE_PATH = '/fhir';
const MAX_BODY = 4 * 1024 * 1024;
const ID = /^[A-Za-z0-9.-]{1,64}$/;
const JSON_TYPES = ['application/fhir+json', 'application/json'];
const BODY_TYPES = { POST: JSON_TYPES, PUT: JSON_TYPES, PATCH: ['application/json-patch+json'] };
const FORM_TYPE = 'application/x-www-form-urlencoded';

const mediaType = (text) => (text ?? '').split(';')[0].trim().toLowerCase();

function acceptsJson(accept) {
    if (accept === undefined) return true;
    const types = accept.split(',').map(mediaType);
    return types.some((type) => [...JSON_TYPES, 'json', '*/*', 'application/*'].includes(type));
}

function answerType(accept = '') {
    const types = accept.split(',').map(mediaType);
    const json = types.includes('application/json') && !types.includes('application/fhir+json');
    return `${json ? 'application/json' : 'application/fhir+json'}; charset=utf-8`;
}

export function preferenceOf(req) {
    return (
        /(?:^|[;,\s])return=(minimal|representation|OperationOutcome)/.exec(req.headers.prefer ?? '')?.[1] ??
        'representation'
    );
}

/** Answers 201 where Medplum answers 200 to an update that creates. */
function withUpdateCreate(router, settings) {
    const route = router.router.routes.find(({ method, path }) => method === 'PUT' && path.length === 2);
    const update = route.handler;
    route.handler = async (request, repository, ...rest) => {
        const { resourceType, id } = request.params;
        const isNew = !repository.current(resourceType, id);
        if (!ID.test(id)) return [badRequest(`"${id}" is not an id`)];
        if (isNew && !settings.updateCreate && !request.headers?.['if-match']) {
            return [outcome('not-supported', 'This server does not create by update', 405)];
        }
        const [result, resource] = await update(request, repository, ...rest);
        return [isNew && result === allOk ? created : result, resource];
    };
    return router;
}

export class FhirServer {
    #authorization;
    #settings;
    #router;
    #queue = Promise.resolve();
    #started = new Date().toISOString();

    constructor({ authorization, settings, repository, precision }) {
        this.#authorization = authorization;
        this.#settings = settings;
        this.#router = withUpdateCreate(new FhirRouter(), settings);
        this.repository = repository;
        this.precision = precision;
    }

    /** One request of the FHIR base. */
    async handle(exchange) {
        const path = exchange.req.url.slice(BASE_PATH.length);
        if (exchange.req.method === 'GET' && path === '/.well-known/smart-configuration')
            return this.#discovery(exchange);
        if (exchange.req.method === 'GET' && path.split('?')[0] === '/metadata') return this.#metadata(exchange);
        const scopes = await this.#authorized(exchange);
        if (scopes === null) return undefined;
        const problem = this.#contentProblem(exchange);
        if (problem) return this.#reply(exchange, problem);
        return this.#exclusively(() => this.#interact(exchange, path.replace(/^\//, ''), scopes));
    }

    /** Requests are carried out one after the other: a conditional create and a transaction see no half-done work. */
    #exclusively(work) {
        const done = this.#queue.then(work);
        this.#queue = done.catch(() => {});
        return done;
    }

    #discovery({ res }) {
        const text = JSON.stringify(smartConfiguration(this.#authorization, this.#settings.smartConfiguration));
        res.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) }).end(text);
    }

    #metadata(exchange) {
        const { issuer, tokenUrl, fhirBase } = this.#authorization;
        this.#send(
            exchange,
            200,
            capabilityStatement({ issuer, tokenUrl, fhirBase, started: this.#started }, this.#settings),
        );
    }

    async #authorized(exchange) {
        const { req, record, fault } = exchange;
        const match = /^Bearer +([A-Za-z0-9\-._~+/]+=*)$/i.exec(req.headers.authorization ?? '');
        if (!match) return this.#refuse(exchange, 401, 'no bearer token', '');
        if (fault.refuseToken) return this.#refuse(exchange, 401, 'fault', 'invalid_token');
        try {
            const claims = await this.#authorization.verify(match[1]);
            return parseScopes(claims.scope ?? '');
        } catch (error) {
            record.reason = error.message;
            return this.#refuse(
                exchange,
                401,
                error.code === 'ERR_JWT_EXPIRED' ? 'expired' : error.message,
                'invalid_token',
            );
        }
    }

    #refuse(exchange, status, reason, error) {
        exchange.record.reason = reason;
        const challenge = `Bearer realm="fhir"${error ? `, error="${error}"` : ''}`;
        const code = { 403: 'forbidden', 401: reason === 'expired' ? 'expired' : 'login' }[status];
        this.#send(exchange, status, outcome(code, STATUS_CODES[status]), { 'WWW-Authenticate': challenge });
        return null;
    }

    #contentProblem({ req, body }) {
        if (!acceptsJson(req.headers.accept)) return outcome('not-supported', 'Only JSON can be had here', 406);
        if (body.length > MAX_BODY) return outcome('too-long', `The body is longer than ${MAX_BODY} bytes`, 413);
        const types = req.url.includes('/_search') ? [FORM_TYPE] : BODY_TYPES[req.method];
        if (types && !types.includes(mediaType(req.headers['content-type'])))
            return outcome('not-supported', 'Wrong Content-Type', 415);
        const coding = req.headers['content-encoding'];
        return coding && coding !== 'identity' ? outcome('not-supported', 'Wrong Content-Encoding', 415) : null;
    }

    async #interact(exchange, url, scopes) {
        const { req, record } = exchange;
        const content = this.#parsed(exchange);
        if (content.problem) return this.#reply(exchange, content.problem);
        this.repository.onStored = (reference) => record.stored.push(reference);
        if (url.split('?')[0] === '' && req.method === 'POST') return this.#bundle(exchange, content.value, scopes);
        const needed = permissionOf(req.method, url);
        if (!needed) return this.#reply(exchange, outcome('not-found', 'Unknown interaction', 404));
        if (!allows(scopes, needed.type, needed.letter) || !this.#mayLookUp(req, scopes, needed)) {
            return this.#refuse(exchange, 403, `needs ${needed.type}.${needed.letter}`, 'insufficient_scope');
        }
        return this.#single(exchange, url, content.value);
    }

    /** Some servers demand the right to search for a conditional create; a setting makes this one do so. */
    #mayLookUp(req, scopes, { type }) {
        const looksUp = this.#settings.conditionalCreateNeedsSearch && req.headers['if-none-exist'] !== undefined;
        return !looksUp || allows(scopes, type, 's');
    }

    #parsed({ req, body }) {
        if (mediaType(req.headers['content-type']) === FORM_TYPE) {
            return { value: Object.fromEntries(new URLSearchParams(body.toString('utf8'))) };
        }
        if (body.length === 0) return BODY_TYPES[req.method] ? { problem: badRequest('The body is empty') } : {};
        try {
            const value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body));
            return typeof value === 'object' && value !== null ? { value } : { problem: badRequest('Not a resource') };
        } catch (error) {
            return { problem: badRequest(`Not JSON: ${error.message}`) };
        }
    }

    /** The headers that make requests conditional, as far as settings and faults leave them in force. */
    #conditions(req, fault) {
        const ignored = fault.ignoreIfNoneExist || this.#settings.conditionalCreate === false;
        return {
            'if-match': req.headers['if-match'],
            'if-none-exist': ignored ? undefined : req.headers['if-none-exist'],
        };
    }

    #request(method, url, body, headers) {
        return { method, url, pathname: '', params: {}, query: {}, body, headers, config: { transactions: true } };
    }

    async #single(exchange, url, resource) {
        const { req, body, fault } = exchange;
        const parsed = structuredClone(resource);
        if (req.method === 'POST' && resource?.resourceType) delete resource.id;
        const headers = this.#conditions(req, fault);
        if (headers['if-none-exist'] !== undefined && this.#settings.conditionalCreate === 'refuse') {
            return this.#reply(exchange, badRequest('If-None-Exist is not supported here'));
        }
        const [result, stored] = await this.#router.handleRequest(
            this.#request(req.method, url, resource, headers),
            this.repository,
        );
        if (stored && ['POST', 'PUT'].includes(req.method) && exchange.record.stored.length > 0) {
            this.precision.note(body.toString('utf8'), parsed, [{ resource: stored, prefix: '' }]);
        }
        return this.#reply(exchange, result, stored);
    }

    async #bundle(exchange, bundle, scopes) {
        const { req, body, fault } = exchange;
        const parsed = structuredClone(bundle);
        const run = (content) => this.#router.handleRequest(this.#request('POST', '', content, {}), this.repository);
        const ignoreIfNoneExist = fault.ignoreIfNoneExist || this.#settings.conditionalCreate === false;
        const answer = await runBundle({ bundle, scopes, run, ignoreIfNoneExist, preference: preferenceOf(req) });
        if (answer.forbidden) return this.#refuse(exchange, 403, answer.forbidden, 'insufficient_scope');
        if (answer.stored) this.precision.note(body.toString('utf8'), parsed, answer.stored);
        return answer.problem ? this.#reply(exchange, answer.problem) : this.#send(exchange, 200, answer.bundle);
    }

    /** Answers with Medplum's outcome and resource, with R4's headers. */
    #reply(exchange, result, resource) {
        const { req, record } = exchange;
        const status = result.status ?? getStatus(result);
        if (status >= 400) record.reason = result.issue?.[0]?.details?.text ?? result.issue?.[0]?.code;
        if (!resource) return this.#send(exchange, status, result.shown ?? result);
        if (resource.resourceType === 'Bundle' && resource.meta === undefined)
            return this.#send(exchange, status, this.#linked(req, resource));
        return this.#sendResource(exchange, status, result, resource);
    }

    #sendResource(exchange, status, result, resource) {
        const { req } = exchange;
        const { versionId, lastUpdated } = resource.meta;
        const etag = `W/"${versionId}"`;
        const headers = { ETag: etag, 'Last-Modified': new Date(lastUpdated).toUTCString() };
        const writes = ['POST', 'PUT', 'PATCH'].includes(req.method);
        if (!writes && req.headers['if-none-match'] === etag) return this.#sendText(exchange, 304, '', headers);
        const url = `${this.#authorization.fhirBase}/${resource.resourceType}/${resource.id}`;
        if (writes) headers.Location = `${url}/_history/${versionId}`;
        const preference = writes ? preferenceOf(req) : 'representation';
        if (preference === 'minimal') return this.#sendText(exchange, status, '', headers);
        return this.#send(exchange, status, preference === 'representation' ? resource : result, headers);
    }

    /** A searchset with fullUrl, search mode and links. */
    #linked(req, bundle) {
        const base = this.#authorization.fhirBase;
        const self = new URL(base.slice(0, -BASE_PATH.length) + req.url);
        const count = bundle.entry?.length ?? 0;
        const next = new URL(self);
        const offset = Number(self.searchParams.get('_offset') ?? 0) + count;
        next.searchParams.set('_offset', String(offset));
        const more = count > 0 && bundle.total > offset;
        const entry = bundle.entry?.map((each) => ({
            fullUrl: `${base}/${each.resource.resourceType}/${each.resource.id}`,
            ...each,
            ...(bundle.type === 'searchset' ? { search: { mode: 'match' } } : {}),
        }));
        const link = [{ relation: 'self', url: self.href }, ...(more ? [{ relation: 'next', url: next.href }] : [])];
        const { resourceType, type, total } = bundle;
        return { resourceType, type, total, link, ...(entry ? { entry } : {}) };
    }

    #send(exchange, status, resource, headers = {}) {
        const text = this.precision.stringify(resource);
        return this.#sendText(exchange, status, text, {
            'Content-Type': answerType(exchange.req.headers.accept),
            ...headers,
        });
    }

    #sendText({ req, res }, status, text, headers) {
        const id = req.headers['x-request-id'];
        const all = { ...headers, ...(id ? { 'X-Request-Id': id } : {}) };
        if (status !== 304) all['Content-Length'] = Buffer.byteLength(text);
        res.writeHead(status, all).end(text);
    }
}
