// SPDX-License-Identifier: Apache-2.0
// RAM of the firmware on lm3s6965evb by certificate chain, with the largest answers it is made for: run by
// tests/firmware/measure. A target that is missed is named; exit status 1: more than what was reached, or out of memory.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { Lab } from './lib/lab.mjs';
import { bringUp, measureAndDrain, online } from './lib/meter.mjs';

const BOARD = 'lm3s6965evb';
const KB = 1024;
/** The small variant is built for small answers; the others take the largest that the work order names. `records`: the
 *  largest record of the long answer, with what encryption adds, is at least and at most so long. */
const LARGE = { clientId: 'c'.repeat(2048), tokenBytes: 4096, answer: 20_000, discovery: 8192, records: [16_384, 16_408] };
const SMALL = { clientId: 'c'.repeat(64), tokenBytes: 900, answer: 20_000, discovery: 8192, records: [1024, 1048] };
/** `held`: what was reached where the target was not, in bytes; it may not grow. `algs`: default RS384 alone, whose key
 *  takes more. */
const VARIANTS = {
    default: { tls: '1.2', target: 56 * KB, held: 56 * KB, sizes: LARGE },
    small: { tls: '1.2', target: 32 * KB, held: 32 * KB, sizes: SMALL, algs: ['RS384', 'ES384'] },
    tls13: { tls: '1.3', target: 64 * KB, held: 64 * KB, sizes: LARGE },
};
const CHAINS = { p256: 'P-256 < P-256', rsa: 'RSA-2048 < RSA-2048 < RSA-2048', mixed: 'P-256 < P-384 < RSA-4096' };
const TOKEN_PLAIN_BYTES = 760;

/** Bytes of RAM that are taken before the program starts, without the stack. */
function staticBytes(image) {
    const rows = execFileSync('arm-none-eabi-size', ['-A', image], { encoding: 'utf8' });
    const sizes = [...rows.matchAll(/^\.(?:data|bss|noinit)\S*\s+(\d+)/gm)].map(([, size]) => Number(size));
    return sizes.reduce((sum, size) => sum + size, 0);
}

/** The largest TLS record that the device received, without its header. */
async function largestRecord(lab) {
    const all = await lab.server.admin('GET', '/connections');
    return Math.max(...all.flatMap((each) => each.down?.records ?? []).map(([, , length]) => length - 5));
}

/** The figures of a life of the device, with its peaks so far. */
async function figures(device) {
    const { heap_high_water, stack_high_water, heap_failures } = await device.stats();
    return { heap: heap_high_water, stack: stack_high_water, failures: heap_failures };
}

/** A discovery document of this size: read, or refused for its size. */
async function discoverLarge(lab, device, bytes) {
    const { smartConfiguration } = await lab.server.settings({ smartConfiguration: { padding: 'p'.repeat(bytes) } });
    assert.equal(smartConfiguration.padding.length, bytes);
    await device.powerCycle();
    const said = /^(?:state=online|error step="discovery" cause="([^"]*)")/;
    const [, cause] = await device.waitFor(said, { from: device.mark() - 1 });
    await lab.server.settings({ smartConfiguration: null });
    return cause === undefined ? 'read' : cause;
}

async function run(lab, variant, chain, alg) {
    const { tls, sizes } = VARIANTS[variant];
    await lab.server.reset();
    await lab.server.admin('POST', '/tls', { chain, min: tls, max: tls }).then(({ caFile }) => (lab.server.info.caFile = caFile));
    const tokenPadding = Math.max(0, Math.ceil(((sizes.tokenBytes - TOKEN_PLAIN_BYTES) * 3) / 4));
    await lab.server.settings({ tokenNamesClient: false, tokenPadding });
    const makesItsKey = alg === 'RS384' && chain === 'p256'; // what that takes counts, too
    const device = lab.device({ board: BOARD, variant, key: makesItsKey ? null : alg });
    await bringUp(lab, device, { alg, clientId: sizes.clientId });
    if (alg !== 'RS384') {
        await device.powerCycle(); // forgets what the first key took
        await online(device);
    }
    await measureAndDrain(device, 2);
    const body = { resourceType: 'Observation', note: 'x'.repeat(sizes.answer) };
    await lab.server.faults({ on: 'fhir', method: 'PUT', status: 201, body, process: true });
    await measureAndDrain(device, 2);
    const record = await largestRecord(lab);
    const [least, most] = sizes.records;
    assert.ok(record >= least && record <= most, `the largest record had ${record} bytes, not ${least} to ${most}`);
    const first = await figures(device);
    const discovery = await discoverLarge(lab, device, sizes.discovery);
    const large = await figures(device);
    const recovered = await online(device).then(
        () => true,
        () => false,
    );
    const tokens = await lab.server.requests('?where=fhir');
    const token = Number(/Bearer \[(\d+) bytes/.exec(tokens.at(-1).head.join('\n'))?.[1] ?? 0);
    await device.kill();
    return { ...first, static: staticBytes(device.image), record, token, discovery, large, recovered };
}

function row(cells) {
    const widths = [8, 39, 7, 7, 7, 7, 7, 7, 7];
    return cells.map((cell, i) => (i < 2 ? String(cell).padEnd(widths[i]) : String(cell).padStart(widths[i] ?? 0))).join(' ');
}

const lab = await Lab.start();
let good = true;
try {
    console.log(row(['variant', 'key, chain', 'static', 'heap', 'stack', 'sum', 'target', 'record', 'token']));
    for (const variant of process.argv.slice(2)) {
        const { algs = ['RS384'] } = VARIANTS[variant];
        const runs = algs.flatMap((alg) => Object.entries(CHAINS).map(([chain, name]) => [alg, chain, `${alg}, ${name}`]));
        for (const [alg, chain, name] of runs) {
            let cells;
            try {
                const one = await run(lab, variant, chain, alg);
                const sum = one.static + one.heap + one.stack;
                const { target, held } = VARIANTS[variant];
                const within = sum <= held && one.failures === 0;
                good = good && within;
                cells = [one.static, one.heap, one.stack, sum, target, one.record, one.token];
                const verdict = sum <= target && one.recovered ? 'ok' : 'target missed';
                const failures = one.failures === 0 ? '' : `, ${one.failures} allocations failed`;
                console.log(`${row([variant, name, ...cells])}  ${within ? verdict : 'OVER'}${failures}`);
                console.log(`         discovery of ${VARIANTS[variant].sizes.discovery} bytes: ${one.discovery}, with ` +
                    `${one.large.heap} bytes of heap${one.recovered ? '' : '; NOT ONLINE once it was small again'}`);
            } catch (error) {
                good = false;
                console.log(`${row([variant, name])}  FAILED: ${error.message}`);
            }
        }
    }
} finally {
    await lab.stop();
}
process.exit(good ? 0 : 1);
