// SPDX-License-Identifier: Apache-2.0
// Certificate chains made on the spot (RFC 5280), one kind of chain at a time and only when somebody asks for it.
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import * as der from './der.mjs';

const DAY_MS = 86_400_000;
const GOOD_NAMES = ['localhost', '127.0.0.1', '::1', '10.0.2.2', '10.0.2.100', 'server.lab.test'];

const KEY_KINDS = {
    p256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    p384: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
    rsa2048: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
    rsa4096: () => generateKeyPairSync('rsa', { modulusLength: 4096 }),
};

const SIGNATURES = {
    p256: { hash: 'sha256', algorithm: () => der.sequence(der.oid('1.2.840.10045.4.3.2')) },
    p384: { hash: 'sha384', algorithm: () => der.sequence(der.oid('1.2.840.10045.4.3.3')) },
    rsa2048: { hash: 'sha256', algorithm: () => der.sequence(der.oid('1.2.840.113549.1.1.11'), der.nullValue()) },
};
SIGNATURES.rsa4096 = SIGNATURES.rsa2048;

/** Root first; what follows the root is presented by the server, leaf first. */
export const CHAINS = {
    p256: ['p256', 'p256'],
    rsa: ['rsa2048', 'rsa2048', 'rsa2048'],
    mixed: ['rsa4096', 'p384', 'p256'],
};

export const LEAVES = {
    good: { from: -DAY_MS, to: 30 * DAY_MS, names: GOOD_NAMES },
    expired: { from: -3 * DAY_MS, to: -DAY_MS, names: GOOD_NAMES },
    future: { from: 5 * DAY_MS, to: 30 * DAY_MS, names: GOOD_NAMES },
    'wrong-host': { from: -DAY_MS, to: 30 * DAY_MS, names: ['wrong.example.org'] },
};

function pem(type, bytes) {
    const lines = bytes
        .toString('base64')
        .match(/.{1,64}/g)
        .join('\n');
    return `-----BEGIN ${type}-----\n${lines}\n-----END ${type}-----\n`;
}

const name = (text) => der.sequence(der.set(der.sequence(der.oid('2.5.4.3'), der.utf8String(text))));

function extension(id, critical, value) {
    return der.sequence(der.oid(id), ...(critical ? [der.booleanTrue()] : []), der.octetString(value));
}

function ipBytes(text) {
    return text.includes(':')
        ? Buffer.from('00000000000000000000000000000001', 'hex')
        : Buffer.from(text.split('.').map(Number));
}

function generalName(text) {
    return isIP(text) ? der.tagged(0x87, ipBytes(text)) : der.tagged(0x82, Buffer.from(text, 'ascii'));
}

const keyId = (spki) => createHash('sha1').update(spki).digest();

function authorityExtensions() {
    return [
        extension('2.5.29.19', true, der.sequence(der.booleanTrue())),
        extension('2.5.29.15', true, der.bitString(Buffer.from([0x06]), 1)),
    ];
}

function leafExtensions(names) {
    return [
        extension('2.5.29.19', true, der.sequence()),
        extension('2.5.29.15', true, der.bitString(Buffer.from([0x80]), 7)),
        extension('2.5.29.37', false, der.sequence(der.oid('1.3.6.1.5.5.7.3.1'))),
        extension('2.5.29.17', false, der.sequence(...names.map(generalName))),
    ];
}

/** Signs a certificate for `subject` with the key of `issuer` (itself, for a root). */
function certificate({ subject, issuer, from, to, extensions }) {
    const signature = SIGNATURES[issuer.kind];
    const now = Date.now();
    const tbs = der.sequence(
        der.explicit(0, der.integer([2])),
        der.integer(Buffer.concat([Buffer.from([1]), randomBytes(15)])),
        signature.algorithm(),
        name(issuer.name),
        der.sequence(der.utcTime(new Date(now + from)), der.utcTime(new Date(now + to))),
        name(subject.name),
        subject.spki,
        der.explicit(
            3,
            der.sequence(
                ...extensions,
                extension('2.5.29.14', false, der.octetString(keyId(subject.spki))),
                extension('2.5.29.35', false, der.sequence(der.tagged(0x80, keyId(issuer.spki)))),
            ),
        ),
    );
    const bits = sign(signature.hash, tbs, issuer.privateKey);
    return pem('CERTIFICATE', der.sequence(tbs, signature.algorithm(), der.bitString(bits)));
}

function party(kind, commonName) {
    const { privateKey, publicKey } = KEY_KINDS[kind]();
    return { kind, name: commonName, privateKey, spki: publicKey.export({ type: 'spki', format: 'der' }) };
}

function authority(kind, commonName, issuer) {
    const self = party(kind, commonName);
    const validity = { from: -2 * DAY_MS, to: 60 * DAY_MS };
    self.pem = certificate({ subject: self, issuer: issuer ?? self, ...validity, extensions: authorityExtensions() });
    return self;
}

export class CertificateAuthority {
    #dir;
    #chains = new Map();
    #credentials = new Map();

    constructor(dir) {
        this.#dir = dir;
    }

    #chain(kind) {
        if (!this.#chains.has(kind)) this.#chains.set(kind, this.#makeChain(kind));
        return this.#chains.get(kind);
    }

    #makeChain(kind) {
        const [rootKind, ...others] = CHAINS[kind];
        const root = authority(rootKind, `libsbs test root ${kind}`);
        const leafKind = others.pop();
        let issuer = root;
        const intermediates = others.map((each, i) => {
            issuer = authority(each, `libsbs test intermediate ${kind} ${i + 1}`, issuer);
            return issuer;
        });
        const caFile = join(this.#dir, `ca-${kind}.pem`);
        writeFileSync(caFile, root.pem);
        return {
            issuer,
            leafKind,
            caFile,
            intermediates: intermediates
                .reverse()
                .map((each) => each.pem)
                .join(''),
        };
    }

    /** @returns {{key: string, cert: string, caFile: string}} */
    credentials(chainKind, leafName) {
        const id = `${chainKind} ${leafName}`;
        if (!this.#credentials.has(id)) this.#credentials.set(id, this.#makeLeaf(chainKind, leafName));
        return this.#credentials.get(id);
    }

    #makeLeaf(chainKind, leafName) {
        const chain = this.#chain(chainKind);
        const { from, to, names } = LEAVES[leafName];
        const leaf = party(chain.leafKind, names[0]);
        const cert = certificate({ subject: leaf, issuer: chain.issuer, from, to, extensions: leafExtensions(names) });
        return {
            key: leaf.privateKey.export({ type: 'pkcs8', format: 'pem' }),
            cert: cert + chain.intermediates,
            caFile: chain.caFile,
        };
    }

    /** Writes a root that signs nothing here. */
    otherRoot() {
        const file = join(this.#dir, 'ca-other.pem');
        writeFileSync(file, authority('p256', 'libsbs unrelated root').pem);
        return file;
    }
}
