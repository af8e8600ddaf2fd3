// SPDX-License-Identifier: Apache-2.0
// A key in a token (SoftHSM) from its registration to a stored Observation, with the PIN in no process's arguments.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { MODULE } from './lib/softhsm.mjs';
import { sbs } from './lib/sbs.mjs';
import { MainServer } from './lib/server.mjs';

const PIN = '27182818';

let main;
let key;
before(async () => {
    main = await MainServer.start();
    execFileSync('softhsm2-util', ['--init-token', '--free', '--label', 'device', '--pin', PIN, '--so-pin', '31415926']);
    const tool = ['--module', MODULE, '--token-label', 'device', '--login', '--pin', PIN, '--keypairgen', '--usage-sign'];
    execFileSync('pkcs11-tool', [...tool, '--key-type', 'EC:secp384r1', '--label', 'ec', '--id', '01'], { stdio: 'ignore' });
    execFileSync('pkcs11-tool', [...tool, '--key-type', 'rsa:2048', '--label', 'rsa', '--id', '02'], { stdio: 'ignore' });
    writeFileSync(main.path('pin'), `${PIN}\n`, { mode: 0o600 });
    key = (label) => `pkcs11:token=device;object=${label}?module-path=${MODULE}&pin-source=${main.path('pin')}`;
});
after(() => main.stop());

const observation = (text) => ({
    resourceType: 'Observation',
    status: 'final',
    code: { text },
    identifier: [{ system: 'urn:example:token', value: text }],
});

for (const label of ['ec', 'rsa']) {
    test(`an ${label} key of a token is registered, checked, and pushes`, async () => {
        const clientId = `token-${label}`;
        await main.register(key(label), { clientId });
        const options = main.options({ key: key(label), 'client-id': clientId });

        const checked = await sbs(['check', ...options]);
        assert.equal(checked.status, 0, checked.text);
        const token = await sbs(['token', ...options]);
        assert.equal(token.status, 0, token.text);
        const pushed = await sbs(['push', ...options, main.write(`${label}.json`, observation(label))]);
        assert.equal(pushed.status, 0, pushed.text);

        const queue = main.path(`${label}.db`);
        const added = await sbs(['queue', 'add', '--queue', queue, main.write(`${label}-queued.json`, observation(`${label} queued`))]);
        assert.equal(added.status, 0, added.text);
        const emptied = await sbs(['queue', 'push', '--queue', queue, ...options, '--verbose']);
        assert.equal(emptied.status, 0, emptied.text);
        assert.ok(![checked, token, pushed, emptied].some(({ text }) => text.includes(PIN)));
    });
}

test('the wrong key of a token is refused by the server, and told', async () => {
    const result = await sbs(['token', ...main.options({ key: key('rsa'), 'client-id': 'token-ec' })]);
    assert.equal(result.status, 1, result.text);
});
