// SPDX-License-Identifier: Apache-2.0
// Instructions of what the firmware does, counted by QEMU (-icount shift=0: one takes a nanosecond of the board's clock):
// run by tests/firmware/measure --instructions. Figures, not a test.
import { Lab } from './lib/lab.mjs';
import { bringUp, measureAndDrain, online } from './lib/meter.mjs';

const RUNS = 5;
const BOARDS = ['lm3s6965evb', 'mps2-an386'];
const MILLIONS = 1000; // microseconds of the board's clock to millions of instructions

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

function line(what, list) {
    const show = (us) => (us / MILLIONS).toFixed(1).padStart(8);
    console.log(`${what.padEnd(58)}${show(median(list))}${show(Math.min(...list))}${show(Math.max(...list))}`);
}

/** Work until the first token after a start: discovery, assertion, two handshakes, the token. */
async function boots(device) {
    const rows = { boot: [], longest: [], full: [], resumed: [] };
    for (let i = 0; i < RUNS; i++) {
        await device.powerCycle();
        await online(device);
        const { busy_us, longest_poll_us, handshake_full_us, handshake_resumed_us } = await device.stats();
        rows.boot.push(busy_us);
        rows.longest.push(longest_poll_us);
        rows.full.push(handshake_full_us);
        rows.resumed.push(handshake_resumed_us);
    }
    return rows;
}

/** One measurement over the open connection: from the sensor through the flash to the settled answer. */
async function warm(device) {
    const list = [];
    await measureAndDrain(device, 1);
    for (let i = 0; i < RUNS; i++) {
        const before = (await device.stats()).busy_us;
        await measureAndDrain(device, 1);
        list.push((await device.stats()).busy_us - before);
    }
    return list;
}

const lab = await Lab.start();
try {
    console.log(`${'millions of instructions, of 5 runs'.padEnd(58)}  median     min     max`);
    for (const board of BOARDS) {
        for (const alg of ['RS384', 'ES384']) {
            await lab.server.reset();
            await lab.server.admin('POST', '/tls', { min: '1.2', max: '1.2' });
            const device = lab.device({ board, args: ['--icount'] });
            await bringUp(lab, device, { alg, options: { timeout: 600 } });
            const { boot, longest, full, resumed } = await boots(device);
            line(`${board}, ${alg}: start to first token`, boot);
            line(`${board}, ${alg}: longest single poll of it`, longest);
            if (alg === 'ES384') {
                line(`${board}: one Observation over a warm connection`, await warm(device));
                line(`${board}: handshake full, P-256 < P-256, TLS 1.2`, full);
                line(`${board}: handshake resumed, TLS 1.2`, resumed);
            }
            await device.kill();
        }
    }
} finally {
    await lab.stop();
}
process.exit(0);
