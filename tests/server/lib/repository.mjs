// SPDX-License-Identifier: Apache-2.0
// Medplum's in-memory repository, with validation, version numbers, rollback and an index of identifiers.
import { Operator } from '@medplum/core';
import { MemoryRepository } from '@medplum/fhir-router';
import { assertValid } from './validation.mjs';

/** Splits a search value at a separator that is not escaped, and removes FHIR's escapes (R4 search, "Escaping"). */
function splitUnescaped(text, separator) {
    const parts = [''];
    for (let i = 0; i < text.length; i += 1) {
        if (text[i] === '\\' && i + 1 < text.length) parts[parts.length - 1] += text[i] + text[++i];
        else if (text[i] === separator) parts.push('');
        else parts[parts.length - 1] += text[i];
    }
    return parts;
}

const unescaped = (text) => text.replace(/\\(.)/g, '$1');

/** The key in the index of a token as it stands in a search: `system|value`, `|value` or `value`. */
function searchKey(token) {
    const parts = splitUnescaped(token, '|').map(unescaped);
    if (parts.length === 1) return `value ${parts[0]}`;
    const value = parts.slice(1).join('|');
    return value === '' ? `system ${parts[0]}` : `both ${parts[0]}|${value}`;
}

function keysOf({ system = '', value = '' }) {
    return [`value ${value}`, `system ${system}`, `both ${system}|${value}`];
}

const identifiersOf = (resource) =>
    [resource.identifier ?? []].flat().filter((each) => each && typeof each === 'object');

class IdentifierIndex {
    #types = new Map();

    #slot(type, key) {
        if (!this.#types.has(type)) this.#types.set(type, new Map());
        const keys = this.#types.get(type);
        if (!keys.has(key)) keys.set(key, new Set());
        return keys.get(key);
    }

    add(resource) {
        for (const key of identifiersOf(resource).flatMap(keysOf))
            this.#slot(resource.resourceType, key).add(resource.id);
    }

    remove(resource) {
        for (const key of identifiersOf(resource).flatMap(keysOf))
            this.#slot(resource.resourceType, key).delete(resource.id);
    }

    find(type, searchValue) {
        const keys = splitUnescaped(searchValue, ',').map(searchKey);
        return [...new Set(keys.flatMap((key) => [...(this.#types.get(type)?.get(key) ?? [])]))];
    }

    /** @returns {Record<string, number>} how many resources of all types hold each `system|value` */
    counts() {
        const all = {};
        for (const keys of this.#types.values()) {
            for (const [key, ids] of keys) {
                if (key.startsWith('both ') && ids.size > 0) all[key.slice(5)] = (all[key.slice(5)] ?? 0) + ids.size;
            }
        }
        return all;
    }

    clear() {
        this.#types.clear();
    }
}

export class Repository extends MemoryRepository {
    index = new IdentifierIndex();
    /** Called with "Type/id" for each resource that was written. */
    onStored = () => {};
    #undo = null;

    current(type, id) {
        return this.resources.get(type)?.get(id);
    }

    all(type) {
        return [...(this.resources.get(type)?.values() ?? [])];
    }

    types() {
        return [...this.resources.keys()];
    }

    clear() {
        super.clear();
        this.index.clear();
    }

    async createResource(resource) {
        const wanted = structuredClone(resource);
        assertValid(wanted);
        wanted.id ??= this.generateId();
        const { resourceType, id } = wanted;
        const versions = this.history.get(resourceType)?.get(id)?.length ?? 0;
        wanted.meta = { ...wanted.meta, versionId: String(versions + 1), lastUpdated: new Date().toISOString() };
        const before = this.current(resourceType, id);
        const stored = await super.createResource(wanted);
        this.#replaceInIndex(before, stored);
        this.#undo?.push(() => this.#restore(resourceType, id, before, stored));
        this.onStored(`${resourceType}/${id}`);
        return stored;
    }

    #replaceInIndex(before, after) {
        if (before) this.index.remove(before);
        if (after) this.index.add(after);
    }

    #restore(type, id, before, after) {
        this.#replaceInIndex(after, before);
        if (before) this.resources.get(type).set(id, before);
        else this.resources.get(type).delete(id);
        this.history.get(type).get(id).pop();
    }

    async deleteResource(type, id) {
        const before = this.current(type, id);
        await super.deleteResource(type, id);
        this.index.remove(before);
        this.#undo?.push(() => {
            this.resources.get(type).set(id, before);
            this.index.add(before);
        });
    }

    /** Medplum's own reverses the stored history in place. */
    async readHistory(type, id) {
        await this.readResource(type, id);
        const versions = [...this.history.get(type).get(id)].reverse();
        const entry = versions.map((resource) => ({ resource: structuredClone(resource) }));
        return { resourceType: 'Bundle', type: 'history', total: entry.length, entry };
    }

    /** A search for identifiers alone is answered from the index. */
    async search(request) {
        const [filter, ...others] = request.filters ?? [];
        const indexed =
            filter?.code === 'identifier' &&
            filter.operator === Operator.EQUALS &&
            others.length === 0 &&
            !request.sortRules;
        if (!indexed) return super.search(request);
        const ids = this.index.find(request.resourceType, filter.value);
        const first = request.offset ?? 0;
        const shown = ids.slice(first, first + (request.count ?? ids.length));
        const entry = shown.map((id) => ({ resource: structuredClone(this.current(request.resourceType, id)) }));
        return {
            resourceType: 'Bundle',
            type: 'searchset',
            entry: entry.length > 0 ? entry : undefined,
            total: ids.length,
        };
    }

    /** All or nothing. An inner transaction belongs to the outer one; the caller keeps writes from overlapping. */
    async withTransaction(callback) {
        if (this.#undo) return callback(undefined);
        this.#undo = [];
        try {
            return await callback(undefined);
        } catch (error) {
            for (const step of this.#undo.reverse()) step();
            throw error;
        } finally {
            this.#undo = null;
        }
    }
}
