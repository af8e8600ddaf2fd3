// SPDX-License-Identifier: Apache-2.0
// What tools/demo shows: JSON, assertions, exchanges and the final table, shortened and within 100 columns.
import { readFileSync } from 'node:fs';
import net from 'node:net';

const WIDTH = 96;
const SECRET_RUN = /[\w-]{48,}(?:\.[\w-]+)*/g;
const SHOWN_BYTES = 24;

/** Tokens, key material and hashes: their beginning and their length. */
const shorten = (text) =>
    shortenIds(text).replace(SECRET_RUN, (run) => `${run.slice(0, SHOWN_BYTES)}...(${run.length} characters)`);

/** Ids that push derives from identifiers. */
const shortenIds = (text) => text.replace(/(sbs-[0-9a-f]{12})[0-9a-f]+/g, '$1...');

const input = () => readFileSync(0, 'utf8');
const print = (lines) =>
    process.stdout.write(
        [lines]
            .flat()
            .map((line) => `${line}\n`)
            .join(''),
    );

/** JSON with its numbers as they were written: 36.50 stays 36.50. */
function parseLiterally(text) {
    const marked = text.replace(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g, (part) =>
        part[0] === '"' ? part : `"\\u0001${part}"`,
    );
    return JSON.parse(marked);
}

function literal(value) {
    if (typeof value === 'string' && value[0] === '\u0001') return value.slice(1);
    return shorten(JSON.stringify(value));
}

function compact(value) {
    if (Array.isArray(value)) return `[${value.map(compact).join(', ')}]`;
    if (value === null || typeof value !== 'object') return literal(value);
    return `{${Object.entries(value)
        .map(([name, inner]) => `"${name}": ${compact(inner)}`)
        .join(', ')}}`;
}

/** One line where it fits, else one line for each member. */
function pretty(value, indent = '', before = 0) {
    const line = compact(value);
    const isNested = value !== null && typeof value === 'object';
    if (!isNested || indent.length + before + line.length <= WIDTH) return line;
    const inner = `${indent}  `;
    const rows = Array.isArray(value)
        ? value.map((each) => inner + pretty(each, inner))
        : Object.entries(value).map(([name, each]) => `${inner}"${name}": ${pretty(each, inner, name.length + 4)}`);
    const [open, close] = Array.isArray(value) ? '[]' : '{}';
    return `${open}\n${rows.join(',\n')}\n${indent}${close}`;
}

function showJson() {
    for (const text of input().split(/\n(?=\{)/)) {
        if (text.trim() !== '') print(pretty(parseLiterally(text)));
    }
}

/** A searchset as lines. */
function showBundle() {
    const { type, total, entry = [] } = parseLiterally(input());
    print(`Bundle, type ${JSON.parse(compact(type))}, total ${compact(total)}`);
    for (const { resource } of entry) {
        const { valueQuantity: quantity, code, effectiveDateTime, resourceType, id } = resource;
        const value = `${compact(quantity.value)} ${quantity.code}`;
        const cells = [column(effectiveDateTime, 25), column(code.coding[0].display, 14), column(value, 10)];
        print([...cells, shortenIds(`${resourceType}/${id}`)].join('  '));
    }
}

function showAssertion() {
    const [header, claims, signature] = input().trim().split('.');
    const decoded = (part) => Buffer.from(part, 'base64url').toString('utf8');
    print([`header     ${decoded(header)}`]);
    print([
        `claims     ${pretty(parseLiterally(decoded(claims)), ' '.repeat(11)).replace(/\n {11}(?=[}])/, '\n           ')}`,
    ]);
    print([`signature  ${shorten(signature)}`]);
}

/** The lines of `sbs --verbose`, one list for each exchange. */
function exchanges(text) {
    const all = [];
    for (const line of text.split('\n')) {
        const [, direction, rest] = /^sbs: ([<>]) ?(.*)$/.exec(line) ?? [];
        if (!direction) continue;
        if (direction === '>' && / HTTP\/1\.1$/.test(rest)) all.push([]);
        all.at(-1)?.push({ direction, rest });
    }
    return all;
}

const QUIET = /^(vary|access-control|keep-alive|connection|date|cache-control|last-modified|x-powered|content-length)/i;

/** What went over the wire for requests that match. */
function showWire(pattern) {
    const wanted = exchanges(input()).filter(([request]) => new RegExp(pattern).test(request.rest));
    for (const exchange of wanted) {
        for (const { direction, rest } of exchange) {
            if (!QUIET.test(rest)) print(`${direction} ${shorten(rest)}`);
        }
    }
    if (wanted.length === 0) throw new Error(`no request like ${pattern} went over the wire`);
}

const column = (text, width) => (text.length > width ? `${text.slice(0, width - 3)}...` : text.padEnd(width));

/** Lines of `sbs push`. */
function showListing() {
    for (const line of input().trim().split('\n')) {
        const [name, what, place = ''] = line.split('\t');
        print(`${column(name, 38)} ${column(what, 14)} ${shortenIds(place)}`);
    }
}

async function admin(url, path, options) {
    const answer = await fetch(url + path, options);
    if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
    return answer.text();
}

/** What the FHIR server noted of the last requests that match. */
async function showRecord(url, count) {
    const records = JSON.parse(await admin(url, '/requests?where=fhir')).slice(-Number(count));
    for (const { method, target, status, bodyLength, body } of records) {
        const values = [...(body ?? '').matchAll(/"value":-?[\d.eE+-]+/g)].map(([literally]) => literally).join(' ');
        print(`the server noted: ${method} ${shortenIds(target)}, ${bodyLength} bytes, ${values}`.slice(0, WIDTH));
        print(`the server answered: ${status}`);
    }
}

async function register(url, clientId, file) {
    const body = JSON.stringify({ clientId, jwks: JSON.parse(readFileSync(file, 'utf8')) });
    await admin(url, '/clients', { method: 'POST', body });
    const { kids, scopes } = JSON.parse(await admin(url, '/clients')).find((each) => each.clientId === clientId);
    print(`client_id  ${clientId}\nkey id     ${kids.join(', ')}\nscopes     ${scopes}`);
}

const settings = (url, body) => admin(url, '/settings', { method: 'POST', body });

/** The table of what the FHIR server holds. */
async function showTable(url) {
    const rows = JSON.parse(await admin(url, '/observations'));
    const when = (text) => text.replace('T', ' ').slice(0, 16);
    const value = (text) => text.replace(/[\w-]+(?: [^=;]*)? = /g, '');
    const name = (text) => text.replace(/^http:\/\/hl7\.org\/fhir\/uv\/phd\/[^|]*\|/, 'PHD|');
    // A gateway adds one of its own before the device's.
    const own = (all) => all.find((each) => !each.startsWith('urn:uuid:')) ?? all[0] ?? '';
    const cells = rows.map((row) => [
        row.code.replace(/^\S+ (?=\S)/, ''),
        value(row.value),
        when(row.effective),
        name(own(row.identifiers)),
    ]);
    const all = [['measurement', 'value', 'when', 'identifier'], ...cells];
    const widths = [0, 1, 2, 3].map((i) => Math.min([21, 21, 16, 34][i], Math.max(...all.map((row) => row[i].length))));
    const line = (row) =>
        row
            .map((cell, i) => column(cell, widths[i]))
            .join('  ')
            .trimEnd();
    print([line(all[0]), widths.map((width) => '-'.repeat(width)).join('  '), ...cells.map(line)]);
    print(`${rows.length} Observations`);
}

/** Breaks a command before its options, so that it can be pasted as it stands. */
function showCommand(...words) {
    const parts = words.reduce((all, word, i) => {
        const isValue = i > 0 && words[i - 1].startsWith('--') && !/^(--|\||>)/.test(word);
        const isPiped = all.at(-1)?.startsWith('|') && word !== '|';
        return isValue || isPiped ? [...all.slice(0, -1), `${all.at(-1)} ${word}`] : [...all, word];
    }, []);
    const lines = [''];
    for (const part of parts) {
        if (lines.at(-1).length + part.length + 5 > WIDTH) lines.push('   ');
        lines[lines.length - 1] += lines.at(-1) === '' ? part : ` ${part}`;
    }
    print(`$ ${lines.join(' \\\n')}`);
}

/** Lines of a device's console. */
function showConsole() {
    for (const line of input().split('\n')) {
        const [, name, json] = /^([\w-]+): (\{.*)$/.exec(line) ?? [];
        if (json) print(`${name}: ${pretty(JSON.parse(json), '', name.length + 4)}`);
        else if (line !== '') print(shorten(line).slice(0, WIDTH - 2));
    }
}

/** Types a line on a device's console. */
const typeLine = (path, text) =>
    new Promise((resolve, reject) => {
        const socket = net.connect(path, () => socket.end(`${text}\n`));
        socket.resume().on('error', reject).on('close', resolve);
    });

/** How many identifiers of this system the server holds, each once. */
async function countHeld(url, system) {
    const { identifiers } = JSON.parse(await admin(url, '/stats'));
    const own = Object.entries(identifiers).filter(([name]) => name.startsWith(`${system}|`));
    if (own.some(([, count]) => count !== 1)) throw new Error('the server holds one of them twice');
    print(String(own.length));
}

const COMMANDS = {
    console: showConsole,
    type: typeLine,
    held: countHeld,
    json: showJson,
    bundle: showBundle,
    assertion: showAssertion,
    wire: showWire,
    listing: showListing,
    record: showRecord,
    register,
    settings,
    table: showTable,
    command: showCommand,
    member: (file, name) => print(String(JSON.parse(readFileSync(file, 'utf8'))[name])),
};

const [name, ...args] = process.argv.slice(2);
try {
    await COMMANDS[name](...args);
} catch (error) {
    process.stderr.write(`demo: ${error.message}\n`);
    process.exit(1);
}
