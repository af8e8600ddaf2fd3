// SPDX-License-Identifier: Apache-2.0
// What an operator does with a demonstration meter: registers its key, provisions it, looks at what arrived.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { ok } from '../../integration/lib/sbs.mjs';
import { PHD } from './oracles.mjs';
import { pemToDer, record, speak } from './record.mjs';

export const CLIENT_ID = '5b0e71f4-6f2d-4c58-8a2b-3f0f5a1d9c11';
export const SCOPE = 'system/Observation.cu system/Device.cu';
export const SUBJECT = 'Patient/lab-patient-1';
export const TRIAL_MS = 200_000;

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

/** A record for this lab; `changes` as for record(). */
export function goodRecord(lab, changes = {}) {
    const { fhirBase, caFile } = lab.server.info;
    const ca = pemToDer(readFileSync(caFile, 'latin1'));
    return record({ fhir: fhirBase, clientId: CLIENT_ID, scope: SCOPE, subject: SUBJECT, ca, ...changes });
}

/** Provisions a device that has no record yet. */
export async function provision(lab, device, changes = {}) {
    const from = device.mark();
    const said = await speak(device, goodRecord(lab, changes));
    assert.equal(said, 'stored', device.tail());
    await device.waitFor(/^provision: confirmed$/, { from, ms: TRIAL_MS });
}

/** From empty flash to a device that pushes. */
export async function bringUp(lab, device, { alg = 'RS384', ...changes } = {}) {
    await device.start();
    await device.waitForState('unprovisioned', { ms: 120_000 });
    if (alg !== 'RS384') await device.ask(`rotate ${alg}`, /^thumbprint: /);
    const keys = await register(lab, device, changes);
    await provision(lab, device, changes);
    return keys;
}

/** Makes the device measure, and waits until all it holds is on the server. */
export async function measureAndDrain(device, count, { ms = 120_000 } = {}) {
    const before = await device.queue();
    await device.ask(`measure ${count}`, /^measuring$/);
    await drained(device, before.accepted + count, { ms });
}

/** Waits until the device has accepted `accepted` measurements and has nothing left to send. */
export async function drained(device, accepted, { ms = 120_000 } = {}) {
    for (const end = Date.now() + ms; ; ) {
        const queue = await device.queue();
        if (queue.queued === 0 && queue.accepted >= accepted) return queue;
        const { sent } = device.state;
        const left = Math.max(1, end - Date.now());
        const look = () => (device.state?.queued === 0 && device.state.sent > sent ? true : undefined);
        await device.until(look, `${accepted} measurements are not pushed`, left);
    }
}

/** The measurements on the server. */
export function observations(lab) {
    return lab.server.admin('GET', '/resources/Observation');
}

/** How often each identifier of a measurement is held. */
export async function held(lab) {
    const { identifiers } = await lab.server.admin('GET', '/stats');
    return Object.entries(identifiers).filter(([name]) => name.startsWith(`${PHD}|`));
}
