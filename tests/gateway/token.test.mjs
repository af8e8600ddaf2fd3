// SPDX-License-Identifier: Apache-2.0
// A gateway whose key is in a token (SoftHSM): it signs, it is missing, its PIN is wrong.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, beforeEach, test } from 'node:test';
import { MODULE } from '../integration/lib/softhsm.mjs';
import { MainServer } from '../integration/lib/server.mjs';
import { Gateway, assertEachOnce } from './lib/gateway.mjs';

const PIN = '27182818';
const RETRIED_MS = 60_000; // it looks for the token every 30 s

const makeToken = (label) => {
    execFileSync('softhsm2-util', ['--init-token', '--free', '--label', label, '--pin', PIN, '--so-pin', '31415926']);
    const tool = ['--module', MODULE, '--token-label', label, '--login', '--pin', PIN, '--keypairgen', '--usage-sign'];
    execFileSync('pkcs11-tool', [...tool, '--key-type', 'EC:secp384r1', '--label', 'ec', '--id', '01'], { stdio: 'ignore' });
    execFileSync('pkcs11-tool', [...tool, '--key-type', 'rsa:2048', '--label', 'rsa', '--id', '02'], { stdio: 'ignore' });
};

let server;
before(async () => {
    server = await MainServer.start();
    makeToken('clinic');
    writeFileSync(server.path('pin'), `${PIN}\n`, { mode: 0o600 });
});
after(() => server.stop());
beforeEach(() => server.reset());

const uri = (token, object = 'ec', pin = server.path('pin')) =>
    `pkcs11:token=${token};object=${object}?module-path=${MODULE}&pin-source=${pin}`;

const start = async (t, key) => {
    const gateway = new Gateway(server, { lines: [`key = ${key}`] });
    t.after(() => gateway.stop());
    return gateway.start();
};
const changeKey = async (gateway, line) => {
    const text = readFileSync(gateway.path('gateway.conf'), 'utf8');
    writeFileSync(gateway.path('gateway.conf'), text.replace(/^key = .*\n/m, line));
    await gateway.ok('reload');
};
const keysOf = async (gateway) => JSON.parse((await gateway.ok('jwk', '--set')).stdout).keys;

test('a key in a token signs, is the one that is registered, and is exchanged by a reload', async (t) => {
    const gateway = await start(t, uri('clinic'));
    await gateway.prepare();
    const [first, ...others] = await keysOf(gateway);
    assert.deepEqual([first.alg, others.length], ['ES384', 0]);
    assert.equal((await gateway.status()).key, first.kid);
    assert.equal((await gateway.post('signed')).status, 201);
    await gateway.delivered();

    const checked = await gateway.ok('check');
    assert.match(checked.stdout, new RegExp(`^OK +key: ${first.kid}, in a token$`, 'm'));
    assert.match(checked.stdout, /^OK +token: valid for \d+ s$/m);

    for (const what of ['rotate', 'confirm']) {
        const refused = await gateway.command('key', what);
        assert.equal(refused.status, 1);
        assert.match(refused.stderr, /'key' in gateway\.conf names a key in a token, and the token's own tools make/);
    }

    await changeKey(gateway, `key = ${uri('clinic', 'rsa')}\n`);
    await gateway.until('the other key', (status) => status.key !== first.kid);
    const [second] = await keysOf(gateway);
    assert.equal(second.alg, 'RS384');
    await gateway.register();
    await gateway.ok('reload');
    assert.equal((await gateway.post('signed by the other')).status, 201);
    await gateway.delivered();

    await changeKey(gateway, '');
    await gateway.until('its own key', (status) => ![first.kid, second.kid].includes(status.key));
    assert.equal((await gateway.ok('key', 'rotate')).status, 0);
    assert.equal((await keysOf(gateway)).length, 2);
    await assertEachOnce(server, ['signed', 'signed by the other']);
    assert.ok(!gateway.stderr.includes(PIN));
});

test('while the token is missing devices are served, and it is looked for until it is there', async (t) => {
    const gateway = await start(t, uri('ward'));
    gateway.secrets.fridge = (await gateway.ok('device', 'secret', 'fridge')).stdout.trim();
    const paused = await gateway.until('paused', (status) => status.upstream === 'paused');
    assert.match(paused.upstreamReason, /the key in the token cannot be used: .*the token is not there.*tried again by itself/);
    assert.equal((await gateway.post('meanwhile')).status, 201);
    const refused = await gateway.command('jwk', '--set');
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /the token is not there/);
    assert.match((await gateway.command('check')).stdout, /^FAIL +key: in a token: .*the token is not there/m);

    makeToken('ward');
    await gateway.until('found', (status) => status.upstream !== 'paused' || status.key !== '', RETRIED_MS);
    await gateway.register();
    await gateway.ok('reload');
    await gateway.delivered();
    await assertEachOnce(server, ['meanwhile']);
    assert.equal(gateway.stderr.match(/the token is not there/g).length, 1, 'the journal is told once');
});

test('a PIN that is refused pauses it without another try, until a reload', async (t) => {
    const pin = server.path('changed-pin');
    writeFileSync(pin, '00000000\n', { mode: 0o600 });
    const gateway = await start(t, uri('clinic', 'ec', pin));
    const paused = await gateway.until('paused', (status) => status.upstream === 'paused');
    assert.match(paused.upstreamReason, /the PIN is wrong.*it is not tried again.*mend the PIN, then run 'sbs-gateway reload'/);

    writeFileSync(pin, `${PIN}\n`);
    await gateway.ok('reload');
    await gateway.until('mended', (status) => status.key !== '');
    await gateway.prepare();
    assert.equal((await gateway.post('after the PIN')).status, 201);
    await gateway.delivered();
    await assertEachOnce(server, ['after the PIN']);
});

test('a token that is emptied while it signs pauses it with what the token says, and nothing is lost', async (t) => {
    makeToken('pulled');
    const gateway = await (await start(t, uri('pulled'))).prepare();
    assert.equal((await gateway.post('before')).status, 201);
    await gateway.delivered();

    execFileSync('softhsm2-util', ['--delete-token', '--token', 'pulled']);
    await server.faults({ on: 'fhir', method: 'PUT', refuseToken: true }, { on: 'fhir', method: 'POST', refuseToken: true });
    assert.equal((await gateway.post('after')).status, 201);
    const paused = await gateway.until('paused', (status) => status.upstream === 'paused');
    assert.match(paused.upstreamReason, /^the key in the token cannot be used: the token is not there.*; plug it in or unlock it/);
    assert.equal(paused.waiting, 1);

    await changeKey(gateway, `key = ${uri('clinic')}\n`);
    await gateway.until('the other key', (status) => status.key !== paused.key);
    await gateway.register();
    await gateway.ok('reload');
    await gateway.delivered();
    await assertEachOnce(server, ['before', 'after']);
});
