// SPDX-License-Identifier: Apache-2.0
// The lenient mode: the seed's assertion has neither kid nor jti, and oidc-provider demands a jti. Such an assertion is
// verified here, with the client's registered keys, and handed on with the same claims, a jti, and a key of our own.
import { randomUUID } from 'node:crypto';
import { SignJWT, compactVerify, decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair, importJWK } from 'jose';

const KID = 'lenient-seed';
const ALG = 'RS384';

export class SeedAssertions {
    #clients;
    #privateKey;

    static async create(clients) {
        const { privateKey, publicKey } = await generateKeyPair(ALG, { modulusLength: 2048 });
        const self = new SeedAssertions();
        self.#clients = clients;
        self.#privateKey = privateKey;
        const { kty, e, n } = await exportJWK(publicKey);
        self.publicJwk = { kty, e, use: 'sig', kid: KID, alg: ALG, n };
        return self;
    }

    /** @returns {Promise<Buffer>} the token request's body, with its assertion completed if it is of the seed's form */
    async translate(body) {
        const form = new URLSearchParams(body.toString('latin1'));
        const completed = await this.#completed(form.get('client_assertion') ?? '').catch(() => null);
        if (completed === null) return body;
        form.set('client_assertion', completed);
        return Buffer.from(form.toString(), 'latin1');
    }

    /** Throws for whatever is no genuine assertion of the seed's form; oidc-provider then refuses it. */
    async #completed(assertion) {
        const header = decodeProtectedHeader(assertion);
        const claims = decodeJwt(assertion);
        if (header.kid !== undefined && claims.jti !== undefined) return null;
        const keys = this.#clients.find(claims.iss)?.keys ?? [];
        await verifiedByOne(assertion, header, keys);
        return new SignJWT({ ...claims, jti: claims.jti ?? randomUUID() })
            .setProtectedHeader({ alg: ALG, typ: header.typ ?? 'JWT', kid: KID })
            .sign(this.#privateKey);
    }
}

async function verifiedByOne(assertion, header, keys) {
    const candidates = keys.filter(
        (key) => (key.alg ?? header.alg) === header.alg && [undefined, key.kid].includes(header.kid),
    );
    for (const jwk of candidates) {
        const key = await importJWK(jwk, header.alg);
        if (
            await compactVerify(assertion, key).then(
                () => true,
                () => false,
            )
        )
            return;
    }
    throw new Error('no registered key fits');
}
