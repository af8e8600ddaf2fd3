// SPDX-License-Identifier: Apache-2.0
// Which SMART letter an interaction needs (SMART App Launch 2.2: c, r, u, d, s; history of an instance is r).

const TYPE = /^[A-Z][A-Za-z]+$/;
const WRITES = { POST: 'c', PUT: 'u', PATCH: 'u', DELETE: 'd' };

/** @returns {{type: string, letter: string}|null} null for what this server does not offer */
export function permissionOf(method, url) {
    const [type, id, ...rest] = url
        .split('?')[0]
        .split('/')
        .filter((part) => part !== '');
    if (!TYPE.test(type ?? '')) return null;
    if (method === 'GET') return { type, letter: id === undefined ? 's' : 'r' };
    if (method === 'POST' && id === '_search') return { type, letter: 's' };
    if (!WRITES[method] || rest.length > 0 || (method === 'POST' && id !== undefined)) return null;
    return { type, letter: WRITES[method] };
}
