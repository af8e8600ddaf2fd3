// SPDX-License-Identifier: Apache-2.0
// What servers and what stands before them do wrong: each is met in the wild. A path prefix chooses, as for behaviours.
import { gzipSync } from 'node:zlib';

const JSON_TYPE = { 'Content-Type': 'application/json' };
const FHIR_TYPE = { 'Content-Type': 'application/fhir+json;charset=UTF-8' };
const BOM = '\ufeff';
const SLOW_CLOCK_S = 120;

const json = (status, value, headers = {}) => ({
    status,
    headers: { ...JSON_TYPE, ...headers },
    body: JSON.stringify(value),
});
const outcome = (status, code, diagnostics, severity = 'error') => ({
    status,
    headers: { ...FHIR_TYPE },
    body: JSON.stringify({ resourceType: 'OperationOutcome', issue: [{ severity, code, diagnostics }] }),
});
const gzipped = (answer) => ({
    ...answer,
    headers: { ...answer.headers, 'Content-Encoding': 'gzip' },
    body: answer.body ? gzipSync(answer.body) : '',
});
const withHeaders = (answer, headers) => ({ ...answer, headers: { ...answer.headers, ...headers } });
const httpDate = (seconds) => new Date(Date.now() + seconds * 1000).toUTCString();
const bearer = ({ head }) => /^Bearer (.+)$/.exec(head.headers.authorization ?? '')?.[1] ?? '';
const form = ({ body }) => new URLSearchParams(body.toString('latin1'));
const claimsOf = (request) => {
    const [, claims] = (form(request).get('client_assertion') ?? '').split('.');
    return JSON.parse(Buffer.from(claims ?? 'e30', 'base64url').toString('utf8'));
};

/** A write's own answer, with everything stored as usual. */
const stored = (change) => (request) => (request.isWrite ? change(request.usual()) : request.usual());
/** A write's answer, with nothing stored. */
const unstored = (answer) => (request) => (request.isWrite ? answer(request) : request.usual());
const always = (answer) => (request) => answer(request);

/** The first write under this prefix since the last reset is answered so, later ones as usual. */
const once = (answer) => (request) => {
    const { seen } = request.service;
    if (!request.isWrite || seen.has(request.prefix)) return request.usual();
    seen.add(request.prefix);
    return answer(request);
};

/** The server's clock stands behind: an assertion of now is one of the future to it. */
function slowClock(refusal, { dated = true } = {}) {
    return (request) => {
        const date = { Date: dated ? httpDate(-SLOW_CLOCK_S) : null };
        const ahead = claimsOf(request).iat > Date.now() / 1000 - SLOW_CLOCK_S;
        return withHeaders(ahead ? refusal() : request.usual(), date);
    };
}
const slowDiscovery = (request) => withHeaders(request.usual(), { Date: httpDate(-SLOW_CLOCK_S) });

/** A body that has a coding is answered so, and not looked at. */
const coded = (answer) => (request) =>
    request.isWrite && request.head.headers['content-encoding'] ? answer(request) : request.usual();
/** A batch of more entries than that. */
const crowded = (most, answer) => (request) => {
    const body = request.head.headers['content-encoding'] ? '{}' : request.body.toString('utf8');
    const entries = request.isBatch ? (JSON.parse(body).entry ?? []).length : 0;
    return entries > most ? answer() : request.usual();
};

const statement = (fhirVersion, resourceType = 'CapabilityStatement', system = 'batch') => ({
    status: 200,
    headers: { ...FHIR_TYPE },
    body: JSON.stringify({
        resourceType,
        status: 'active',
        kind: 'instance',
        fhirVersion,
        rest: [
            {
                mode: 'server',
                interaction: [{ code: system }],
                resource: [
                    {
                        type: 'Observation',
                        interaction: [{ code: 'read' }, { code: 'create' }],
                        conditionalCreate: true,
                        updateCreate: false,
                    },
                ],
            },
        ],
    }),
});

/** Changes the entries of an answered batch. */
const batch = (change) => (request) => {
    const answer = request.usual();
    if (!request.isBatch || answer.status !== 200) return answer;
    const bundle = JSON.parse(answer.body);
    return { ...answer, body: JSON.stringify({ ...bundle, entry: change(bundle.entry) }) };
};
const entryStatus = (change) =>
    batch((entries) =>
        entries.map((entry) => ({ ...entry, response: { ...entry.response, status: change(entry.response.status) } })),
    );

/** name: [where it acts, what it is, what it answers] */
export const MISBEHAVIOURS = {
    // writes that are told as done and are not, or the other way round
    'login-200': [
        'fhir',
        'writes: 200 with JSON that is no resource; nothing is stored',
        unstored(() => json(200, { login: '/sign-in' })),
    ],
    'outcome-200': [
        'fhir',
        'writes: 200 with an OperationOutcome of an error; nothing is stored',
        unstored(() => outcome(200, 'processing', 'not kept')),
    ],
    'status-202': ['fhir', 'writes: 202 without a body; nothing is stored', unstored(() => ({ status: 202 }))],
    'status-203': ['fhir', 'writes: 203; nothing is stored', unstored(() => json(203, {}))],
    'status-206': ['fhir', 'writes: 206; nothing is stored', unstored(() => json(206, {}))],
    'status-207': ['fhir', 'writes: 207; nothing is stored', unstored(() => json(207, {}))],
    'stored-202': ['fhir', 'writes: stored, and 202', stored(() => ({ status: 202 }))],
    'text-201': [
        'fhir',
        'writes: stored, 201 with text/plain',
        stored((answer) => ({
            ...answer,
            headers: { ...answer.headers, 'Content-Type': 'text/plain' },
            body: answer.status === 201 ? 'OK' : answer.body,
        })),
    ],
    'other-location': [
        'fhir',
        'writes: 200 with the Location of another resource',
        unstored(() => ({ status: 200, headers: { Location: 'Patient/other' } })),
    ],
    'already-412': [
        'fhir',
        'writes: 412 with an OperationOutcome that tells why',
        unstored(() => outcome(412, 'conflict', 'the resource is there already')),
    ],
    'several-412': [
        'fhir',
        'writes: 412 with an OperationOutcome: multiple matches',
        unstored(() => outcome(412, 'multiple-matches', 'found multiple matches')),
    ],
    'status-304': ['fhir', 'writes: 304', unstored(() => ({ status: 304 }))],
    'redirect-307': [
        'fhir',
        'FHIR: 307 to elsewhere',
        always(() => ({ status: 307, headers: { Location: 'https://elsewhere.example/fhir' } })),
    ],
    'status-500': [
        'fhir',
        'FHIR: a plain 500 in text',
        always(() => ({
            status: 500,
            headers: { 'Content-Type': 'text/plain' },
            body: 'java.lang.NullPointerException',
        })),
    ],
    'not-found': [
        'fhir',
        'FHIR: 404 with an OperationOutcome',
        always(() => outcome(404, 'not-found', 'nothing here')),
    ],
    // content codings that nobody asked for
    'coded-success': ['fhir', 'writes: stored, the answer is gzipped', stored(gzipped)],
    'coded-empty': [
        'fhir',
        'writes: stored, 204 without body and Content-Encoding: gzip',
        stored(() => ({ status: 204, headers: { 'Content-Encoding': 'gzip' } })),
    ],
    'coded-refusal': [
        'fhir',
        'writes: 422, its OperationOutcome gzipped',
        unstored(() => gzipped(outcome(422, 'invalid', 'a gzipped reason'))),
    ],
    'coding-identity': [
        'fhir',
        'FHIR: Content-Encoding: identity',
        always((request) => withHeaders(request.usual(), { 'Content-Encoding': 'identity' })),
    ],
    // the shape of messages
    folded: [
        'any',
        'a header of two lines on every answer',
        always((request) =>
            withHeaders(request.usual(), {
                'Content-Security-Policy': "default-src 'none';\r\n frame-ancestors 'none'",
            }),
        ),
    ],
    'folded-length': [
        'token',
        'the token: Content-Length on two lines',
        always((request) => {
            const answer = request.usual();
            return withHeaders(answer, { 'Content-Length': `\r\n ${Buffer.byteLength(answer.body)}` });
        }),
    ],
    bom: [
        'any',
        'a byte order mark before every JSON text',
        always((request) => {
            const answer = request.usual();
            return answer.body ? { ...answer, body: BOM + answer.body } : answer;
        }),
    ],
    'no-date': ['any', 'no Date on any answer', always((request) => withHeaders(request.usual(), { Date: null }))],
    'retry-0': [
        'fhir',
        'the first write: 503 with Retry-After: 0',
        once(() => ({ status: 503, headers: { 'Retry-After': '0' } })),
    ],
    'retry-1': [
        'fhir',
        'the first write: 429 with Retry-After: 1',
        once(() => ({ status: 429, headers: { 'Retry-After': '1' } })),
    ],
    'retry-date': [
        'fhir',
        'the first write: 503 with Retry-After as a date',
        once(() => ({ status: 503, headers: { 'Retry-After': httpDate(1) } })),
    ],
    'retry-past': [
        'fhir',
        'the first write: 503 with Retry-After as a date of last year',
        once(() => ({ status: 503, headers: { 'Retry-After': httpDate(-3e7) } })),
    ],
    'retry-words': [
        'fhir',
        'the first write: 503 with Retry-After: soon',
        once(() => ({ status: 503, headers: { 'Retry-After': 'soon' } })),
    ],
    // the token endpoint
    'error-200': [
        'token',
        'an OAuth error with status 200',
        always(() => json(200, { error: 'invalid_client', error_description: 'no such client' })),
    ],
    'null-members': [
        'token',
        'members that are null',
        always((request) => {
            const answer = request.usual();
            return {
                ...answer,
                body: answer.body
                    .replace(/\}$/, ',"refresh_token":null,"id_token":null}')
                    .replace(/"scope":"[^"]*"/, '"scope":null'),
            };
        }),
    ],
    'token-404': ['token', '404', always(() => ({ status: 404 }))],
    'token-405': ['token', '405', always(() => ({ status: 405 }))],
    'token-401': ['token', '401 without an OAuth code', always(() => ({ status: 401 }))],
    'token-500': ['token', 'a plain 500', always(() => ({ status: 500 }))],
    'wants-audience': [
        'token',
        'refuses any aud but https://issuer.example/',
        always((request) =>
            claimsOf(request).aud === 'https://issuer.example/'
                ? request.service.issue(request)
                : json(400, { error: 'invalid_client', error_description: 'Invalid token audience' }),
        ),
    ],
    'wants-client-id': [
        'token',
        'refuses a form without client_id',
        always((request) =>
            form(request).has('client_id') ? request.usual() : json(401, { error: 'invalid_client' }),
        ),
    ],
    'wants-jti': [
        'token',
        'refuses an assertion without jti, and says so',
        always((request) =>
            claimsOf(request).jti
                ? request.usual()
                : json(400, { error: 'invalid_client', error_description: "The 'jti' claim is missing" }),
        ),
    ],
    'slow-clock': [
        'token',
        'a clock two minutes behind; 400 invalid_client',
        slowClock(() => json(400, { error: 'invalid_client' })),
    ],
    'slow-clock-other': [
        'token',
        'the same, told as 400 unauthorized_client',
        slowClock(() => json(400, { error: 'unauthorized_client' })),
    ],
    'slow-clock-500': ['token', 'the same, told as 500', slowClock(() => ({ status: 500 }))],
    'slow-clock-403': ['token', 'the same, told as an empty 403', slowClock(() => ({ status: 403 }))],
    'slow-clock-silent': [
        'token',
        'the same without Date; that of slow-discovery tells',
        slowClock(() => json(400, { error: 'invalid_client' }), { dated: false }),
    ],
    'slow-clock-stubborn': [
        'token',
        'a clock two minutes behind; 400 unauthorized_client whatever comes',
        always(() => json(400, { error: 'unauthorized_client' }, { Date: httpDate(-SLOW_CLOCK_S) })),
    ],
    'slow-discovery': ['discovery', "discovery's Date is two minutes behind", always(slowDiscovery)],
    // words
    'problem-403': [
        'fhir',
        '403 with application/problem+json',
        unstored(() => ({
            status: 403,
            headers: { 'Content-Type': 'application/problem+json' },
            body: JSON.stringify({ type: 'about:blank', title: 'Denied', status: 403, detail: 'not on this route' }),
        })),
    ],
    'message-401': [
        'fhir',
        '401 with {"message"}',
        always(() => json(401, { statusCode: 401, message: 'missing subscription key' })),
    ],
    'validation-400': [
        'fhir',
        '400 with {"validationErrors"}',
        unstored(() => json(400, { validationErrors: { subject: 'is required' }, internalErrors: [] })),
    ],
    'challenge-401': [
        'fhir',
        '401 with words in WWW-Authenticate',
        always(() => ({
            status: 401,
            headers: {
                'WWW-Authenticate': 'Bearer error="invalid_token", error_description="issuer not trusted here"',
            },
        })),
    ],
    'page-403': [
        'fhir',
        '403 with a page',
        always(() => ({
            status: 403,
            headers: { 'Content-Type': 'text/html' },
            body: '<!DOCTYPE html><html><body>Forbidden by the firewall</body></html>',
        })),
    ],
    'long-words': [
        'fhir',
        '422 with 3 kB of words',
        unstored(() => outcome(422, 'invalid', `begin ${'word '.repeat(600)}end`)),
    ],
    'echo-token': [
        'fhir',
        '422 that repeats the token',
        unstored((request) => outcome(422, 'invalid', `token ${bearer(request)} is bad`)),
    ],
    'echo-token-part': [
        'fhir',
        '422 that repeats the token but for its last character',
        unstored((request) => outcome(422, 'invalid', `token ${bearer(request).slice(0, -1)} is bad`)),
    ],
    'echo-token-spaced': [
        'fhir',
        '422 that repeats the token with blanks between',
        always((request) => outcome(422, 'invalid', `token ${[...bearer(request)].join(' ')} is bad`)),
    ],
    'echo-token-header': [
        'fhir',
        '401 that repeats the token in WWW-Authenticate',
        always((request) => ({
            status: 401,
            headers: { 'WWW-Authenticate': `Bearer error_description="${bearer(request)}"` },
        })),
    ],
    'echo-assertion': [
        'token',
        '400 that repeats the assertion',
        always((request) =>
            json(400, { error: 'invalid_client', error_description: form(request).get('client_assertion') }),
        ),
    ],
    'echo-signature': [
        'token',
        '400 that repeats the signature',
        always((request) =>
            json(400, {
                error: 'invalid_client',
                error_description: `bad ${form(request).get('client_assertion').split('.')[2]}`,
            }),
        ),
    ],
    escapes: [
        'fhir',
        '422 with controls and what turns the order of reading',
        unstored(() => outcome(422, 'invalid', '\x1b[2J\x1b]52;c;aGk=\x07 \u009b31m \u202eevil\u2066\n\nsbs: ok')),
    ],
    'escapes-header': [
        'fhir',
        '404 with controls in its fields',
        always(() => ({ status: 404, headers: { Server: '\u009b31mred \u00e2\u0080\u00ae', 'X-Other': '\u009b31m' } })),
    ],
    // what is stated
    stu3: ['metadata', 'a CapabilityStatement of FHIR 3.0.2', always(() => statement('3.0.2'))],
    dstu2: ['metadata', 'a Conformance of FHIR 1.0.2', always(() => statement('1.0.2', 'Conformance'))],
    r5: ['metadata', 'a CapabilityStatement of FHIR 5.0.0', always(() => statement('5.0.0'))],
    'metadata-403': ['metadata', '403', always(() => ({ status: 403 }))],
    'metadata-batch': ['metadata', 'states batch', always(() => statement('4.0.1'))],
    'metadata-transaction': [
        'metadata',
        'states transaction, and not batch',
        always(() => statement('4.0.1', 'CapabilityStatement', 'transaction')),
    ],
    // bodies in a coding
    'gzip-400': ['fhir', 'a coded body: 400 in text', coded(() => ({ status: 400, body: 'Unexpected token' }))],
    'gzip-415': ['fhir', 'a coded body: 415', coded(() => ({ status: 415 }))],
    'gzip-500': ['fhir', 'a coded body: 500 in text', coded(() => ({ status: 500, body: 'SyntaxError' }))],
    'gzip-page': ['fhir', 'a coded body: 200 with JSON that is no resource', coded(() => json(200, { page: 1 }))],
    'gzip-no-more': [
        'fhir',
        'coded bodies are taken three times, then 400',
        coded((request) => {
            const { seen } = request.service;
            const count = [...seen].filter((each) => `${each}`.startsWith('coded ')).length;
            seen.add(`coded ${count}`);
            return count < 3 ? request.usual() : { status: 400 };
        }),
    ],
    // batches
    'batch-404': ['fhir', 'a batch: 404', crowded(0, () => outcome(404, 'not-found', 'nothing here'))],
    'batch-500': ['fhir', 'a batch: 500 in text', crowded(0, () => ({ status: 500, body: 'batches are not supported' }))],
    'batch-25': [
        'fhir',
        'a batch of more than 25 entries: 400',
        crowded(25, () => outcome(400, 'invalid', 'exceeded the configured limit of 25')),
    ],
    'batch-40': ['fhir', 'a batch of more than 40 entries: 413', crowded(40, () => ({ status: 413 }))],
    'batch-left-out': ['fhir', "a batch's answer lacks its last entry", batch((entries) => entries.slice(0, -1))],
    'batch-reordered': [
        'fhir',
        "a batch's answer has its entries in reverse",
        batch((entries) => [...entries].reverse()),
    ],
    'batch-words': ['fhir', "a batch's entries have words as status", entryStatus(() => 'Created')],
    'batch-padded': [
        'fhir',
        "a batch's entries have their status with blanks before",
        entryStatus((status) => `  ${status}`),
    ],
    'batch-numbers': [
        'fhir',
        "a batch's entries have numbers as status",
        entryStatus((status) => Number.parseInt(status, 10)),
    ],
};

const PLACES = [
    [/^\/fhir\/\.well-known\/smart-configuration$/, 'discovery'],
    [/^\/fhir\/metadata$/, 'metadata'],
    [/^\/token(\/|$)/, 'token'],
    [/^\/fhir(\/|$)/, 'fhir'],
];

/** @returns the answer of `usual`, or what the misbehaviours that are on make of it */
export function misbehave(request, service, usual) {
    const path = request.rest.split('?')[0];
    const secret = bearer(request) || form(request).get('client_assertion');
    if (secret) service.sent.push(secret);
    const place = PLACES.find(([pattern]) => pattern.test(path))?.[1];
    const write = place === 'fhir' && ['POST', 'PUT'].includes(request.head.method);
    const base = { ...request, service, isWrite: write, isBatch: write && /^\/fhir\/?$/.test(path) };
    const active = Object.entries(MISBEHAVIOURS).filter(
        ([name, [where]]) => request.on(name) && (where === 'any' || where === place),
    );
    return active.reduce(
        (inner, [, [, , act]]) =>
            () =>
                act({ ...base, usual: inner }),
        usual,
    )();
}
