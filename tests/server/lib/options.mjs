// SPDX-License-Identifier: Apache-2.0
// The command line of the main server.
import { isIP } from 'node:net';
import { parseArgs } from 'node:util';
import { CHAINS, LEAVES } from './ca.mjs';

export const HELP = `usage: tests/server/start [OPTIONS]
Starts the authorization server and FHIR server of libsbs's demo and tests, on loopback.

  --port N              port of the server; 0 (default): any free one
  --admin-port N        port of the admin endpoint; 0 (default): any free one
  --listen ADDRESS      also listens on this address; repeatable, for networks that reach nobody else
  --public ORIGIN       origin in the URLs that the server names; default https://localhost:PORT
  --client ID=FILE[:SCOPES]
                        registers a client from a JWK Set file (\`sbs jwk --set\`); repeatable
  --token-lifetime N    seconds an access token lives; default 300
  --lenient-seed        accepts the seed's assertion, without kid and jti
  --tls-min 1.2|1.3, --tls-max 1.2|1.3
  --chain ${Object.keys(CHAINS).join('|')}   kind of certificate chain; default p256
  --leaf ${Object.keys(LEAVES).join('|')}
  --dir DIR             folder for working files; default: a temporary one, removed at the end
  --ready-file FILE     writes a JSON object with the URLs once the server answers
  --max-seconds N       stops by itself after N seconds; default 3600
  --stop-with-stdin     stops when standard input closes
  --verbose             one line for each request, on stderr
  --help

example: tests/server/start --client 9e4a2858-9e86-406b-958f-b86a5e1ceb3d=jwks.json
`;

const OPTIONS = {
    port: { type: 'string', default: '0' },
    'admin-port': { type: 'string', default: '0' },
    listen: { type: 'string', multiple: true, default: [] },
    public: { type: 'string' },
    client: { type: 'string', multiple: true, default: [] },
    'token-lifetime': { type: 'string', default: '300' },
    'lenient-seed': { type: 'boolean', default: false },
    'tls-min': { type: 'string', default: '1.2' },
    'tls-max': { type: 'string', default: '1.3' },
    chain: { type: 'string', default: 'p256' },
    leaf: { type: 'string', default: 'good' },
    dir: { type: 'string' },
    'ready-file': { type: 'string' },
    'max-seconds': { type: 'string', default: '3600' },
    'stop-with-stdin': { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
};

export class UsageError extends Error {}

export function wholeNumber(values, name, max) {
    const number = Number(values[name]);
    if (!/^\d+$/.test(values[name]) || number > max)
        throw new UsageError(`--${name} ${values[name]}: not a number from 0 to ${max}`);
    return number;
}

function addresses(list) {
    for (const text of list) if (!isIP(text)) throw new UsageError(`--listen ${text}: not an IP address`);
    return list;
}

export function readOptions(args) {
    let values;
    try {
        ({ values } = parseArgs({ args, options: OPTIONS, strict: true }));
    } catch (error) {
        throw new UsageError(error.message);
    }
    return {
        help: values.help,
        port: wholeNumber(values, 'port', 65535),
        adminPort: wholeNumber(values, 'admin-port', 65535),
        addresses: addresses(values.listen),
        publicOrigin: values.public,
        clients: values.client,
        tokenLifetime: wholeNumber(values, 'token-lifetime', 86_400),
        lenientSeed: values['lenient-seed'],
        tls: { min: values['tls-min'], max: values['tls-max'], chain: values.chain, leaf: values.leaf },
        dir: values.dir,
        readyFile: values['ready-file'],
        maxSeconds: wholeNumber(values, 'max-seconds', 86_400),
        stopWithStdin: values['stop-with-stdin'],
        verbose: values.verbose,
    };
}
