// SPDX-License-Identifier: Apache-2.0
// Flashes of a device that has made its first key and nothing else, one of each algorithm: run by tests/firmware/run and
// measure, after the image for lm3s6965evb was built. An RSA key takes the emulator longer than most tests do.
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Device } from './lib/device.mjs';
import { KEYED } from './lib/lab.mjs';

const BOARD = 'lm3s6965evb';
const IMAGE = join(KEYED, '../images/firmware.elf');

function isRecent(alg) {
    const path = join(KEYED, `${alg}.flash`);
    return existsSync(path) && statSync(path).mtimeMs > statSync(IMAGE).mtimeMs;
}

/** Keys are on this part of the flash, which every board here has in the same size. */
function keep(flashDir, alg) {
    const path = join(KEYED, `${alg}.flash`);
    copyFileSync(join(flashDir, 'storage.flash'), `${path}.new`);
    renameSync(`${path}.new`, path);
}

if (!['RS384', 'ES384'].every(isRecent)) {
    const flashDir = mkdtempSync(join(tmpdir(), 'keyed-'));
    const device = new Device({ board: BOARD, image: IMAGE, flashDir, seconds: 1200 });
    mkdirSync(KEYED, { recursive: true });
    try {
        await device.start();
        await device.waitForState('unprovisioned');
        await device.stop();
        keep(flashDir, 'RS384');
        await device.start();
        await device.waitForState('unprovisioned');
        await device.ask('rotate ES384', /^thumbprint: /);
        await device.queue();
        await device.stop();
        keep(flashDir, 'ES384');
    } finally {
        await device.kill();
        rmSync(flashDir, { recursive: true });
    }
}
