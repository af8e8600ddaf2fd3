// SPDX-License-Identifier: Apache-2.0
// A main server in this process, and a client of it that can break every rule.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import { Server } from '../lib/server.mjs';

export const CLIENT = '9e4a2858-9e86-406b-958f-b86a5e1ceb3d';
export const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
export const FHIR_JSON = 'application/fhir+json';

export const now = () => Math.floor(Date.now() / 1000);

export async function makeKey(alg, kid) {
    const { privateKey, publicKey } = await generateKeyPair(alg, { modulusLength: 2048, extractable: true });
    return { alg, kid, privateKey, jwk: { ...(await exportJWK(publicKey)), use: 'sig', kid, alg } };
}

export class Fixture {
    static async start(options = {}) {
        const self = new Fixture();
        self.server = new Server(options);
        Object.assign(self, await self.server.start());
        self.keys = { rsa: await makeKey('RS384', 'rsa-1'), ec: await makeKey('ES384', 'ec-1') };
        self.server.clients.register({ clientId: CLIENT, jwks: { keys: [self.keys.rsa.jwk, self.keys.ec.jwk] } });
        self.agent = new https.Agent({ keepAlive: true, ca: readFileSync(self.caFile) });
        return self;
    }

    stop() {
        this.agent.destroy();
        this.server.stop();
    }

    /** An assertion as the rules want it; `claims` and `header` change or (with undefined) remove members. */
    assertion({ key = this.keys.rsa, claims = {}, header = {}, clientId = CLIENT } = {}) {
        const all = {
            iss: clientId,
            sub: clientId,
            aud: this.tokenUrl,
            exp: now() + 240,
            iat: now(),
            jti: randomUUID(),
            ...claims,
        };
        return new SignJWT(JSON.parse(JSON.stringify(all)))
            .setProtectedHeader(JSON.parse(JSON.stringify({ alg: key.alg, kid: key.kid, typ: 'JWT', ...header })))
            .sign(key.privateKey);
    }

    request(method, url, { headers = {}, body } = {}) {
        return new Promise((resolve, reject) => {
            const req = https.request(url, { method, headers, agent: this.agent }, (res) => {
                let text = '';
                res.setEncoding('utf8')
                    .on('data', (part) => (text += part))
                    .on('error', reject)
                    .on('end', () => {
                        const json =
                            /json/.test(res.headers['content-type'] ?? '') && text !== '' ? JSON.parse(text) : null;
                        resolve({ status: res.statusCode, headers: res.headers, text, json });
                    });
            });
            req.on('error', reject).end(body);
        });
    }

    postForm(form, headers = {}) {
        const body = typeof form === 'string' ? form : new URLSearchParams(JSON.parse(JSON.stringify(form))).toString();
        return this.request('POST', this.tokenUrl, {
            headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers },
            body,
        });
    }

    async form(changes = {}) {
        return {
            grant_type: 'client_credentials',
            scope: 'system/Observation.cruds',
            client_assertion_type: ASSERTION_TYPE,
            client_assertion: changes.client_assertion ?? (await this.assertion()),
            ...changes,
        };
    }

    async token(scope = 'system/*.cruds') {
        const answer = await this.postForm(await this.form({ scope }));
        return answer.json.access_token;
    }

    async fhir(method, path, { token, body, headers = {} } = {}) {
        this.broad ??= await this.token();
        const content = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
        return this.request(method, `${this.fhirBase}${path === '' ? '' : `/${path}`}`, {
            headers: {
                Accept: FHIR_JSON,
                ...(content === undefined ? {} : { 'Content-Type': FHIR_JSON }),
                Authorization: `Bearer ${token ?? this.broad}`,
                ...headers,
            },
            body: content,
        });
    }

    async admin(method, path, content) {
        const answer = await fetch(this.adminUrl + path, {
            method,
            body: content === undefined ? undefined : JSON.stringify(content),
        });
        const text = await answer.text();
        return {
            status: answer.status,
            text,
            json: (answer.headers.get('content-type') ?? '').includes('json') ? JSON.parse(text) : null,
        };
    }

    lastRecord() {
        return this.server.requests.select({ where: null, method: null, after: 0 }).at(-1);
    }
}

export function observation(changes = {}) {
    return {
        resourceType: 'Observation',
        status: 'final',
        code: { coding: [{ system: 'http://loinc.org', code: '8310-5', display: 'Body temperature' }] },
        effectiveDateTime: '2026-03-01T10:00:00Z',
        valueQuantity: { value: 36.5, unit: 'Cel', system: 'http://unitsofmeasure.org', code: 'Cel' },
        ...changes,
    };
}

export const identified = (value, changes = {}) =>
    observation({ identifier: [{ system: 'urn:test', value }], ...changes });
