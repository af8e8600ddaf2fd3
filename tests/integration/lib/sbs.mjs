// SPDX-License-Identifier: Apache-2.0
// Runs the built sbs command, and judges how it failed. Every run is searched for secrets on standard error.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { resolve } from 'node:path';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
export const SBS = resolve(ROOT, process.env.SBS ?? 'build/host/tools/sbs');
const KILL_AFTER_MS = 120_000;

/** Without what names a proxy, which messages about hosts that are not reached would tell. */
const ENVIRONMENT = { ...process.env };
for (const name of ['https_proxy', 'HTTPS_PROXY']) delete ENVIRONMENT[name];

/** What a person may never find in a message: a JWT, a PEM body, a bearer token. */
const SECRETS = [/eyJ[\w-]{10,}\.[\w-]*/, /-----BEGIN/, /Authorization: Bearer (?!\[)/i, /client_assertion=(?!\[)\S/];

/** @typedef {{status: number|null, signal: string|null, stdout: string, stderr: string, ms: number, text: string}} Result */

/** Runs `sbs ARGS`; what it prints is text. */
export function sbs(args, { input = '', env = {}, command = SBS, onStart = () => {}, onStderr = () => {} } = {}) {
    const began = Date.now();
    const child = spawn(command, args, { env: { ...ENVIRONMENT, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
    onStart(child);
    const timer = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
    const result = { args, status: null, signal: null, stdout: '', stderr: '', pid: child.pid };
    child.stdout.setEncoding('utf8').on('data', (text) => (result.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text) => {
        result.stderr += text;
        onStderr(text, child);
    });
    child.stdin.on('error', () => {}).end(input);
    return new Promise((done, fail) => {
        child.on('error', fail).on('close', (status, signal) => {
            clearTimeout(timer);
            Object.assign(result, { status, signal, ms: Date.now() - began });
            result.text = `sbs ${args.join(' ')}\nexit ${status ?? signal}\nstdout: ${result.stdout}\nstderr: ${result.stderr}`;
            for (const secret of SECRETS) assert.doesNotMatch(result.stderr, secret, 'a secret on standard error');
            done(result);
        });
    });
}

/** Runs it and demands exit status 0. */
export async function ok(args, options) {
    const result = await sbs(args, options);
    assert.equal(result.status, 0, result.text);
    return result;
}

/** The last line of standard error without `sbs: `; notes of retries may stand before it. */
export function lastMessage(result) {
    const lines = result.stderr.split('\n');
    assert.equal(lines.pop(), '', `the last message has no line end: ${result.text}`);
    for (const line of lines) {
        assert.match(line, /^sbs: [\x20-\x7e]+$/, `a message that is not one line of ASCII: ${result.text}`);
    }
    return (lines.at(-1) ?? '').replace(/^sbs: /, '');
}

/** Demands a failure with this exit status, this message (text, or pattern), and nothing on standard output. */
export function assertFails(result, status, message) {
    assert.equal(result.status, status, result.text);
    assert.equal(result.stdout, '', result.text);
    assertMessage(result, message);
}

/** `what failed: why, what to do` */
export function assertMessage(result, message) {
    const last = lastMessage(result);
    assert.match(last, /^[^:]+: .+, .+$/, `not 'what: why, what to do': ${result.text}`);
    if (typeof message === 'string') assert.equal(last, message, result.text);
    else assert.match(last, message, result.text);
}

/** Runs it and demands a failure, see assertFails. */
export async function fails(args, status, message, options) {
    const result = await sbs(args, options);
    assertFails(result, status, message);
    return result;
}

/** The lines of `sbs push`: name, what happened, why, where. */
export function pushLines(result) {
    return result.stdout
        .split('\n')
        .slice(0, -1)
        .map((line) => {
            const [name, fate, place = ''] = line.split('\t');
            const [, what, reason = ''] = /^([^:]+)(?:: (.*))?$/.exec(fate ?? '') ?? [null, fate];
            return { name, what, reason, place };
        });
}
