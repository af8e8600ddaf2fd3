// SPDX-License-Identifier: Apache-2.0
// A site: the firmware, which posts without TLS on a network that reaches nobody, and 19 devices more give their measurements
// to one gateway. The server is cut off for a while, the board's cable is out for a while, and the gateway is killed at
// any moment: everything that was accepted is on the server, once.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Gateway } from '../gateway/lib/gateway.mjs';
import { Poster } from '../gateway/lib/poster.mjs';
import { LONG, SEED, SYSTEM, nameOf, numbers } from '../integration/lib/observations.mjs';
import { Lab, pause } from './lib/lab.mjs';
import { SUBJECT, drained, measurementsHeld, observations, provisionForGateway } from './lib/meter.mjs';
import { record, refusal, speak } from './lib/record.mjs';

const POSTERS = 19;
const KILLS = LONG ? 50 : 5;
const FIELD = 'field-meter'; // the board at the gateway
const PLAIN_PORT = 8090;
const TLS_PORT = 8091;
const DELIVERY_MS = 600_000;

let lab, gateway, device;
before(async () => {
    lab = await Lab.start();
    const names = Array.from({ length: POSTERS }, (_, i) => `meter-${i}`);
    const place = (name, port) => `[listen ${name}]\naddress = ${lab.address}:${port}\n`;
    const more = `${place('field', PLAIN_PORT)}insecure = yes\nallow = ${lab.address}/24\n${place('tls', TLS_PORT)}`;
    gateway = new Gateway(lab.server, { devices: [FIELD, ...names], more });
    await gateway.start();
    await gateway.prepare();
    device = lab.device({ board: 'lm3s6965evb' });
    await device.start();
    await device.waitForState('unprovisioned');
});
after(async () => {
    await gateway?.stop();
    await lab?.stop();
});

const base = (scheme, port) => `${scheme}://${lab.address}:${port}/fhir`;
const provisioned = (scheme, port, secret, changes) => provisionForGateway(lab, device, base(scheme, port), secret, changes);

/** Nothing gets to the server, nor back; connections stay open, and new ones fail. Measurements wait when it ends. */
async function cutServer(cut) {
    if (!cut) assert.ok((await gateway.status()).waiting > 0, 'the server was not cut off');
    if (!cutServer.prepared) {
        // The table of this machine's own addresses comes after the rules that follow.
        execFileSync('ip', ['rule', 'add', 'pref', '100', 'lookup', 'local']);
        execFileSync('ip', ['rule', 'del', 'pref', '0']);
        cutServer.prepared = true;
    }
    const { port } = new URL(lab.fhirBase);
    for (const direction of ['dport', 'sport']) {
        execFileSync('ip', ['rule', cut ? 'add' : 'del', 'pref', '10', 'ipproto', 'tcp', direction, port, 'unreachable']);
    }
}

/** The board reaches nobody; its measurements wait when it ends. */
async function pullCable(out) {
    if (!out) assert.ok((await device.queue()).queued > 0, 'the cable was not out');
    await lab.fault(out ? 'cable out' : 'cable in');
}

test('hostile records are refused, and name what is at fault', async () => {
    const secret = 'QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY';
    const good = { fhir: base('http', PLAIN_PORT), secret, settings: { writeMode: 1 } };
    const cases = [
        [{ secret: undefined, clientId: 'c', scope: 'system/*.c' }, 'fhir'], // http without a secret
        [{ fhir: `${good.fhir}?x` }, 'fhir'],
        [{ version: 1 }, 'client-id'],
        [{ clientId: 'c' }, 'client-id'],
        [{ fhir: base('https', TLS_PORT) }, 'ca'],
        [{ ca: [Buffer.from([0x30, 0])] }, 'ca'],
        [{ secret: '' }, 'gateway-secret'],
        [{ secret: `${secret}A` }, 'gateway-secret'],
        [{ secret: `${secret.slice(0, -2)}\r\n` }, 'gateway-secret'],
        [{ secret: `${secret.slice(0, -1)}Z` }, 'gateway-secret'], // bits behind the last byte
        [{ settings: { writeMode: 0 } }, 'write-mode'],
        [{ settings: { writeMode: 1, tokenPolicy: 1 } }, 'token-policy'],
    ];
    device.hidden.push(secret.slice(0, -2));
    for (const [change, field] of cases) {
        const answer = await speak(device, record({ ...good, ...change }));
        assert.equal(refusal(answer).field, field, `${JSON.stringify(change)}: ${answer}`);
    }
});

test('a secret that the gateway does not know is told', async () => {
    const wrong = await provisioned('http', PLAIN_PORT, 'A'.repeat(43));
    assert.equal(wrong.status, 1, wrong.text);
    assert.match(wrong.text, /not taken: FHIR request: .*the record is stored but not yet confirmed/);
});

test('the gateway confirms the record by the secret', async () => {
    const done = await provisioned('http', PLAIN_PORT, gateway.secrets[FIELD]);
    assert.equal(done.status, 0, `${done.text}\n${device.tail()}`);
    await device.waitForState('online');
});

test(`${KILLS} kills, 20 devices, network cut for a while: what was accepted arrives once (seed ${SEED})`, async (t) => {
    const next = numbers(SEED);
    const posters = gateway.devices.filter((name) => name !== FIELD).map((name) => new Poster(gateway, name));
    const running = posters.map((poster) => poster.run());
    const away = { server: [KILLS * 0.2, KILLS * 0.5], cable: [KILLS * 0.4, KILLS * 0.8] }; // from one kill to another
    let [cut, out] = [false, false];

    for (let i = 0; i < KILLS; i++) {
        if (cut !== (i >= away.server[0] && i < away.server[1])) await cutServer((cut = !cut));
        if (out !== (i >= away.cable[0] && i < away.cable[1])) await pullCable((out = !out));
        device.type(`measure ${1 + next(4)}\n`);
        await pause(100 + next(900));
        await gateway.kill();
        await gateway.start();
    }
    if (cut) await cutServer(false);
    if (out) await pullCable(false);

    for (const poster of posters) poster.over = true;
    await Promise.all(running);
    assert.deepEqual(posters.flatMap((poster) => poster.odd), [], 'only 201, 200, 503 or silence');
    device.type('push\n');
    const field = await drained(device, KILLS, { ms: DELIVERY_MS });
    await gateway.delivered(DELIVERY_MS);

    const given = posters.flatMap((poster) => poster.given);
    const { identifiers } = await lab.server.admin('GET', '/stats');
    const ours = Object.entries(identifiers).filter(([name]) => name.startsWith(`${SYSTEM}|`));
    const measured = await measurementsHeld(lab);
    assert.deepEqual([...ours, ...measured].filter(([, count]) => count !== 1), [], 'not once');
    assert.deepEqual(ours.map(([name]) => name).sort(), given.map(nameOf).sort());
    assert.equal(measured.length, field.accepted, device.tail());
    assert.deepEqual({ sent: field.sent, dead: field.dead, dropped: field.dropped }, { sent: field.accepted, dead: 0, dropped: 0 });
    assert.equal((await observations(lab)).length, given.length + field.accepted);
    const repeats = posters.reduce((sum, poster) => sum + poster.repeats, 0);
    t.diagnostic(`${KILLS} kills, ${given.length} accepted of ${POSTERS} devices, ${repeats} of them as repeats, and ${field.accepted} of the firmware: lost 0, twice 0`);
});

test('what the firmware gave is whole, and names its subject', async () => {
    const all = await observations(lab);
    const own = all.filter((each) => each.subject?.reference === SUBJECT);
    assert.ok(own.length >= KILLS);
    for (const each of own) {
        assert.equal(each.status, 'final');
        assert.ok(each.effectiveDateTime && each.valueQuantity.value > 0, JSON.stringify(each));
        assert.equal(each.device, undefined);
    }
});

test('the same by https, with the root that the gateway prints', async () => {
    const ca = gateway.path('root.pem');
    writeFileSync(ca, (await gateway.ok('ca')).stdout);
    const done = await provisioned('https', TLS_PORT, gateway.secrets[FIELD], { ca });
    assert.equal(done.status, 0, `${done.text}\n${device.tail()}`);
    const { accepted } = await device.queue();
    await device.ask('measure 2', /^measuring$/);
    await drained(device, accepted + 2);
    await gateway.delivered(DELIVERY_MS);
    assert.equal((await measurementsHeld(lab)).length, accepted + 2);
    assert.ok((await device.stats()).handshakes_full > 0);
});
