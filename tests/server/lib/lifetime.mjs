// SPDX-License-Identifier: Apache-2.0
// How a test server tells that it is ready, and how it ends.
import { renameSync, writeFileSync } from 'node:fs';

/** Written whole: whoever sees the file sees all of it. */
export function writeReadyFile(file, info) {
    writeFileSync(`${file}.new`, `${JSON.stringify(info)}\n`);
    renameSync(`${file}.new`, file);
}

/** Stops with a signal, after a time, or when standard input closes. */
export function stopInTime(server, { maxSeconds, stopWithStdin }) {
    server.onStop(() => process.exit(0));
    setTimeout(() => {
        process.stdout.write(`The time is over (--max-seconds ${maxSeconds}): the servers have ended.\n`);
        server.stop();
    }, maxSeconds * 1000);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => server.stop());
    if (!stopWithStdin) return;
    process.stdin
        .on('end', () => server.stop())
        .on('error', () => server.stop())
        .resume();
}
