// SPDX-License-Identifier: Apache-2.0
// Everything for a person to play with: run by tests/firmware/play within a lab.
import { Lab } from './lib/lab.mjs';
import { bringUp } from './lib/meter.mjs';

const [board, variant] = process.argv.slice(2);
const say = (text) => process.stdout.write(`play: ${text}\n`);

const lab = await Lab.start();
const device = lab.device({ board, variant, seconds: 7200, onLine: (text) => process.stdout.write(`${text}\n`) });
await bringUp(lab, device);
say(`the server is ${lab.fhirBase} in the lab, its admin endpoint ${lab.server.info.adminUrl}`);
say("type 'help'; 'server' lists what arrived; Ctrl-D ends everything");

let ending = false;
async function end() {
    if (ending) return;
    ending = true;
    await lab.stop();
    process.exit(0);
}

async function take(line) {
    if (line.trim() === 'server') say(`\n${await lab.server.admin('GET', '/observations?format=text')}`);
    else device.type(`${line}\n`);
}

let part = '';
process.stdin.setEncoding('utf8').on('end', end);
process.stdin.on('data', (text) => {
    const lines = (part + text).split('\n');
    part = lines.pop();
    for (const line of lines) take(line).catch((error) => say(error.message));
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, end);
device.ended.then(end);
