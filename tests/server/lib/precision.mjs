// SPDX-License-Identifier: Apache-2.0
// Decimals keep their precision in FHIR (2.00 is not 2), which JSON.parse forgets. This remembers the literals.

const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const MARK = '\u0001number:';
const MARKED = /"\\u0001number:([^"]*)"/g;

/** Calls visit(path, number) for each number in document order. */
function eachNumber(value, visit, path = '') {
    if (typeof value === 'number') return visit(path, value);
    if (typeof value !== 'object' || value === null) return undefined;
    for (const [name, member] of Object.entries(value)) eachNumber(member, visit, `${path}/${name}`);
    return undefined;
}

/** The number literals of a JSON text that would not come back the same, by path. */
function unusualLiterals(text, value) {
    const literals = text.match(TOKEN)?.filter((token) => token[0] !== '"') ?? [];
    const found = new Map();
    let next = 0;
    let inStep = true;
    eachNumber(value, (path, number) => {
        const literal = literals[next++];
        if (Number(literal) !== number) inStep = false;
        else if (String(number) !== literal) found.set(path, literal);
    });
    return inStep && next === literals.length ? found : new Map();
}

const keyOf = ({ resourceType, id, meta }) => `${resourceType}/${id}/${meta?.versionId}`;

function below(literals, prefix) {
    const found = [...literals].filter(([path]) => path.startsWith(`${prefix}/`));
    return new Map(found.map(([path, literal]) => [path.slice(prefix.length), literal]));
}

export class Precision {
    #byVersion = new Map();

    /** After `resource` was stored from `text`; `prefix` is where it stood in it, e.g. "/entry/0/resource". */
    note(text, parsed, stored) {
        const literals = unusualLiterals(text, parsed);
        if (literals.size === 0) return;
        for (const { resource, prefix } of stored) this.#byVersion.set(keyOf(resource), below(literals, prefix));
    }

    #marked(value, literals, path) {
        if (typeof value === 'number') return literals?.has(path) ? MARK + literals.get(path) : value;
        if (typeof value !== 'object' || value === null) return value;
        const isResource = value.resourceType !== undefined && value.id !== undefined;
        const own = isResource ? this.#byVersion.get(keyOf(value)) : literals;
        const start = isResource ? '' : path;
        const members = Object.entries(value).map(([name, member]) => [
            name,
            this.#marked(member, own, `${start}/${name}`),
        ]);
        return Array.isArray(value) ? members.map(([, member]) => member) : Object.fromEntries(members);
    }

    stringify(value, indent) {
        if (this.#byVersion.size === 0) return JSON.stringify(value, null, indent);
        return JSON.stringify(this.#marked(value, undefined, ''), null, indent).replace(MARKED, '$1');
    }

    clear() {
        this.#byVersion.clear();
    }
}
