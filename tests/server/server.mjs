// SPDX-License-Identifier: Apache-2.0
// Runs the main server until it is told to stop, its time is over, or its parent is gone.
import { BadRequest } from './lib/faults.mjs';
import { stopInTime, writeReadyFile } from './lib/lifetime.mjs';
import { HELP, UsageError, readOptions } from './lib/options.mjs';

const EXAMPLE_CLIENT = '9e4a2858-9e86-406b-958f-b86a5e1ceb3d';

function greeting(info, clients) {
    return `The servers are running (process ${info.pid}); stop them with Ctrl-C.

  FHIR base   ${info.fhirBase}
  token URL   ${info.tokenUrl}
  CA file     ${info.caFile}
  admin       ${info.adminUrl}
  clients     ${clients.length > 0 ? clients.join(', ') : 'none yet'}

Register a client:
  sbs keygen --key device.pem && sbs jwk --key device.pem --set > jwks.json
  printf '{"clientId":"%s","jwks":%s}' ${EXAMPLE_CLIENT} "$(cat jwks.json)" | curl -sd @- ${info.adminUrl}/clients

Then:
  sbs get --fhir ${info.fhirBase} --ca ${info.caFile} --key device.pem \\
      --client-id ${EXAMPLE_CLIENT} --scope system/Observation.rs 'Observation?_count=10'
  curl -s '${info.adminUrl}/observations?format=text'
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
        ),
    );
    if (options.readyFile) writeReadyFile(options.readyFile, info);
}

main().catch((error) => {
    const expected = error instanceof UsageError || error instanceof BadRequest || error.code !== undefined;
    process.stderr.write(`start: ${expected ? error.message : error.stack}\n`);
    process.exit(error instanceof UsageError ? 2 : 1);
});
