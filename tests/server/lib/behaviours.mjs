// SPDX-License-Identifier: Apache-2.0
// What the hostile server can do that is legal, or at least met in the wild. A path prefix chooses: /with/A+B/fhir.

import { MISBEHAVIOURS } from './misbehaviours.mjs';

export const BEHAVIOURS = {
    // the shape of HTTP messages
    chunked: 'chunked bodies in small chunks, with extensions and trailers',
    close: 'Connection: close on every answer',
    'until-close': 'HTTP/1.1 bodies without length that end with the connection',
    'http-1.0': 'answers in HTTP/1.0, ended by the connection',
    informational: '100 and 103 before each answer',
    'no-reason': 'status lines without a reason phrase',
    'odd-headers': 'names in odd case, blanks around values, empty values, forty lines more',
    bytes: 'each byte in a TLS record of its own',
    // discovery
    'relative-token': 'token_endpoint relative to the FHIR base',
    'minimal-discovery': 'nothing but token_endpoint',
    'html-discovery': 'discovery answers 200 with HTML',
    'long-url': 'a token URL of 1.2 kB',
    // the token's answer
    'lower-bearer': 'token_type "bearer"',
    'no-expires': 'no expires_in',
    'text-expires': 'expires_in "300"',
    'decimal-expires': 'expires_in 300.0',
    'no-scope': 'no scope',
    'version-1-scope': 'scope in SMART v1 form',
    'long-token': 'an access token of 8 KB',
    'odd-json': 'members unknown, nested, in odd order, names written with escapes, white space',
    'status-201': 'the token comes with 201',
    'html-token': '200 with HTML instead of a token',
    'null-description': '400 invalid_client with error_description null, for everybody',
    'text-error': '403 in plain text instead of a token',
    // FHIR
    'html-fhir': 'FHIR answers 200 with HTML',
    'empty-401': 'FHIR answers 401 without a body and without WWW-Authenticate',
    'empty-403': 'FHIR answers 403 without a body',
    'takes-gzip': 'bodies by gzip are taken',
    'duplicate-412': 'creates are answered with 412',
    'no-location': 'creates are answered 201 without Location and body',
    'relative-location': 'Location is relative and has no _history',
    'echo-large': 'a created resource is echoed with 100 KB of text',
    // what is wrong
    ...Object.fromEntries(Object.entries(MISBEHAVIOURS).map(([name, [where, text]]) => [name, `${where}: ${text}`])),
};

export class UnknownBehaviour extends Error {}

/** @returns {{prefix: string, rest: string, on: (name: string) => boolean}} of a request's target */
export function behavioursOf(target) {
    const match = /^(\/with\/([a-z0-9.+-]+))(\/.*)$/.exec(target);
    if (!match) return { prefix: '', rest: target, on: () => false };
    const names = new Set(match[2].split('+'));
    const unknown = [...names].find((name) => !Object.hasOwn(BEHAVIOURS, name));
    if (unknown) throw new UnknownBehaviour(unknown);
    return { prefix: match[1], rest: match[3], on: (name) => names.has(name) };
}
