// SPDX-License-Identifier: Apache-2.0
// The list of armed faults: what is asked of a fault, and which one a request or a connection meets.

const REQUEST_PLACES = ['token', 'discovery', 'metadata', 'fhir', 'any'];
const PLACES = [...REQUEST_PLACES, 'connection', 'raw'];
const CUTS = ['fin', 'notify', 'rst', 'stall'];
const CUT_NAMES = ['head', 'body', 'mid-body', 'end', 'all'];

const isCount = (value) => Number.isSafeInteger(value) && value >= 0;
const isTimes = (value) => Number.isSafeInteger(value) && value >= -1;
const isBoolean = (value) => typeof value === 'boolean';
const isText = (value) => typeof value === 'string';
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const oneOf = (list) => (value) => list.includes(value);

const MEMBERS = {
    on: oneOf(PLACES),
    method: isText,
    path: isText,
    skip: isCount,
    times: isTimes,
    status: (value) => isCount(value) && value >= 100 && value <= 999,
    headers: isObject,
    body: (value) => isText(value) || isObject(value),
    retryAfter: (value) => isText(value) || Number.isFinite(value) || isObject(value),
    process: isBoolean,
    refuseToken: isBoolean,
    ignoreIfNoneExist: isBoolean,
    delayMs: isCount,
    delayAfterMs: isCount,
    raw: (value) => isText(value) || isObject(value),
    contentLength: Number.isSafeInteger,
    padHeaders: isCount,
    padLine: isBoolean,
    split: (value) => isCount(value) && value > 0,
    splitAt: (value) => Array.isArray(value) && value.every(isCount),
    gapMs: isCount,
    cutAt: (value) => isCount(value) || CUT_NAMES.includes(value),
    cutRecord: isCount,
    cut: oneOf(CUTS),
    direction: oneOf(['up', 'down']),
    across: isBoolean,
};

function problemOf(fault) {
    if (!isObject(fault)) return 'a fault is an object';
    for (const [name, value] of Object.entries(fault)) {
        if (!Object.hasOwn(MEMBERS, name)) return `unknown member "${name}"`;
        if (!MEMBERS[name](value)) return `bad value for "${name}": ${JSON.stringify(value)}`;
    }
    if (fault.on === undefined) return '"on" is missing';
    if (fault.on === 'raw' && (fault.cutAt === undefined) === (fault.cutRecord === undefined)) {
        return 'a raw fault needs one of "cutAt" and "cutRecord"';
    }
    if (['raw', 'connection'].includes(fault.on) && isText(fault.cutAt)) return '"cutAt" must be a number here';
    return null;
}

/** Raised for what the caller of the admin endpoint got wrong. */
export class BadRequest extends Error {}

export class Faults {
    #armed = [];
    #nextId = 1;

    arm(faults) {
        const problem = faults.map(problemOf).find(Boolean);
        if (problem) throw new BadRequest(problem);
        const armed = faults.map((fault) => this.#entry(fault));
        this.#armed.push(...armed);
        return armed.map((entry) => entry.id);
    }

    #entry(fault) {
        return {
            id: this.#nextId++,
            fault,
            path: fault.path === undefined ? null : new RegExp(fault.path),
            skip: fault.skip ?? 0,
            left: fault.times === -1 ? null : (fault.times ?? 1),
            hits: 0,
            passed: { bytes: 0, records: 0 },
        };
    }

    clear() {
        this.#armed = [];
    }

    list() {
        return this.#armed.map(({ id, fault, hits, left }) => ({ id, ...fault, hits, left }));
    }

    #first(applies) {
        for (const entry of this.#armed) {
            if (entry.left === 0 || !applies(entry)) continue;
            if (entry.skip > 0) {
                entry.skip -= 1;
                continue;
            }
            return entry;
        }
        return null;
    }

    /** Counts a hit. An entry with nothing left stays in the list, for its hits to be read. */
    take(entry) {
        entry.hits += 1;
        if (entry.left !== null) entry.left -= 1;
        return entry;
    }

    forRequest({ where, method, target }) {
        const entry = this.#first(
            ({ fault, path }) =>
                REQUEST_PLACES.includes(fault.on) &&
                (fault.on === 'any' || fault.on === where) &&
                (fault.method === undefined || fault.method === method) &&
                (path === null || path.test(target)),
        );
        return entry && this.take(entry);
    }

    forConnection() {
        const entry = this.#first(({ fault }) => fault.on === 'connection');
        return entry && this.take(entry);
    }

    /** A raw fault for a new TCP connection. The relay takes one that counts across connections when it strikes. */
    forRawConnection() {
        const entry = this.#first(({ fault }) => fault.on === 'raw');
        if (!entry) return null;
        return entry.fault.across ? entry : this.take(entry);
    }
}
