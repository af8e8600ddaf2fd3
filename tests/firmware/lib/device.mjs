// SPDX-License-Identifier: Apache-2.0
// A board under QEMU with the demonstration firmware: its console line by line, its flash files, its sudden death.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FIRMWARE = fileURLToPath(new URL('../../../tools/firmware', import.meta.url));
const SHOWN_LINES = 60;
/** Ends a wait that hangs: what is waited for takes seconds, and on a busy machine ten times as long. An RSA key takes up to 30 s. */
export const HANG_MS = 600_000;
const LIFE_S = 7200; // of QEMU

/** What may never stand on a console: a JWT, a PEM body, private members of a JWK. */
const SECRETS = [/eyJ[\w-]{10,}\.[\w-]*/, /-----BEGIN/, /"(?:d|p|q|dp|dq|qi)":"/, /Bearer /, /client_assertion/];

const STATE = /^state=(\S+) queued=(\d+) sent=(\d+) refused=(\d+) dead=(\d+)$/;

/** `name=value name="two words"` as an object; whole numbers as numbers. */
export function fields(text) {
    const all = {};
    for (const [, name, quoted, bare] of text.matchAll(/([\w-]+)=(?:"([^"]*)"|(\S*))/g)) {
        const value = quoted ?? bare;
        all[name] = /^\d+$/.test(value) ? Number(value) : value;
    }
    return all;
}

export class Device {
    lines = [];
    state = null;
    /** What the firmware says of a fault that ended the program before it: nobody waits for anything after that. */
    fault = null;
    ended = Promise.resolve();
    /** Texts that may not stand on its console, besides SECRETS: what it was given. */
    hidden = [];
    #options;
    #child = null;
    #part = '';
    #watchers = new Set();
    #taps = new Set();

    /**
     * @param {object} options board; variant ('default'); image: default the one that was built; flashDir; nic: QEMU's network arguments, a list; args: for
     * tools/firmware, such as ['--icount']; seconds: QEMU's longest life; firstLine: shows that it has started
     */
    constructor({ board, variant = 'default', image = null, flashDir, nic = [], args = [], seconds = LIFE_S, firstLine = /^state=(?!starting)/, onLine = null }) {
        this.#options = { board, variant, image, flashDir, nic, args, seconds, firstLine };
        this.onLine = onLine;
        mkdirSync(flashDir, { recursive: true });
    }

    get flashDir() {
        return this.#options.flashDir;
    }

    get image() {
        return this.#options.image;
    }

    get board() {
        return this.#options.board;
    }

    command() {
        const { board, variant, image, flashDir, nic, args, seconds } = this.#options;
        const fixed = ['run', board, '--variant', variant, '--flash-dir', flashDir, '--serial', 'stdio'];
        fixed.push(...(image ? ['--image', image] : ['--no-build']));
        return [FIRMWARE, ...fixed, ...nic, ...args, '--timeout', String(seconds)];
    }

    /** Switches the board on, and waits until it has looked at its flash. */
    async start() {
        assert.equal(this.#child, null, 'the board runs');
        const [program, ...args] = this.command();
        const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
        this.#child = child;
        this.#part = '';
        this.state = null;
        this.fault = null;
        this.stderr = '';
        child.stdin.on('error', () => {});
        child.stdout.setEncoding('utf8').on('data', (text) => this.#take(text));
        child.stderr.setEncoding('utf8').on('data', (text) => (this.stderr += text));
        this.ended = new Promise((resolve, reject) => {
            child.on('error', reject).on('close', (status, signal) => {
                if (this.#child === child) this.#child = null;
                this.#wake();
                resolve(status ?? signal);
            });
        });
        await this.waitFor(this.#options.firstLine, { ms: HANG_MS });
        return this;
    }

    #take(text) {
        for (const tap of this.#taps) tap(text);
        const lines = (this.#part + text).split('\n');
        this.#part = lines.pop();
        for (const line of lines) this.#takeLine(line.replace(/\r/g, ''));
        this.#wake();
    }

    #takeLine(text) {
        this.lines.push({ text, ms: Date.now() });
        this.onLine?.(text);
        for (const secret of SECRETS) assert.doesNotMatch(text, secret, 'a secret on the console');
        if (text.startsWith('last fault:')) this.fault = text;
        for (const secret of this.hidden) assert.ok(!text.includes(secret), 'a secret of its own on the console');
        const [, name, queued, sent, refused, dead] = STATE.exec(text) ?? [];
        if (name)
            this.state = { name, queued: Number(queued), sent: Number(sent), refused: Number(refused), dead: Number(dead) };
    }

    #wake() {
        for (const watcher of this.#watchers) watcher();
    }

    get running() {
        return this.#child !== null;
    }

    /** The place in the console's output where the next line will stand. */
    mark() {
        return this.lines.length;
    }

    /** The console's last lines, for a message. */
    tail(count = SHOWN_LINES) {
        const shown = this.lines.slice(-count).map((line) => `    ${line.text}`);
        return `console of ${this.board}:\n${shown.join('\n')}\n${this.stderr?.split('\n').slice(1).join('\n')}`;
    }

    /** Waits until `done()` gives something else than undefined, looking again after each line. */
    until(done, what, ms = HANG_MS) {
        return new Promise((resolve, reject) => {
            const finish = (settle, value) => {
                clearTimeout(timer);
                this.#watchers.delete(look);
                settle(value);
            };
            const look = () => {
                const value = done();
                if (this.fault) finish(reject, new Error(`${what}: the program ended by a fault\n${this.tail()}`));
                else if (value !== undefined) finish(resolve, value);
                else if (!this.running) finish(reject, new Error(`${what}: the board has ended\n${this.tail()}`));
            };
            const late = () => finish(reject, new Error(`${what}: not within ${ms} ms\n${this.tail()}`));
            const timer = setTimeout(late, ms);
            this.#watchers.add(look);
            look();
        });
    }

    /** The first line from place `from` on (default: from now on) that matches; its text's match. */
    waitFor(pattern, { from = this.mark(), ms = HANG_MS } = {}) {
        let next = from;
        const look = () => {
            for (; next < this.lines.length; next++) {
                const found = pattern.exec(this.lines[next].text);
                if (found) return found;
            }
            return undefined;
        };
        return this.until(look, `waiting for ${pattern}`, ms);
    }

    /** Waits until the shown state is one of these. */
    waitForState(names, { ms = HANG_MS } = {}) {
        const wanted = [names].flat();
        return this.until(
            () => (this.state && wanted.includes(this.state.name) ? this.state : undefined),
            `waiting for state ${wanted.join(' or ')}`,
            ms,
        );
    }

    type(text) {
        this.#child?.stdin.write(text);
    }

    /** Types a command and waits for the line that answers it. */
    async ask(command, pattern, { ms = HANG_MS } = {}) {
        const from = this.mark();
        this.type(`${command}\n`);
        return this.waitFor(pattern, { from, ms });
    }

    /** The lines that a command prints: `queue` behind it tells where they end. */
    async report(command) {
        const from = this.mark();
        this.type(`${command}\nqueue\n`);
        await this.waitFor(/^queued=\d+ accepted=/, { from });
        const texts = this.lines.slice(from).map((line) => line.text);
        return texts.slice(0, texts.findLastIndex((text) => /^queued=\d+ accepted=/.test(text)));
    }

    /** `queue`: {queued, accepted, sent, refused, dead, dropped} */
    async queue() {
        return fields((await this.ask('queue', /^queued=\d+ accepted=.*$/))[0]);
    }

    /** `status`: the fields of its lines in one object; `error`: those of its error line, null if there is none. */
    async status() {
        const texts = await this.report('status');
        const plain = texts.filter((text) => /^(state|record)=/.test(text)).slice(-2);
        const error = texts.findLast((text) => text.startsWith('error step='));
        return { ...fields(plain.join(' ')), error: error ? fields(error) : null };
    }

    /** `stats`: its numbers by name. */
    async stats() {
        return fields((await this.report('stats')).filter((text) => /^\w+=/.test(text)).join(' '));
    }

    /** The JWK Set and the thumbprints that the console shows. */
    async keys() {
        const texts = await this.report('jwk');
        const find = (start) => texts.findLast((text) => text.startsWith(start))?.slice(start.length);
        return {
            jwks: JSON.parse(find('jwks: ')),
            thumbprint: find('thumbprint: '),
            nextThumbprint: find('next-thumbprint: '),
        };
    }

    /** All bytes of the flash's files, one file after the other. */
    flash() {
        const files = readdirSync(this.flashDir).sort();
        return Buffer.concat(files.map((name) => readFileSync(join(this.flashDir, name))));
    }

    /** Opens the console to other programs as well, as a Unix socket at `path`; returns a function that closes it. */
    async share(path) {
        const clients = new Set();
        const server = net.createServer((client) => {
            const tap = (text) => client.write(text);
            clients.add(client);
            this.#taps.add(tap);
            client.on('data', (bytes) => this.type(bytes));
            client.on('error', () => {}).on('close', () => {
                clients.delete(client);
                this.#taps.delete(tap);
            });
        });
        await new Promise((resolve, reject) => server.once('error', reject).listen(path, resolve));
        return () => {
            for (const client of clients) client.destroy();
            return new Promise((resolve) => server.close(resolve));
        };
    }

    /** The power fails: QEMU gets SIGKILL. */
    async kill() {
        const child = this.#child;
        if (child === null) return;
        const under = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').split(' ').filter(Boolean);
        for (const pid of under.length > 0 ? under : [child.pid]) process.kill(Number(pid), 'SIGKILL');
        await this.ended;
    }

    /** Off, with time for the host to close its files. */
    async stop() {
        this.#child?.kill('SIGTERM');
        await this.ended;
    }

    /** Off and on again, suddenly. */
    async powerCycle() {
        await this.kill();
        return this.start();
    }
}
