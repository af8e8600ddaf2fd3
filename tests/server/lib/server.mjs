// SPDX-License-Identifier: Apache-2.0
// Puts the parts of the main server together.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { adminServer } from './admin.mjs';
import { AuthorizationServer } from './authorization.mjs';
import { CHAINS, CertificateAuthority, LEAVES } from './ca.mjs';
import { Clients } from './clients.mjs';
import { BadRequest, Faults } from './faults.mjs';
import { FhirServer } from './fhir.mjs';
import { Front } from './front.mjs';
import { Precision } from './precision.mjs';
import { Connections, Requests } from './records.mjs';
import { Repository } from './repository.mjs';
import { loadDefinitions } from './validation.mjs';

const TLS_VERSIONS = { 1.2: 'TLSv1.2', 1.3: 'TLSv1.3' };
const TLS_CHOICES = {
    chain: Object.keys(CHAINS),
    leaf: Object.keys(LEAVES),
    min: Object.keys(TLS_VERSIONS),
    max: Object.keys(TLS_VERSIONS),
};

const isBoolean = (value) => typeof value === 'boolean';
const isCount = (value) => Number.isSafeInteger(value) && value >= 0;

const SETTINGS = {
    tokenLifetime: { initial: 300, valid: (value) => isCount(value) && value > 0 },
    tokenNamesClient: { initial: true, valid: isBoolean },
    tokenPadding: { initial: 0, valid: isCount },
    lenientSeed: { initial: false, valid: isBoolean },
    oneToken: { initial: false, valid: isBoolean },
    updateCreate: { initial: true, valid: isBoolean },
    conditionalCreate: { initial: true, valid: (value) => isBoolean(value) || value === 'refuse' },
    conditionalCreateNeedsSearch: { initial: false, valid: isBoolean },
    smartConfiguration: { initial: null, valid: (value) => typeof value === 'object' },
};

export class Server {
    faults = new Faults();
    requests = new Requests();
    connections = new Connections();
    clients = new Clients();
    repository = new Repository();
    precision = new Precision();
    settings = {};
    #options;
    #dir;
    #ownDir = false;
    #authority;
    #tls;
    #front;
    #admin;
    #onStop = () => {};

    constructor(options) {
        this.#options = options;
        this.#restoreSettings();
    }

    #restoreSettings() {
        for (const [name, { initial }] of Object.entries(SETTINGS)) this.settings[name] = initial;
        const { tokenLifetime = 300, lenientSeed = false } = this.#options;
        Object.assign(this.settings, { tokenLifetime, lenientSeed });
    }

    async start() {
        this.#makeDir();
        for (const text of this.#options.clients ?? []) this.clients.registerFromOption(text);
        this.#authority = new CertificateAuthority(this.#dir);
        this.otherCaFile = this.#authority.otherRoot();
        this.#tls = this.#checkedTls(this.#options.tls ?? {});
        loadDefinitions();
        await this.#listen();
        return this.info();
    }

    #makeDir() {
        this.#ownDir = this.#options.dir === undefined;
        this.#dir = this.#options.dir ?? mkdtempSync(join(tmpdir(), 'sbs-server-'));
        mkdirSync(this.#dir, { recursive: true });
    }

    async #listen() {
        this.#front = new Front({
            faults: this.faults,
            requests: this.requests,
            connections: this.connections,
            handler: (exchange) => this.#handle(exchange),
            log: this.#options.verbose ? (line) => process.stderr.write(`${line}\n`) : () => {},
            tlsOptions: this.#secureContext(),
        });
        this.port = await this.#front.listen(this.#options.port ?? 0, this.#options.addresses);
        await this.#startServices(this.#options.publicOrigin ?? `https://localhost:${this.port}`);
        this.#admin = adminServer(this);
        await new Promise((resolve, reject) => {
            this.#admin.once('error', reject).listen(this.#options.adminPort ?? 0, '127.0.0.1', resolve);
        });
    }

    async #startServices(origin) {
        const { clients, settings, repository, precision } = this;
        this.authorization = new AuthorizationServer({ clients, settings, origin, fhirBase: `${origin}/fhir` });
        await this.authorization.start();
        this.fhir = new FhirServer({ authorization: this.authorization, settings, repository, precision });
    }

    #handle(exchange) {
        const { where } = exchange.record;
        if (where === 'token') return this.authorization.token(exchange);
        return where === 'other' ? this.authorization.other(exchange) : this.fhir.handle(exchange);
    }

    #checkedTls(changes) {
        for (const [name, value] of Object.entries(changes)) {
            if (!TLS_CHOICES[name]?.includes(value))
                throw new BadRequest(`tls ${name} "${value}": one of ${TLS_CHOICES[name] ?? 'nothing'}`);
        }
        const tls = { chain: 'p256', leaf: 'good', min: '1.2', max: '1.3', ...this.#tls, ...changes };
        if (tls.min > tls.max) throw new BadRequest('tls min is above max');
        return tls;
    }

    #secureContext() {
        const { chain, leaf, min, max } = this.#tls;
        const { key, cert, caFile } = this.#authority.credentials(chain, leaf);
        this.caFile = caFile;
        return { key, cert, minVersion: TLS_VERSIONS[min], maxVersion: TLS_VERSIONS[max] };
    }

    changeTls(changes) {
        this.#tls = this.#checkedTls(changes);
        this.#front.useTls(this.#secureContext());
        return { ...this.#tls, caFile: this.caFile };
    }

    changeSettings(changes) {
        for (const [name, value] of Object.entries(changes)) {
            if (!SETTINGS[name]?.valid(value)) throw new BadRequest(`setting ${name}: bad name or value`);
        }
        return Object.assign(this.settings, changes);
    }

    reset() {
        this.faults.clear();
        this.requests.clear();
        this.connections.clear();
        this.repository.clear();
        this.precision.clear();
        this.#restoreSettings();
        this.#tls = undefined;
        this.changeTls(this.#options.tls ?? {});
    }

    info() {
        const { tokenUrl, issuer, fhirBase } = this.authorization;
        const adminUrl = `http://127.0.0.1:${this.#admin.address().port}`;
        const { caFile, otherCaFile, port } = this;
        return { fhirBase, tokenUrl, issuer, caFile, otherCaFile, adminUrl, port, pid: process.pid };
    }

    stats() {
        const resources = Object.fromEntries(
            this.repository.types().map((type) => [type, this.repository.all(type).length]),
        );
        const busy = this.#front.busy;
        return { ...this.requests.count(), busy, resources, identifiers: this.repository.index.counts() };
    }

    onStop(callback) {
        this.#onStop = callback;
    }

    stop() {
        this.#front?.close();
        this.#admin?.close();
        this.#admin?.closeAllConnections();
        if (this.#ownDir) rmSync(this.#dir, { recursive: true, force: true });
        this.#onStop();
    }
}
