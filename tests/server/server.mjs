// SPDX-License-Identifier: Apache-2.0
// Runs the main server until it is told to stop, its time is over, or its parent is gone.
import { BadRequest } from './lib/faults.mjs';
import { stopInTime, writeReadyFile } from './lib/lifetime.mjs';
import { HELP, UsageError, readOptions } from './lib/options.mjs';

const EXAMPLE_CLIENT = 'my-device';

/** A word of the shell. */
const quoted = (text) => (/^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

/** What a person pastes into a second terminal; the names are those of the top-level README. */
function exportLines(info, clients) {
    const names = { BASE: info.fhirBase, CA: info.caFile, ADMIN: info.adminUrl, ID: clients[0] ?? EXAMPLE_CLIENT };
    return Object.entries(names).map(([name, value]) => `export ${name}=${quoted(value)}`);
}

function endOf(maxSeconds) {
    const at = new Date(Date.now() + maxSeconds * 1000).toTimeString().slice(0, 8);
    return `They end at ${at}, after ${maxSeconds} seconds (--max-seconds), or with Ctrl-C.`;
}

function greeting(info, clients, maxSeconds) {
    return `The servers are running (process ${info.pid}). ${endOf(maxSeconds)}

Paste into another terminal:

${exportLines(info, clients).join('\n')}

Registered clients: ${clients.length > 0 ? clients.join(', ') : 'none yet'}. To register a key:

sbs keygen --key device.pem && sbs jwk --key device.pem --set > jwks.json
printf '{"clientId":"%s","jwks":%s}' $ID "$(cat jwks.json)" | curl -sd @- $ADMIN/clients

Then:

sbs get --fhir $BASE --ca $CA --key device.pem --client-id $ID --scope system/Observation.rs 'Observation?_count=10'
curl -s "$ADMIN/observations?format=text"
`;
}

async function main() {
    const options = readOptions(process.argv.slice(2));
    if (options.help) {
        process.stdout.write(HELP);
        return;
    }
    const { Server } = await import('./lib/server.mjs');
    const server = new Server(options);
    const info = await server.start();
    stopInTime(server, options);
    process.stdout.write(
        greeting(
            info,
            server.clients.list().map(({ clientId }) => clientId),
            options.maxSeconds,
        ),
    );
    if (options.readyFile) writeReadyFile(options.readyFile, info);
}

main().catch((error) => {
    const expected = error instanceof UsageError || error instanceof BadRequest || error.code !== undefined;
    process.stderr.write(`start: ${expected ? error.message : error.stack}\n`);
    process.exit(error instanceof UsageError ? 2 : 1);
});
