// SPDX-License-Identifier: Apache-2.0
// Batch and transaction: authorization of each entry, and the answer's entries as R4 wants them.
import { STATUS_CODES } from 'node:http';
import { badRequest, isOk } from '@medplum/core';
import { outcome } from './outcome.mjs';
import { permissionOf } from './permission.mjs';
import { allows } from './scope.mjs';

function forbiddenReason(entry, scopes) {
    const needed = permissionOf(entry?.request?.method, entry?.request?.url ?? '');
    if (!needed || allows(scopes, needed.type, needed.letter)) return null;
    return `needs ${needed.type}.${needed.letter}`;
}

const forbiddenEntry = (reason) => ({ response: { status: '403 Forbidden', outcome: outcome('forbidden', reason) } });

function completed({ response, resource }, preference) {
    const code = Number.parseInt(response.status, 10);
    const answer = { ...response, status: `${code} ${STATUS_CODES[code] ?? ''}`.trim() };
    if (!resource?.meta) return { response: answer, ...(resource ? { resource } : {}) };
    answer.location = `${resource.resourceType}/${resource.id}/_history/${resource.meta.versionId}`;
    answer.etag = `W/"${resource.meta.versionId}"`;
    answer.lastModified = resource.meta.lastUpdated;
    delete answer.outcome;
    return preference === 'representation' ? { response: answer, resource } : { response: answer };
}

function storedResources(entries) {
    return entries.flatMap((entry, i) =>
        entry.resource?.meta ? [{ resource: entry.resource, prefix: `/entry/${i}/resource` }] : [],
    );
}

async function carryOut(bundle, entry, run) {
    if (entry.length === 0) return { entry: [] };
    const [result, answer] = await run({ ...bundle, entry });
    return isOk(result) ? answer : { problem: result };
}

/** The answer's entries in the order asked: what was carried out, and what was forbidden. */
function inOrder(answered, reasons) {
    const left = [...answered];
    return reasons.map((reason) => (reason ? forbiddenEntry(reason) : left.shift()));
}

/**
 * @param run carries out a Bundle by Medplum's router
 * @returns `bundle` and `stored`, or `problem` (an outcome), or `forbidden` (a reason)
 */
export async function runBundle({ bundle, scopes, run, ignoreIfNoneExist, preference }) {
    if (bundle.resourceType !== 'Bundle' || !Array.isArray(bundle.entry))
        return { problem: badRequest('Not a Bundle with entries') };
    const reasons = bundle.entry.map((entry) => forbiddenReason(entry, scopes));
    const firstReason = reasons.find(Boolean);
    if (firstReason && bundle.type !== 'batch') return { forbidden: firstReason };
    if (ignoreIfNoneExist) bundle.entry.forEach((entry) => delete entry.request?.ifNoneExist);
    const results = await carryOut(
        bundle,
        bundle.entry.filter((_, i) => !reasons[i]),
        run,
    );
    if (results.problem) return results;
    const entries = inOrder(results.entry, reasons);
    const entry = entries.map((each) => completed(each, preference));
    return {
        stored: storedResources(entries),
        bundle: { resourceType: 'Bundle', type: `${bundle.type}-response`, entry },
    };
}
