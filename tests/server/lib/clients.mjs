// SPDX-License-Identifier: Apache-2.0
// Registered clients: a client id, a JWK Set as `sbs jwk --set` prints it, scopes.
import { readFileSync } from 'node:fs';
import { BadRequest } from './faults.mjs';

const DEFAULT_SCOPES = 'system/*.cruds';
const MEMBERS = { RSA: ['n', 'e'], EC: ['crv', 'x', 'y'] };
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'];
const ALGORITHMS = ['RS384', 'ES384'];

function problemOfKey(key) {
    const needed = MEMBERS[key?.kty];
    if (!needed) return 'a key has no "kty" of RSA or EC';
    const missing = [...needed, 'kid'].find((name) => typeof key[name] !== 'string' || key[name] === '');
    if (missing) return `a key has no "${missing}"`;
    if (PRIVATE_MEMBERS.some((name) => name in key)) return `key "${key.kid}" is private: send the public key only`;
    if (key.kty === 'EC' && key.crv !== 'P-384') return `key "${key.kid}" is not on curve P-384`;
    return null;
}

/** The keys of a JWK Set; a bare JWK, as the seed sends it by mail, counts as a set of one. */
function checkedKeys(jwks) {
    const keys = jwks?.kty === undefined ? jwks?.keys : [jwks];
    if (!Array.isArray(keys) || keys.length === 0) throw new BadRequest('not a JWK Set: {"keys":[...]} expected');
    const problem = keys.map(problemOfKey).find(Boolean);
    if (problem) throw new BadRequest(problem);
    if (new Set(keys.map((key) => key.kid)).size !== keys.length) throw new BadRequest('two keys have the same "kid"');
    return keys;
}

function readJwks(file) {
    try {
        return JSON.parse(readFileSync(file, 'utf8'));
    } catch (error) {
        throw new BadRequest(`--client: cannot read ${file}: ${error.message}`);
    }
}

export class Clients {
    #byId = new Map();

    register({ clientId, jwks, scopes = DEFAULT_SCOPES, alg }) {
        if (typeof clientId !== 'string' || clientId === '') throw new BadRequest('"clientId" is missing');
        if (alg !== undefined && !ALGORITHMS.includes(alg)) throw new BadRequest('"alg" is RS384 or ES384');
        this.#byId.set(clientId, { clientId, keys: checkedKeys(jwks), scopes, alg });
    }

    /** `ID=FILE[:SCOPES]`, from the command line. The id may itself be a URL, so the first "=" counts. */
    registerFromOption(text) {
        const match = /^(.+?)=([^:]+)(?::(.+))?$/.exec(text);
        if (!match) throw new BadRequest(`--client ${text}: expected ID=FILE[:SCOPES]`);
        const [, clientId, file, scopes] = match;
        this.register({ clientId, jwks: readJwks(file), scopes });
        return clientId;
    }

    find(clientId) {
        return this.#byId.get(clientId);
    }

    remove(clientId) {
        return this.#byId.delete(clientId);
    }

    list() {
        return [...this.#byId.values()].map(({ clientId, keys, scopes, alg }) => ({
            clientId,
            kids: keys.map((key) => key.kid),
            scopes,
            alg: alg ?? null,
        }));
    }
}
