// SPDX-License-Identifier: Apache-2.0
// Names, connections, certificates, plain http and time limits.
import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import tls from 'node:tls';
import { after, before, describe, test } from 'node:test';
import { nameOf, observation } from './lib/observations.mjs';
import { assertMessage, fails, ok, pushLines, sbs } from './lib/sbs.mjs';
import { CertificateAuthority } from '../server/lib/ca.mjs';
import { MainServer } from './lib/server.mjs';

const COMMANDS = ['discover', 'token', 'get', 'push'];

let server;
let file;
before(async () => {
    server = await MainServer.start();
    file = server.write('one.json', observation('network'));
});
after(() => server.stop());

function command(name, changes) {
    if (name === 'discover') {
        return ['discover', ...server.options({ ...changes, key: null, 'client-id': null, scope: null })];
    }
    return [name, ...server.options(changes), ...{ get: ['Observation?code=1'], push: ['--wait', '0', file], token: [] }[name]];
}

/** Every command that goes to the network fails alike; nothing reached the server's application. */
function allFail(changes, status, why) {
    return async () => {
        const before = (await server.requests()).length;
        for (const name of COMMANDS) {
            const args = command(name, typeof changes === 'function' ? changes() : changes);
            if (name !== 'push') {
                await fails(args, status, why);
                continue;
            }
            const result = await sbs(args); // which has a line for each resource
            assert.equal(result.status, status, result.text);
            assert.match(result.stdout, /^[^\t\n]+\tnot sent: [^\n]+\n$/);
            assertMessage(result, why);
        }
        assert.equal((await server.requests()).length, before);
    };
}

describe('certificates', () => {
    const secure = (settings) => server.admin('POST', '/tls', settings);
    after(() => server.reset());

    for (const chain of ['p256', 'rsa', 'mixed']) {
        test(`another authority than the server's (${chain})`, async () => {
            await secure({ chain });
            await allFail(
                { ca: server.info.otherCaFile },
                4,
                /: the server's certificate is not trusted: .+ --ca/,
            )();
        });
        for (const [leaf, why] of [
            [
                'expired',
                /: the server's certificate has expired \(valid until \d{4}-\d\d-\d\d; this machine's clock says \d{4}-\d\d-\d\d\), ask the server's operator to renew it$/,
            ],
            [
                'future',
                /: the server's certificate is not valid yet \(valid from \d{4}-\d\d-\d\d; this machine's clock says \d{4}-\d\d-\d\d\), check this machine's clock, then ask the server's operator$/,
            ],
            [
                'wrong-host',
                /: the server's certificate is not for \S+ \S+, but for host \S+, use a name that the certificate is for$/,
            ],
        ]) {
            test(`${leaf} (${chain})`, async () => {
                const { caFile } = await secure({ chain, leaf });
                await allFail({ ca: caFile }, 4, why)();
            });
        }
    }
    test("this system's own authorities do not vouch for it", async () => {
        await server.reset();
        await allFail({ ca: null }, process.env.SBS_NO_SYSTEM_CA ? 3 : 4, /certificate is not trusted|CA file/)();
    });
    test('TLS 1.1 and older are not spoken', async () => {
        // An old server's answer to any ClientHello: alert 70, protocol_version.
        const old = net.createServer((socket) => {
            socket.on('error', () => {}).once('data', () => socket.end(Buffer.from('15030100020246', 'hex')));
        });
        await new Promise((resolve) => old.listen(0, '127.0.0.1', resolve));
        const fhir = `https://127.0.0.1:${old.address().port}/fhir`;
        await fails(command('token', { fhir }), 4, /the TLS handshake failed: .+ \(alert protocol_version\), .+$/);
        old.close();
    });
    test('an address as the host, named in the certificate', async () => {
        await server.reset();
        const fhir = `https://127.0.0.1:${server.info.port}/fhir`;
        await ok(['discover', '--fhir', fhir, '--ca', server.info.caFile]);
    });
});

describe('the CA file', () => {
    const FILES = [
        [
            'missing',
            () => '/nowhere/ca.pem',
            /^CA file \/nowhere\/ca\.pem: No such file or directory, give a file that can be read$/,
        ],
        [
            'empty',
            () => server.write('empty.pem', ''),
            /^CA file .*: there is no certificate in it, give PEM certificates$/,
        ],
        ['no PEM', () => server.write('text.pem', 'hello\n'), /there is no certificate in it/],
        ['a key', () => server.path('client.pem'), /there is no certificate in it/],
        ['a folder', () => server.dir, /Is a directory/],
    ];
    for (const [name, path, message] of FILES) {
        test(name, async () => {
            await fails(command('token', { ca: path() }), 3, message);
        });
    }
});

describe('connections', () => {
    const closedPort = async () => {
        const holder = net.createServer().listen(0, '127.0.0.1');
        await new Promise((resolve) => holder.once('listening', resolve));
        const { port } = holder.address();
        await new Promise((resolve) => holder.close(resolve));
        return port;
    };
    test('refused', async () => {
        const fhir = `https://localhost:${await closedPort()}/fhir`;
        await allFail({ fhir }, 4, /: the connection was refused: localhost:\d+, check the URL and that the server runs$/)();
    });
    test('push with a fixed write mode: each item is listed as not sent', async () => {
        const fhir = `https://localhost:${await closedPort()}/fhir`;
        const input = [observation('kept-1'), observation('kept-2')].join('\n');
        const result = await sbs(['push', ...server.options({ fhir }), '--write-mode', 'put', '--wait', '0', '-'], { input });
        assert.equal(result.status, 4, result.text);
        const lines = pushLines(result);
        assert.deepEqual(
            lines.map(({ name, what }) => `${name} ${what}`),
            [`${nameOf('kept-1')} not sent`, `${nameOf('kept-2')} not sent`],
        );
        assert.match(lines[0].reason, /^the connection was refused/);
    });
    test('a host name that does not exist', async () => {
        const fhir = 'https://no-such-host.invalid/fhir';
        const why = /: the host name could not be resolved: no-such-host\.invalid:443, check the host in the URL and the name server$/;
        await fails(command('token', { fhir, timeout: 10 }), 4, why);
    });
    test('no TLS there', async () => {
        const fhir = server.info.adminUrl.replace('http:', 'https:');
        await fails(command('token', { fhir }), 4, /: the TLS handshake failed: .+ speaks plain http, .+$/);
    });
});

describe('time limits', () => {
    const silent = net.createServer((socket) => socket.on('error', () => {}).resume());
    before(() => new Promise((resolve) => silent.listen(0, '127.0.0.1', resolve)));
    after(() => silent.close());

    test('a server that accepts and says nothing', async () => {
        const fhir = `https://127.0.0.1:${silent.address().port}/fhir`;
        const result = await fails(
            command('token', { fhir, timeout: 1 }),
            4,
            `token: discovery: no answer in time: 127.0.0.1:${silent.address().port}, try again, or with a larger --timeout`,
        );
        assert.ok(result.ms >= 1000 && result.ms < 10_000, `${result.ms} ms`);
    });
    for (const [name, fault] of [
        ['the answer is late', { on: 'token', delayMs: 20_000 }],
        ['the answer stops in its middle', { on: 'token', cutAt: 'mid-body', cut: 'stall' }],
        ['the answer drips', { on: 'token', split: 1, gapMs: 200 }],
    ]) {
        test(name, async () => {
            await server.reset();
            await server.faults({ ...fault, times: -1 });
            const message =
                /^token: token request: no answer in time( \(HTTP 200\))?: localhost:\d+, try again, or with a larger --timeout$/;
            const result = await fails(command('token', { timeout: 1 }), 4, message);
            assert.ok(result.ms < 12_000, `${result.ms} ms`);
        });
    }
    test('a wait that a signal ends', async () => {
        await server.reset();
        await server.faults({ on: 'token', delayMs: 20_000, times: -1 });
        let asked = false;
        const result = await sbs([...command('token', {}), '--verbose'], {
            onStderr: (text, child) => {
                if (!asked && /POST/.test(text)) asked = child.kill('SIGINT');
            },
        });
        assert.equal(result.status, 130, result.text);
        assert.equal(result.stdout, '');
        assert.ok(result.ms < 3000, `${result.ms} ms`);
    });
});

describe('a server that answers before it has read the request', () => {
    const TOKEN = { access_token: 'abc', token_type: 'bearer', expires_in: 60, scope: 'system/Observation.cruds' };
    const answer = (status, body) =>
        `HTTP/1.1 ${status} X\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    let small;
    let asked = 0;
    before(async () => {
        const { key, cert, caFile } = new CertificateAuthority(server.dir).credentials('p256', 'good');
        small = tls.createServer({ key, cert }, (socket) => {
            socket.on('error', () => {}).on('data', (data) => {
                if (/^POST \/token/.test(data)) return socket.write(answer(200, JSON.stringify(TOKEN)));
                if (!/^POST \/fhir\/Observation/.test(data)) return undefined;
                asked++;
                return socket.pause().write(answer(413, ''), () => setTimeout(() => socket.destroy(), 200));
            });
        });
        small.caFile = caFile;
        await new Promise((resolve) => small.listen(0, '127.0.0.1', resolve));
    });
    after(() => small.close());

    test('is heard: the item is refused, and not tried again', async () => {
        const large = server.write('large.json', observation('large', { extra: `"note":[{"text":"${'x'.repeat(8e6)}"}],` }));
        const origin = `https://localhost:${small.address().port}`;
        const changes = { fhir: `${origin}/fhir`, 'token-url': `${origin}/token`, ca: small.caFile };
        const args = ['push', ...server.options(changes), '--write-mode', 'if-none-exist', large];
        const result = await sbs(args);
        assert.equal(result.status, 1, result.text);
        assert.match(pushLines(result)[0].reason, /HTTP 413/);
        assert.equal(asked, 1);
    });
});

describe('plain http', () => {
    let plain;
    let seen;
    before(async () => {
        plain = http.createServer((req, res) => {
            seen.push(`${req.method} ${req.url}`);
            const origin = `http://127.0.0.1:${plain.address().port}`;
            const bodies = {
                '/fhir/.well-known/smart-configuration': { token_endpoint: `${origin}/token` },
                '/token': { access_token: 'abc', token_type: 'bearer', expires_in: 60, scope: 'system/Observation.rs' },
                '/fhir/Observation?code=1': { resourceType: 'Bundle' },
            };
            req.resume().on('end', () =>
                res.setHeader('Content-Type', 'application/json').end(JSON.stringify(bodies[req.url] ?? {})),
            );
        });
        await new Promise((resolve) => plain.listen(0, '127.0.0.1', resolve));
    });
    after(() => plain.close());
    const base = (host = '127.0.0.1') => `http://${host}:${plain.address().port}/fhir`;
    const refused = (option) => new RegExp(`^\\w+: --${option}: plain http is refused, give an https URL$`);

    test('is refused without --allow-http, before anything is sent', async () => {
        seen = [];
        for (const name of COMMANDS) await fails(command(name, { fhir: base() }), 3, refused('fhir'));
        await fails(command('token', { 'token-url': base() }), 3, refused('token-url'));
        assert.deepEqual(seen, []);
    });
    test('is spoken with loopback addresses', async () => {
        for (const host of ['127.0.0.1', 'localhost']) {
            seen = [];
            const { stdout } = await ok(command('get', { fhir: base(host), 'allow-http': true }));
            assert.equal(stdout, '{"resourceType":"Bundle"}');
            assert.deepEqual(seen, [
                'GET /fhir/.well-known/smart-configuration',
                'POST /token',
                'GET /fhir/Observation?code=1',
            ]);
        }
    });
    for (const host of [
        '192.0.2.1',
        'example.org',
        '127.0.0.1.example.org',
        'localhost.example.org',
        '10.0.2.2',
        '[2001:db8::1]',
    ]) {
        test(`is refused with ${host} all the same`, async () => {
            const message = 'token: --fhir: plain http is for loopback addresses only, give an https URL';
            await fails(command('token', { fhir: `http://${host}/fhir`, 'allow-http': true }), 3, message);
        });
    }
    test('is refused in the answer of a secure discovery', async () => {
        await server.reset();
        await server.settings({ smartConfiguration: { token_endpoint: `${base()}/token` } });
        seen = [];
        await fails(
            command('token', {}),
            3,
            /^token: discovery: not an absolute URL of an allowed form \(HTTP 200\): http:\/\/\S+\/token, /,
        );
        assert.deepEqual(seen, []);
    });
});
