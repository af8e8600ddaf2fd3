// SPDX-License-Identifier: Apache-2.0
// The network of tests/lab, in which this process runs (tests/lab/lab -- node ...), with the main server in it.
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { networkInterfaces } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MainServer, pause } from '../../integration/lib/server.mjs';
import { Device, HANG_MS } from './device.mjs';

const PORT = 8443;
const SERVER_SECONDS = '14400';
const OWN_BUILD = fileURLToPath(new URL('../../../build', import.meta.url));
/** Where the boards' build folders are. */
const BUILD = process.env.SBS_FIRMWARE_BUILD ?? OWN_BUILD;
/** Flashes with a key, ES384.flash and RS384.flash (keyed.mjs). */
export const KEYED = join(OWN_BUILD, 'lm3s6965evb', 'keyed');
const { SBS_LAB, SBS_LAB_SERVER, SBS_LAB_NAME, SBS_LAB_NETDEV, SBS_LAB_TAP } = process.env;

/** Refuses to run anywhere but in a network that reaches nobody. */
function assertIsolated() {
    assert.ok(SBS_LAB, 'run this in a lab: tests/firmware/run, or tests/lab/lab -- node ...');
    const others = Object.keys(networkInterfaces()).filter((name) => name !== 'lo' && name !== SBS_LAB_TAP);
    assert.deepEqual(others, [], 'this network reaches more than the lab');
}

export class Lab {
    #devices = [];
    #count = 0;

    /** Starts the server; `serverArgs` are options of tests/server/start. */
    static async start(serverArgs = []) {
        assertIsolated();
        const lab = new Lab();
        lab.dir = mkdtempSync(join(SBS_LAB, 'test-'));
        const origin = `https://${SBS_LAB_NAME}:${PORT}`;
        const place = ['--listen', SBS_LAB_SERVER, '--port', String(PORT), '--public', origin];
        lab.server = await MainServer.start([...place, '--max-seconds', SERVER_SECONDS, ...serverArgs]);
        return lab;
    }

    get fhirBase() {
        return this.server.info.fhirBase;
    }

    get address() {
        return SBS_LAB_SERVER;
    }

    path(name) {
        return join(this.dir, name);
    }

    /** A board, not started; one at a time, as there is one cable. Its flash is empty, or has a first key on it: `key` is its
     *  algorithm. Where nobody has made such a flash, bringUp() makes the key. */
    device({ key = null, ...options }) {
        this.#count += 1;
        const flashDir = this.path(`flash-${this.#count}`);
        mkdirSync(flashDir);
        if (key && existsSync(KEYED)) copyFileSync(join(KEYED, `${key}.flash`), join(flashDir, 'storage.flash'));
        const nic = ['--qemu=-netdev', `--qemu=${SBS_LAB_NETDEV}`, '--qemu=-net', '--qemu=nic,netdev=lab'];
        const image = options.image ?? this.#image(options);
        const device = new Device({ nic, image, flashDir, ...options });
        device.firstAlg = key ?? 'RS384';
        this.#devices.push(device);
        return device;
    }

    /** A copy of the image: a build that goes on beside the tests does not change it under them. */
    #image({ board, variant = 'default', target = 'firmware' }) {
        const copy = this.path(`${basename(board)}-${variant}-${target}.elf`);
        const folder = variant === 'default' ? board : `${board}-${variant}`;
        const image = process.env.SBS_FIRMWARE_IMAGE ?? join(BUILD, folder, 'images', `${target}.elf`); // of a board elsewhere
        if (!existsSync(copy)) copyFileSync(image, copy);
        return copy;
    }

    /** Commands of tests/lab/fault, such as `loss 10`; returns the last answer. */
    async fault(...commands) {
        let answer = '';
        for (const command of commands) {
            answer = await exchange(join(SBS_LAB, 'control'), command);
            assert.doesNotMatch(answer, /^error|^$/, command);
        }
        return answer;
    }

    async linkCounters() {
        return JSON.parse(await this.fault('status')).link;
    }

    /** The network is perfect again, and the server has no faults. */
    async mend() {
        await this.fault('clear', 'dhcp on', 'dns on', 'ntp on', 'ntp offset 0');
        await this.server.clearFaults();
    }

    async stop() {
        for (const device of this.#devices) await device.kill();
        await this.server.stop();
        rmSync(this.dir, { recursive: true, force: true });
    }
}

function exchange(path, line) {
    return new Promise((resolve, reject) => {
        let answer = '';
        const socket = net.connect(path, () => socket.write(`${line}\n`));
        socket.setEncoding('utf8').setTimeout(HANG_MS, () => socket.destroy(new Error(`no answer to '${line}'`)));
        socket.on('error', reject).on('data', (text) => {
            answer += text;
            if (answer.endsWith('\n')) socket.end();
        });
        socket.on('close', () => resolve(answer.trimEnd()));
    });
}

/** Asks `look` again and again until it gives something else than undefined. */
export async function eventually(look, what, ms = HANG_MS) {
    for (const end = Date.now() + ms; ; await pause(100)) {
        const value = await look();
        if (value !== undefined) return value;
        if (Date.now() > end) throw new Error(`${what}: not within ${ms} ms`);
    }
}

export { pause };
