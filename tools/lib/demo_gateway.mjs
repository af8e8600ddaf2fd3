// SPDX-License-Identifier: Apache-2.0
// What tools/demo needs for the gateway: a gate before the server that can be shut, and the sentence of a status page.
//
//   demo_gateway.mjs gate FHIR FILE   passes connections on to the host and port of FHIR; writes the FHIR address with
//                                     its own port into FILE; SIGUSR1 shuts it, SIGUSR2 opens it, each with a line
//   demo_gateway.mjs sentence URL     the page's sentence
import { renameSync, writeFileSync } from 'node:fs';
import net from 'node:net';

const MOST_MS = 900_000; // as long as the servers; it also keeps a shut gate alive

function gate(fhir, file) {
    const base = new URL(fhir);
    const { hostname } = base;
    const serverPort = Number(base.port || 443);
    const sockets = new Set();
    const server = net.createServer((device) => {
        const upstream = net.connect(serverPort, hostname);
        for (const [from, to] of [
            [device, upstream],
            [upstream, device],
        ]) {
            sockets.add(from);
            from.pipe(to);
            from.on('error', () => to.destroy()).on('close', () => sockets.delete(from) && to.destroy());
        }
    });
    const listen = (port, then) => server.listen(port, hostname, then);
    setTimeout(() => process.exit(1), MOST_MS);
    listen(0, () => {
        const { port } = server.address();
        process.on('SIGUSR1', () => {
            server.close(() => process.stdout.write('shut\n'));
            for (const socket of sockets) socket.destroy();
        });
        process.on('SIGUSR2', () => listen(port, () => process.stdout.write('open\n')));
        base.port = String(port);
        writeFileSync(`${file}.part`, base.href);
        renameSync(`${file}.part`, file);
    });
}

const ENTITIES = { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'", '&amp;': '&' };

async function sentence(url) {
    const text = await (await fetch(url)).text();
    const [, inner] = /<p class="state [^>]*>(.*?)<\/p>/s.exec(text) ?? [];
    if (inner === undefined) throw new Error(`no sentence in ${url}`);
    const plain = inner.replace(/<[^>]*>/g, '').replace(/&(?:lt|gt|quot|#39|amp);/g, (entity) => ENTITIES[entity]);
    process.stdout.write(`${plain}\n`);
}

const [name, ...args] = process.argv.slice(2);
try {
    await { gate, sentence }[name](...args);
} catch (error) {
    process.stderr.write(`demo: ${error.message}\n`);
    process.exit(1);
}
