// SPDX-License-Identifier: Apache-2.0
// A new record is tried, and the old one goes on unless the new one gives a token: wrong, hostile, cut off in the middle.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { LONG, SEED, numbers } from '../integration/lib/observations.mjs';
import { Lab, eventually, pause } from './lib/lab.mjs';
import { CLIENT_ID, TRIAL_MS, bringUp, goodRecord, measureAndDrain, provision, register } from './lib/meter.mjs';
import { pemToDer, record, refusal, sealed, speak } from './lib/record.mjs';

const OTHER_CLIENT = 'f7a0c2a1-0000-4a60-9d2f-6a4d0ad0c0de';
const KILLS = LONG ? 40 : 4;
const MUTANTS = LONG ? 300 : 25;
const next = numbers(SEED);

let lab, device, keys;
before(async () => {
    lab = await Lab.start();
    device = lab.device({ board: 'lm3s6965evb', key: 'RS384' });
    keys = await bringUp(lab, device);
});
after(() => lab?.stop());

/** The old record is in use: a new token was got with it, and a measurement arrives. */
async function assertOldGoesOn() {
    await device.waitForState('online', { ms: TRIAL_MS });
    await measureAndDrain(device, 1);
    assert.equal((await device.status()).record, 'confirmed');
    assert.deepEqual(await device.keys(), keys);
    const [{ assertion }] = (await lab.server.requests('?where=token')).filter((each) => each.status === 200).slice(-1);
    assert.equal(assertion.claims.iss, CLIENT_ID);
}

/** Gives a record for a trial, and waits for its end: what the device says of it. */
async function tried(bytes) {
    const from = device.mark();
    assert.equal(await speak(device, bytes), 'trying');
    return (await device.waitFor(/^provision: (confirmed|restored.*)$/, { from, ms: TRIAL_MS }))[1];
}

test('a client that the server does not know', async () => {
    assert.match(await tried(goodRecord(lab, { clientId: OTHER_CLIENT })), /^restored by=server token request: .*invalid_client$/);
    await assertOldGoesOn();
});

test('sbs provision tells the same, and fails', async () => {
    const done = await provision(lab, device, { 'client-id': OTHER_CLIENT });
    assert.equal(done.status, 1, done.text);
    assert.match(done.stderr, /invalid_client/);
    await assertOldGoesOn();
});

test('a certificate authority that signed nothing here', async () => {
    const ca = pemToDer(readFileSync(lab.server.info.otherCaFile, 'latin1'));
    assert.match(await tried(goodRecord(lab, { ca })), /^restored by=\w+ discovery: .*certificate/);
    await assertOldGoesOn();
});

test('a token host that discovery does not lead to', async () => {
    const other = { tokenUrl: 'https://token.lab.test:8443', settings: { tokenPolicy: 2 } };
    assert.match(await tried(goodRecord(lab, other)), /^restored by=server .*another token host/);
    await assertOldGoesOn();
});

test('a token host that nobody answers for', { skip: !LONG && 'two minutes of waiting: in the long suite' }, async () => {
    const nobody = { tokenUrl: 'https://nobody.lab.test:8443/token', settings: { tokenPolicy: 1 } };
    assert.match(await tried(goodRecord(lab, nobody)), /^restored by=network /);
    await assertOldGoesOn();
});

/** Records that are no records, and what the device may say of them. */
function hostile() {
    const good = goodRecord(lab);
    const body = good.subarray(8, -4);
    const changed = (at, value) => {
        const copy = Buffer.from(good);
        copy[at] = value;
        return copy;
    };
    const random = (size) => Buffer.from(Array.from({ length: size }, () => next(256)));
    return {
        'a wrong checksum': changed(good.length - 1, good.at(-1) ^ 1),
        'a wrong length': changed(6, good[6] ^ 1),
        'the version after this': sealed(body, 2),
        'no version': sealed(body, 0),
        'no fields': sealed(Buffer.alloc(0)),
        'random bytes': random(900),
        'random fields': sealed(random(900)),
        'a field that is longer than the record': sealed(Buffer.concat([Buffer.from([1, 0xff, 0xff]), body])),
        'a field twice': sealed(Buffer.concat([body.subarray(0, 3 + body.readUInt16LE(1)), body])),
        'plain http': goodRecord(lab, { fhir: 'http://server.lab.test/fhir' }),
        'a base with a line end': goodRecord(lab, { fhir: 'https://server.lab.test/fhir\r\nX: y' }),
        'a client id that is too long': goodRecord(lab, { clientId: 'c'.repeat(3073) }),
        "a person's scope": goodRecord(lab, { scope: 'system/Observation.c user/Observation.c' }),
        'a subject that is no reference': goodRecord(lab, { subject: 'Patient' }),
        'a subject with quotes': goodRecord(lab, { subject: 'Patient/x","y":"' }),
        'no certificate': goodRecord(lab, { ca: [] }),
        'a certificate that is none': goodRecord(lab, { ca: [random(300)] }),
        'five certificates': goodRecord(lab, { ca: Array(5).fill(random(20)) }),
        'an unknown write mode': goodRecord(lab, { settings: { writeMode: 3 } }),
        'a zone beyond the earth': goodRecord(lab, { settings: { zone: 900 } }),
        'another algorithm than the key': goodRecord(lab, { settings: { alg: 2 } }),
    };
}

test('hostile bytes: each is refused with the field at fault, and changes nothing', async () => {
    for (const [what, bytes] of Object.entries(hostile())) {
        const { field, why } = refusal(await speak(device, bytes));
        assert.ok(field && why, `${what}\n${device.tail(20)}`);
    }
    await assertOldGoesOn();
});

/** A good record with a header byte, a tag, a length, a setting or a byte of a certificate changed, and sealed again. */
function mutant() {
    const good = goodRecord(lab);
    const body = Buffer.from(good.subarray(8, -4));
    const places = [];
    for (let at = 0; at < body.length; at += 3 + body.readUInt16LE(at + 1)) {
        const isText = body[at] < 10;
        places.push(at, at + 1, at + 2);
        for (let i = 0; !isText && i < body.readUInt16LE(at + 1); i++) places.push(at + 3 + i);
    }
    const at = places[next(places.length)];
    body[at] ^= 1 + next(255);
    return sealed(body);
}

test(`${MUTANTS} records with a byte changed: refused, or tried to an end`, async () => {
    for (let i = 0; i < MUTANTS; i++) {
        const bytes = mutant();
        const from = device.mark();
        const said = await speak(device, bytes);
        const what = `mutant ${i} of seed ${SEED}: ${said}`;
        if (said !== 'trying') assert.ok(refusal(said).field, what);
        else await device.waitFor(/^provision: (confirmed|restored.*)$/, { from, ms: TRIAL_MS });
    }
    // One that differs in a setting only is as good as any, and took the place of the record.
    assert.equal(await tried(goodRecord(lab)), 'confirmed');
    await assertOldGoesOn();
});

test('spoilt lines are asked for again, foreign ones end nothing', async () => {
    let spoilt = 0;
    const spoil = (line, index) => {
        if (next(3) > 0 || spoilt > 20) return line;
        spoilt += 1;
        return [line.slice(0, -1), line.replace(/data \d+/, 'data 7'), `${line}0`, 'provision data', line.replace('A', '*')][index % 5];
    };
    const from = device.mark();
    assert.equal(await speak(device, goodRecord(lab), spoil), 'trying');
    await device.waitFor(/^provision: confirmed$/, { from, ms: TRIAL_MS });
    assert.ok(spoilt > 0);
    await device.ask(`provision begin ${'9'.repeat(40)}`, /^provision: error field=size /);
    await device.ask('x'.repeat(400), /^error: the line is too long$/);
    await device.ask('provision data 0 AAAA 00000000', /^provision: no record is under way/);
    await assertOldGoesOn();
});

test(`the power fails in the middle: ${KILLS} times`, async () => {
    for (let i = 0; i < KILLS; i++) {
        const bytes = goodRecord(lab, { clientId: OTHER_CLIENT });
        if (i % 2 === 0) {
            // While it is tried: the token's answer takes longer than the device lives.
            await lab.server.faults({ on: 'token', delayMs: 5000 });
            assert.equal(await speak(device, bytes), 'trying');
            await pause(next(800));
        } else {
            const last = next(Math.floor(bytes.length / 96));
            const stop = new Error('far enough');
            const halt = (line, index) => {
                if (index >= last) throw stop;
                return line;
            };
            await assert.rejects(speak(device, bytes, halt), stop);
        }
        await device.powerCycle();
        await lab.server.clearFaults();
        await device.waitForState('online', { ms: TRIAL_MS });
    }
    await assertOldGoesOn();
});

test('a good one takes its place, and stays over a power cut', async () => {
    await register(lab, device, { clientId: OTHER_CLIENT });
    const done = await provision(lab, device, { 'client-id': OTHER_CLIENT });
    assert.equal(done.status, 0, done.text);
    await device.powerCycle();
    await device.waitForState('online');
    await measureAndDrain(device, 1);
    const [{ assertion }] = (await lab.server.requests('?where=token')).slice(-1);
    assert.equal(assertion.claims.iss, OTHER_CLIENT);
});

test('a record in the middle of which nothing comes any more is given up', async () => {
    const stop = new Error('enough');
    const halt = (line, index) => {
        if (index === 2) throw stop;
        return line;
    };
    await assert.rejects(speak(device, goodRecord(lab), halt), stop);
    await device.waitFor(/^provision: given up$/);
    await device.waitForState('online', { ms: TRIAL_MS });
    await eventually(async () => ((await device.status()).record === 'confirmed' ? true : undefined), 'the record');
});
