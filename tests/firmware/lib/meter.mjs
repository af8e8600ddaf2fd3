// SPDX-License-Identifier: Apache-2.0
// What an operator does with a demonstration meter: registers its key, provisions it, looks at what arrived.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ok, sbs } from '../../integration/lib/sbs.mjs';
import { HANG_MS } from './device.mjs';
import { PHD, SEQUENCE } from './oracles.mjs';
import { pemToDer, record } from './record.mjs';

export const CLIENT_ID = '5b0e71f4-6f2d-4c58-8a2b-3f0f5a1d9c11';
export const SCOPE = 'system/Observation.cu system/Device.cu';
export const SUBJECT = 'Patient/lab-patient-1';
const MEASUREMENTS = [PHD, SEQUENCE];
/** Ends a wait for the end of a trial, which itself takes up to two minutes. */
export const TRIAL_MS = 120_000 + HANG_MS;

/** Registers the keys that the device shows, under this client id. */
export async function register(lab, device, { clientId = CLIENT_ID, scopes = SCOPE } = {}) {
    const keys = await device.keys();
    await lab.server.admin('POST', '/clients', { clientId, jwks: keys.jwks, scopes });
    return keys;
}

/** Takes the device's keys away from the registration. */
export async function unregister(lab, clientId = CLIENT_ID) {
    const stranger = await lab.server.key(`stranger-${Date.now()}.pem`);
    const { stdout } = await ok(['jwk', '--set', '--key', stranger]);
    await lab.server.admin('POST', '/clients', { clientId, jwks: JSON.parse(stdout) });
}

/** The bytes of a record for this lab, for what `sbs provision` never sends; `changes` as for record(). */
export function goodRecord(lab, changes = {}) {
    const { fhirBase, caFile } = lab.server.info;
    const ca = pemToDer(readFileSync(caFile, 'latin1'));
    return record({ fhir: fhirBase, clientId: CLIENT_ID, scope: SCOPE, subject: SUBJECT, ca, ...changes });
}

/** Provisions a device with `sbs provision`, whose result it returns; `changes` are options, null leaves one out. */
export async function provision(lab, device, changes = {}) {
    const path = join(lab.dir, 'console');
    const { fhirBase, caFile } = lab.server.info;
    const options = { device: path, fhir: fhirBase, 'client-id': CLIENT_ID, scope: SCOPE, subject: SUBJECT, ca: caFile };
    const words = Object.entries({ ...options, ...changes }).filter(([, value]) => value !== null);
    const close = await device.share(path);
    try {
        return await sbs(['provision', ...words.flatMap(([name, value]) => [`--${name}`, String(value)])]);
    } finally {
        await close();
    }
}

/** Provisions a device for a gateway, whose secret stands in a file; `changes` as for provision(). */
export function provisionForGateway(lab, device, fhir, secret, changes = {}) {
    const file = join(lab.dir, 'gateway-secret');
    writeFileSync(file, `${secret}\n`, { mode: 0o600 });
    device.hidden.push(secret);
    const others = { 'client-id': null, scope: null, ca: null };
    return provision(lab, device, { ...others, fhir, 'gateway-secret': file, ...changes });
}

/** From its first start to a device that pushes; with another first key than of this algorithm, it makes one. */
export async function bringUp(lab, device, { alg = device.firstAlg, clientId = CLIENT_ID, scopes = SCOPE, options = {} } = {}) {
    await device.start();
    await device.waitForState('unprovisioned');
    const [first] = (await device.keys()).jwks.keys;
    if (first.alg !== alg) await device.ask(`rotate ${alg}`, /^thumbprint: /);
    const keys = await register(lab, device, { clientId, scopes });
    const done = await provision(lab, device, { 'client-id': clientId, ...options });
    assert.equal(done.status, 0, `${done.text}\n${device.tail()}`);
    await device.waitForState('online');
    return keys;
}

export const online = (device, { ms = HANG_MS } = {}) => device.waitForState('online', { ms });

/** Where the console names no next try (no network, no time): their pauses are short so early. */
const UNTOLD_NEXT_S = 16;
const SLACK_S = 120; // for the try itself, which takes seconds, and for a busy machine

/**
 * Ends the cause of a trouble with `mend`, and demands that the device is online again within twice the back-off that it
 * tells, and SLACK_S. Nothing is done to the device.
 */
export async function recovers(device, mend, untold = UNTOLD_NEXT_S) {
    const { error } = await device.status();
    const next = Math.max(error?.next_s ?? 0, untold);
    await mend();
    await device.waitForState('online', { ms: (2 * next + SLACK_S) * 1000 });
}

/** Makes the device measure, and waits until all it holds is on the server. */
export async function measureAndDrain(device, count, { ms = HANG_MS } = {}) {
    const before = await device.queue();
    await device.ask(`measure ${count}`, /^measuring$/);
    await drained(device, before.accepted + count, { ms });
}

/** Waits until the device has accepted `accepted` measurements and has nothing left to send. */
export async function drained(device, accepted, { ms = HANG_MS } = {}) {
    for (const end = Date.now() + ms; ; ) {
        const queue = await device.queue();
        if (queue.queued === 0 && queue.accepted >= accepted) return queue;
        const left = Math.max(1, end - Date.now());
        // More than that answer said: the state may have been told between the answer and this look at it.
        const look = () => (device.state?.queued === 0 && device.state.sent > queue.sent ? true : undefined);
        await device.until(look, `${accepted} measurements are not pushed`, left);
    }
}

/** The measurements on the server. */
export function observations(lab) {
    return lab.server.admin('GET', '/resources/Observation');
}

/** How often each identifier of a measurement is held: [[identifier, count]]. */
export async function measurementsHeld(lab) {
    const { identifiers } = await lab.server.admin('GET', '/stats');
    return Object.entries(identifiers).filter(([name]) => MEASUREMENTS.some((system) => name.startsWith(`${system}|`)));
}
