// SPDX-License-Identifier: Apache-2.0
// SMART scopes, versions 1 and 2 (SMART App Launch 2.2, "Scopes and Launch Context").

const GRAMMAR = /^(patient|user|system)\/([A-Z][A-Za-z]*|\*)\.(read|write|\*|c?r?u?d?s?)(?:\?(.+))?$/;
const VERSION_1 = { read: 'rs', write: 'cud', '*': 'cruds' };

/** @returns {{context: string, type: string, letters: string, query: ?string, version: number}|null} */
export function parseScope(text) {
    const match = GRAMMAR.exec(text);
    if (!match || match[3] === '') return null;
    const [, context, type, verbs, query = null] = match;
    const letters = VERSION_1[verbs];
    return { context, type, letters: letters ?? verbs, query, version: letters ? 1 : 2 };
}

export function parseScopes(text) {
    return text.split(' ').filter(Boolean).map(parseScope).filter(Boolean);
}

function commonType(a, b) {
    if (a === b || b === '*') return a;
    return a === '*' ? b : null;
}

function commonQuery(asked, registered) {
    if (registered === null || asked === registered) return { query: asked };
    return asked === null ? { query: registered } : null;
}

/** The part of what is asked that one registered scope covers, in SMART's notation, or null. */
function common(text, asked, registered) {
    const type = commonType(asked.type, registered.type);
    const query = commonQuery(asked.query, registered.query);
    const letters = [...asked.letters].filter((letter) => registered.letters.includes(letter)).join('');
    if (asked.context !== registered.context || type === null || query === null || letters === '') return null;
    if (type === asked.type && letters === asked.letters && query.query === asked.query) return text;
    return `${asked.context}/${type}.${letters}${query.query === null ? '' : `?${query.query}`}`;
}

/** What a client gets that asks for `asked` and is registered for `registered`: all three blank separated. */
export function grantedScopes(asked, registered) {
    const allowed = parseScopes(registered);
    const granted = new Set();
    for (const text of asked.split(' ').filter(Boolean)) {
        const scope = parseScope(text);
        const parts = scope ? allowed.map((each) => common(text, scope, each)).filter(Boolean) : [];
        if (parts.includes(text)) granted.add(text);
        else parts.forEach((part) => granted.add(part));
    }
    return [...granted].join(' ');
}

/** Whether the parsed scopes allow `letter` of c, r, u, d, s on a resource type ("*": on all types). */
export function allows(scopes, type, letter) {
    return scopes.some(
        (scope) =>
            scope.context === 'system' &&
            scope.query === null &&
            (scope.type === '*' || scope.type === type) &&
            scope.letters.includes(letter),
    );
}
