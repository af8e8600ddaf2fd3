// SPDX-License-Identifier: Apache-2.0
// From empty flash to the first token at the first try: the handshake that checks the certificates, the next key and what
// the network sends share one heap, in an order that is another one each time.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { LONG } from '../integration/lib/observations.mjs';
import { Lab } from './lib/lab.mjs';
import { bringUp } from './lib/meter.mjs';

const TIMES = LONG ? 200 : 1;

let lab;
before(async () => {
    lab = await Lab.start();
});
after(() => lab?.stop());

test(`${TIMES} devices whose first key is replaced before they are provisioned`, async () => {
    for (let i = 0; i < TIMES; i++) {
        const device = lab.device({ board: 'lm3s6965evb' });
        await bringUp(lab, device, { alg: 'ES384' });
        const { heap_failures: failures } = await device.stats();
        assert.equal(failures, 0, `device ${i + 1}`);
        await device.kill();
    }
});
