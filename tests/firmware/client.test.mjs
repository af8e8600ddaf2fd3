// SPDX-License-Identifier: Apache-2.0
// What a product links and nothing else (boards/client): it makes its key, and what its sensor gives is on the server
// once, also after power went before the network came.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Lab, eventually } from './lib/lab.mjs';
import { CLIENT_ID, observations } from './lib/meter.mjs';

const FIRMWARE = fileURLToPath(new URL('../../tools/firmware', import.meta.url));
const BOARD = 'lm3s6965evb';

let lab;
before(async () => {
    lab = await Lab.start();
});
after(() => lab?.stop());

/** The image for this lab: its settings are fixed when it is built. */
function buildFor({ fhirBase, caFile }) {
    const root = [...new X509Certificate(readFileSync(caFile)).raw].join(', ');
    const settings = lab.path('settings.h');
    const lines = { CLIENT_FHIR_BASE: JSON.stringify(fhirBase), CLIENT_ID: JSON.stringify(CLIENT_ID), CLIENT_ROOT: root };
    writeFileSync(settings, Object.entries(lines).map(([name, value]) => `#define ${name} ${value}\n`).join(''));
    const options = ['--variant', 'es384', '--target', 'client', '-D', `SBS_CLIENT_SETTINGS=${settings}`];
    const folder = ['--build-dir', fileURLToPath(new URL(`../../build/${BOARD}-client-test`, import.meta.url))];
    const built = execFileSync(FIRMWARE, ['build', BOARD, ...options, ...folder], { encoding: 'utf8', maxBuffer: 1 << 24 });
    copyFileSync(built.trim(), lab.path('client.elf'));
    return lab.path('client.elf');
}

const values = async () => (await observations(lab)).map((each) => each.valueQuantity.value).sort();
const held = (count) => eventually(async () => ((await values()).length >= count ? true : undefined), `${count} Observations`);

test('a client with a durable queue and nothing else brings each value to the server once', async () => {
    await lab.server.admin('POST', '/tls', { chain: 'rsa', min: '1.2', max: '1.2' }).then(({ caFile }) => (lab.server.info.caFile = caFile));
    const device = lab.device({ board: BOARD, image: buildFor(lab.server.info), firstLine: /^jwks: / });
    await device.start();
    const jwks = JSON.parse(device.lines.findLast(({ text }) => text.startsWith('jwks: ')).text.slice(6));
    assert.equal(jwks.keys[0].crv, 'P-384');
    device.type('3652\n3701\n');
    await device.waitFor(/^needs an operator: /); // nobody knows the key yet: what was measured stays in the flash
    await lab.server.admin('POST', '/clients', { clientId: CLIENT_ID, jwks, scopes: 'system/Observation.u' });
    await device.powerCycle();
    device.type('noise 12x\n12345678\n\r\n3850\r\n');
    await held(3);
    assert.deepEqual(await values(), [36.52, 37.01, 38.5]);
    await device.powerCycle();
    device.type('3900\n'); // whatever the start sends once more comes before this one
    await held(4);
    assert.deepEqual(await values(), [36.52, 37.01, 38.5, 39]);
    await device.kill();
});
