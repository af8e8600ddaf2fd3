// SPDX-License-Identifier: Apache-2.0
// The authorization server: oidc-provider, with the rules of SMART Backend Services that it does not know by itself.
import { exportJWK, generateKeyPair, jwtVerify, importJWK } from 'jose';
import { replayed } from './front.mjs';
import { SeedAssertions } from './seed.mjs';
import { grantedScopes } from './scope.mjs';

const ALGORITHMS = ['RS384', 'ES384'];
const MAX_ASSERTION_LIFETIME_S = 300;
const CLOCK_TOLERANCE_S = 5;

/** oidc-provider writes a remark about the version of Node when it is imported, which no reader here can act on. */
async function importProvider() {
    const warn = console.warn;
    console.warn = () => {};
    try {
        return await import('oidc-provider');
    } finally {
        console.warn = warn;
    }
}

/** oidc-provider's store; only used assertion ids and the clients pass through it. */
function storeClass(clientMetadata) {
    const values = new Map();
    return class Store {
        constructor(model) {
            this.prefix = `${model}:`;
        }

        async find(id) {
            if (this.prefix === 'Client:') return clientMetadata(id);
            const entry = values.get(this.prefix + id);
            return entry && entry.expires > Date.now() ? entry.payload : undefined;
        }

        async upsert(id, payload, expiresIn) {
            values.set(this.prefix + id, { payload, expires: Date.now() + expiresIn * 1000 });
        }

        async destroy(id) {
            values.delete(this.prefix + id);
        }
    };
}

function metadataOf(client, extraKeys) {
    return {
        client_id: client.clientId,
        jwks: { keys: [...client.keys, ...extraKeys] },
        token_endpoint_auth_method: 'private_key_jwt',
        ...(client.alg ? { token_endpoint_auth_signing_alg: client.alg } : {}),
        grant_types: ['client_credentials'],
        response_types: [],
        redirect_uris: [],
    };
}

export class AuthorizationServer {
    #clients;
    #settings;
    #seed;
    #errors;
    #provider;
    #publicKey;
    #records = new WeakMap();
    #generation = 1;
    #oldestGeneration = 1;

    constructor({ clients, settings, origin, fhirBase }) {
        Object.assign(this, { issuer: origin, fhirBase, tokenUrl: `${origin}/token` });
        this.#clients = clients;
        this.#settings = settings;
    }

    async start() {
        const { Provider, errors } = await importProvider();
        const { privateKey } = await generateKeyPair('RS256', { modulusLength: 2048, extractable: true });
        const jwk = { ...(await exportJWK(privateKey)), kid: 'token-signing', alg: 'RS256', use: 'sig' };
        this.#publicKey = await importJWK({ kty: jwk.kty, n: jwk.n, e: jwk.e }, 'RS256');
        this.#seed = await SeedAssertions.create(this.#clients);
        this.#errors = errors;
        this.#provider = new Provider(this.issuer, this.#configuration(jwk));
        this.#provider.on('grant.error', (ctx, error) => {
            const record = this.#records.get(ctx.req);
            if (record) record.reason = error.error_detail ?? error.error_description ?? error.message;
        });
        this.handle = this.#provider.callback();
    }

    #configuration(signingKey) {
        return {
            adapter: storeClass((id) => this.#metadata(id)),
            jwks: { keys: [signingKey] },
            clientAuthMethods: ['private_key_jwt'],
            enabledJWA: { clientAuthSigningAlgValues: ALGORITHMS },
            clockTolerance: CLOCK_TOLERANCE_S,
            ttl: { ClientCredentials: () => this.#settings.tokenLifetime },
            scopes: [],
            routes: { token: '/token' },
            cookies: { keys: ['unused'] },
            responseTypes: [],
            features: {
                devInteractions: { enabled: false },
                clientCredentials: { enabled: true },
                resourceIndicators: {
                    enabled: true,
                    defaultResource: () => this.fhirBase,
                    getResourceServerInfo: (ctx, resource, client) => this.#resourceServer(ctx, resource, client),
                },
            },
            formats: { customizers: { jwt: (ctx, token, { payload }) => this.#customize(payload) } },
            extraTokenClaims: () => this.#extraClaims(),
            assertJwtClientAuthClaimsAndHeader: (ctx, claims, header) => this.#assertSmartRules(claims, header),
        };
    }

    #metadata(id) {
        const client = this.#clients.find(id);
        return client && metadataOf(client, this.#settings.lenientSeed ? [this.#seed.publicJwk] : []);
    }

    /** A token of a client with a long id is shorter without it. */
    #customize(payload) {
        if (this.#settings.tokenNamesClient) return;
        delete payload.sub;
        delete payload.client_id;
    }

    #extraClaims() {
        const { tokenPadding, oneToken } = this.#settings;
        if (oneToken) this.revokeAll();
        return { generation: this.#generation, ...(tokenPadding ? { padding: 'p'.repeat(tokenPadding) } : {}) };
    }

    #assertSmartRules(claims, header) {
        const refuse = (reason) => {
            throw new this.#errors.InvalidClientAuth(reason);
        };
        const tolerance = this.#settings.lenientSeed ? CLOCK_TOLERANCE_S : 0;
        if (header.kid === undefined) refuse('kid must be present in the header');
        if (header.typ !== 'JWT') refuse('typ must be JWT');
        if (claims.exp > Date.now() / 1000 + MAX_ASSERTION_LIFETIME_S + tolerance)
            refuse('exp is more than 5 minutes ahead');
    }

    /** Leaves of the scope asked for what the client is registered for, before oidc-provider looks at it. */
    #resourceServer(ctx, resource, client) {
        if (resource !== this.fhirBase) throw new this.#errors.InvalidTarget('unknown resource');
        const asked = ctx.oidc.params.scope;
        if (!asked) throw new this.#errors.InvalidScope('scope is required');
        const granted = grantedScopes(asked, this.#clients.find(client.clientId).scopes);
        if (granted === '')
            throw new this.#errors.InvalidScope('none of the requested scopes is granted to this client', asked);
        ctx.oidc.params.scope = granted;
        return {
            audience: this.fhirBase,
            scope: granted,
            accessTokenTTL: this.#settings.tokenLifetime,
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: 'RS256' } },
        };
    }

    /** Gives a token request to oidc-provider. */
    async token({ req, res, record, body }) {
        const text = this.#settings.lenientSeed ? await this.#seed.translate(body) : body;
        const copy = replayed(req, text);
        this.#records.set(copy, record);
        return this.handle(copy, res);
    }

    other({ req, res, body }) {
        return this.handle(replayed(req, body), res);
    }

    /** @returns the claims of a valid access token; throws what is wrong with it. */
    async verify(token) {
        const { payload } = await jwtVerify(token, this.#publicKey, { issuer: this.issuer, audience: this.fhirBase });
        if (payload.generation < this.#oldestGeneration) throw new Error('revoked');
        return payload;
    }

    revokeAll() {
        this.#generation += 1;
        this.#oldestGeneration = this.#generation;
    }
}
