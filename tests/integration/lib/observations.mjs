// SPDX-License-Identifier: Apache-2.0
// Observations to push, and numbers that can be had again.
export const SYSTEM = 'urn:sbs:test';

/** JSON text of an Observation with this identifier; `value` is written as it is. */
export function observation(id, { value = '36.50', extra = '' } = {}) {
    return (
        `{"resourceType":"Observation","identifier":[{"system":"${SYSTEM}","value":"${id}"}],"status":"final",` +
        `"code":{"coding":[{"system":"http://loinc.org","code":"8310-5"}]},` +
        `"effectiveDateTime":"2026-03-01T10:00:00Z",${extra}` +
        `"valueQuantity":{"value":${value},"unit":"Cel","system":"http://unitsofmeasure.org","code":"Cel"}}`
    );
}

export const nameOf = (id) => `${SYSTEM}|${id}`;

/** A small generator with a seed (a linear congruential one), so that a failure can be had again. */
export function numbers(seed) {
    let state = seed >>> 0;
    return (below) => {
        state = (Math.imul(state, 1103515245) + 12345) >>> 0;
        return (state >>> 8) % below;
    };
}

export const SEED = Number(process.env.SBS_SEED ?? Math.floor(Date.now() / 1000));
export const LONG = process.env.SBS_LONG === '1';

/** All of the list in the long suite; `count` of them, chosen with the seed, in the short one. */
export function sample(list, count, next) {
    if (LONG || list.length <= count) return list;
    const left = [...list];
    const chosen = [];
    while (chosen.length < count) chosen.push(...left.splice(next(left.length), 1));
    return chosen;
}
