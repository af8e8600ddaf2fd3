// SPDX-License-Identifier: Apache-2.0
// What goes wrong at a site: a disk that is full, a clock that was never set, hostile clients, a faulty configuration,
// a second gateway on the same state, keys that are exchanged.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { appendFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { observation } from '../integration/lib/observations.mjs';
import { sbs } from '../integration/lib/sbs.mjs';
import { MainServer, pause } from '../integration/lib/server.mjs';
import { Gateway, LIBS, PROGRAM, assertEachOnce } from './lib/gateway.mjs';

const BAD = '127.0.0.3'; // where hostile clients come from: wrong secrets count against their address

let server;
before(async () => (server = await MainServer.start()));
after(() => server.stop());
beforeEach(() => server.reset());

const withGateway = async (t, options, how) => {
    const gateway = new Gateway(server, options);
    t.after(() => gateway.stop());
    await gateway.start(how);
    return gateway.prepare();
};

test('a faulty configuration is refused with file, line and what to do, and the old one stays', async (t) => {
    const gateway = await withGateway(t);
    const good = readFileSync(gateway.path('gateway.conf'), 'utf8');
    appendFileSync(gateway.path('gateway.conf'), 'spede = 9600\n');
    const line = good.split('\n').length;
    const refused = await gateway.command('reload');
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, new RegExp(`gateway\\.conf:${line}: `));
    gateway.child.kill('SIGHUP');
    await pause(500);
    assert.match(gateway.stderr, /gateway\.conf:\d+: /);
    assert.equal((await gateway.post('still')).status, 201);
    writeFileSync(gateway.path('gateway.conf'), good);
    await gateway.ok('reload');
    await gateway.delivered();
    await assertEachOnce(server, ['still']);
});

test('a device that is added gets a secret and is served without a restart', async (t) => {
    const gateway = await withGateway(t);
    const { stdout } = await gateway.ok('device', 'add', 'scale-2');
    gateway.secrets['scale-2'] = stdout.trim();
    assert.match(stdout.trim(), /^[A-Za-z0-9_-]{43}$/);
    await pause(300);
    assert.equal((await gateway.post('new', { device: 'scale-2' })).status, 201);

    const again = await gateway.command('device', 'add', 'scale-2');
    assert.equal(again.status, 1);
    assert.equal(again.stdout, '');
    assert.match(again.stderr, /scale-2 has a secret already, and keeps it; 'sbs-gateway device secret scale-2' makes another/);
    assert.equal((await gateway.post('new', { device: 'scale-2' })).status, 200, 'the old secret counts');
    const secret = (await gateway.ok('device', 'secret', 'scale-2')).stdout.trim();
    assert.equal((await gateway.post('new', { device: 'scale-2' })).status, 401, 'that is what ends it');
    gateway.secrets['scale-2'] = secret;
    assert.equal((await gateway.post('new', { device: 'scale-2' })).status, 200);

    await gateway.ok('device', 'remove', 'scale-2');
    assert.equal((await gateway.post('gone', { device: 'scale-2' })).status, 401);
    gateway.secrets['scale-2'] = (await gateway.ok('device', 'add', 'scale-2')).stdout.trim(); // its section is there
    assert.equal((await gateway.post('new', { device: 'scale-2' })).status, 200);
    await gateway.delivered();
    await assertEachOnce(server, ['new']);
});

test('two gateways on one state folder: the second says so and ends', async (t) => {
    const gateway = await withGateway(t);
    const second = new Gateway(server, { dir: gateway.dir });
    await assert.rejects(second.start(), /another sbs-gateway/);
    assert.equal((await gateway.post('first')).status, 201);
});

/** Runs a command of the operator at a terminal, types a line at its question, and returns its exit status. */
async function answered(gateway, line, ...words) {
    const script = `import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
seen = b''
while b'[y/N]' not in seen:
    seen += os.read(terminal, 4096)
os.write(terminal, sys.argv[1].encode() + b'\\n')
try:
    while os.read(terminal, 4096):
        pass
except OSError:
    pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))`;
    const run = spawn('python3', ['-c', script, line, PROGRAM, ...words, '--config', gateway.path('gateway.conf')], { stdio: ['ignore', 'ignore', 'inherit'] });
    return new Promise((resolve) => run.on('close', resolve));
}

test('keys are exchanged without a gap, both in the set meanwhile', async (t) => {
    const gateway = await withGateway(t);
    const keys = async () => JSON.parse((await gateway.ok('jwk', '--set')).stdout).keys.map((key) => key.kid);
    const [old] = await keys();
    await gateway.ok('key', 'rotate');
    const both = await keys();
    assert.equal(both.length, 2);
    assert.equal(both[0], old);
    assert.equal((await gateway.command('key', 'rotate')).status, 1);
    await gateway.register();
    assert.equal((await gateway.post('old')).status, 201);
    await gateway.delivered();
    const unasked = await gateway.command('key', 'confirm');
    assert.equal(unasked.status, 2);
    assert.match(unasked.stderr, new RegExp(`the key ${old} is destroyed for good, and ${both[1]} signs`));
    assert.match(unasked.stderr, /give --yes/);
    assert.equal(await answered(gateway, 'n', 'key', 'confirm'), 1);
    assert.deepEqual(await keys(), both);
    assert.equal(await answered(gateway, 'y', 'key', 'confirm'), 0);
    assert.deepEqual(await keys(), [both[1]]);
    await gateway.register(); // the old one is not known to the server any more
    assert.equal((await gateway.post('new')).status, 201);
    await gateway.delivered();
    const none = await gateway.command('key', 'confirm', '--yes');
    assert.equal(none.status, 1);
    assert.match(none.stderr, /there is no next key/);
    await assertEachOnce(server, ['old', 'new']);
});

// Another process that holds SQLite's lock stops neither the page nor the answers.
test('a queue that another process holds: devices are told to wait, the gateway goes on, and says so', async (t) => {
    const gateway = await withGateway(t);
    assert.equal((await gateway.post('before')).status, 201);
    await gateway.delivered();
    const script = `import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute('BEGIN IMMEDIATE')
print('held', flush=True)
sys.stdin.read()`;
    const holder = spawn('python3', ['-c', script, gateway.path('state/queue.db')], { stdio: ['pipe', 'pipe', 'inherit'] });
    t.after(() => holder.kill());
    await new Promise((resolve) => holder.stdout.once('data', resolve));
    let begun = Date.now();
    const held = await gateway.post('held');
    assert.equal(held.status, 503);
    assert.ok(Date.now() - begun < 2000, `answered after ${Date.now() - begun} ms`);

    for (let i = 0; i < 8; i++) {
        begun = Date.now();
        const { light } = await gateway.status();
        assert.ok(Date.now() - begun < 2500, `status after ${Date.now() - begun} ms`);
        assert.equal(light, 'red', `look ${i}`);
        await pause(400);
    }
    assert.match(gateway.stderr, /the queue cannot be written/);

    holder.stdin.end();
    await new Promise((resolve) => holder.once('exit', resolve));
    await pause(2500);
    assert.equal((await gateway.post('after')).status, 201);
    await gateway.delivered();
    assert.equal((await gateway.status()).light, 'green');
    await assertEachOnce(server, ['before', 'after']);
});

const tmpfs = spawnSync('unshare', ['-m', 'true']).status === 0;
test('a disk that fills: devices are told to wait, what was accepted arrives', { skip: !tmpfs && 'no namespaces here' }, async (t) => {
    const gateway = new Gateway(server, { lines: [] });
    t.after(() => gateway.stop());
    execFileSync('mkdir', ['-p', gateway.path('state')]);
    const script = `mount -t tmpfs -o size=6m,mode=0700 tmpfs ${gateway.path('state')} && exec "$@"`;
    await server.faults({ on: 'token', times: -1, status: 503, body: {} }); // nothing is drained meanwhile
    await gateway.start({ wrap: ['unshare', '-m', 'sh', '-c', script, 'sh'] });
    await gateway.prepare();

    const extra = `"note":[{"text":"${'x'.repeat(20_000)}"}],`;
    const given = [];
    let told = 0;
    for (let i = 0; i < 500 && told < 5; i++) {
        const answer = await gateway.post(`full-${i}`, { body: observation(`full-${i}`, { extra }) });
        if (answer.status === 201) given.push(`full-${i}`);
        else {
            assert.equal(answer.status, 503, answer.text);
            assert.ok(Number(answer.headers['retry-after']) > 0);
            told += 1;
            await pause(300);
        }
    }
    assert.equal(told, 5, `accepted ${given.length}`);
    assert.ok(given.length > 50, `accepted ${given.length}`);
    assert.equal((await gateway.status()).light, 'red');

    await server.clearFaults();
    await gateway.ok('reload');
    await gateway.delivered(180_000);
    await assertEachOnce(server, given);
    assert.equal((await gateway.post('room')).status, 201);
});

test('with a clock that was never set devices are served, and times come later', async (t) => {
    const env = { LD_PRELOAD: `${LIBS}/unset_clock.so`, CLOCK_OFFSET_S: String(-400 * 86400) };
    const gateway = await withGateway(t, {}, { env });
    const answer = await gateway.post('undated', { body: observation('undated').replace(/"effectiveDateTime":"[^"]+",/, '') });
    assert.equal(answer.status, 201, answer.text);
    assert.equal((await gateway.status()).clock, 'unknown');
    await pause(1000);
    await assertEachOnce(server, []);
    gateway.child.kill('SIGTERM');
    await gateway.ended;
    await gateway.start();
    await gateway.ok('reload');
    await gateway.delivered();
    await assertEachOnce(server, ['undated']);
    const [stored] = await server.admin('GET', '/resources/Observation');
    const age = Date.now() - Date.parse(stored.effectiveDateTime);
    assert.ok(age > 0 && age < 120_000, `dated ${stored.effectiveDateTime}`);
});

test('hostile clients beside a good one: the good one is served', async (t) => {
    const gateway = await withGateway(t, { devices: ['good', 'bad'] });
    const sockets = [];
    t.after(() => sockets.forEach((socket) => socket.destroy()));
    const raw = (text) => {
        const socket = net.connect({ port: gateway.port, host: '127.0.0.1', localAddress: BAD, allowHalfOpen: true });
        socket.on('error', () => {});
        socket.write(text);
        sockets.push(socket);
        return new Promise((resolve) => {
            let answer = '';
            socket.on('data', (part) => (answer += part)).on('end', () => resolve({ answer, closed: true }));
            setTimeout(() => resolve({ answer, closed: false }), 10_000);
        });
    };
    /* Each has the device's secret: without its fault it would be taken. */
    const login = `Authorization: Bearer ${gateway.secrets.bad}\r\nContent-Type: application/fhir+json\r\n`;
    const body = observation('smuggled');
    const sized = `Content-Length: ${Buffer.byteLength(body)}\r\n`;
    const cases = [
        [201, `POST /fhir/Observation HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${login}${sized}\r\n${body}`],
        [400, `POST /fhir/Observation HTTP/1.1\r\nHost: a\r\n${login}${sized}Content-Length: 6\r\n\r\n${body}`],
        [400, `POST /fhir/Observation HTTP/1.1\r\nHost: a\r\n${login}${sized}${sized}\r\n${body}`],
        [400, `POST /fhir/Observation HTTP/1.1\r\nHost: a\n${login}${sized}\r\n${body}`],
        [400, `POST /fhir/Observation HTTP/1.1\r\n${login}${sized}\r\n${body}`],
        [400, `POST /fhir/Observation HTTP/1.1\r\nHost : a\r\n${login}${sized}\r\n${body}`],
        [404, `GET /../../etc/passwd HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${login}\r\n`],
        [431, `GET / HTTP/1.1\r\nHost: a\r\n${login}X: ${'y'.repeat(100_000)}\r\n\r\n`],
    ];
    const answers = cases.map(([, text]) => raw(text));
    for (let i = 0; i < 20; i++) raw('POST /fhir/Observation HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n{');
    for (const [i, { answer, closed }] of (await Promise.all(answers)).entries()) {
        assert.match(answer, new RegExp(`^HTTP/1\\.1 ${cases[i][0]} `), cases[i][1].slice(0, 200));
        assert.ok(closed, `closed behind ${cases[i][0]} of ${cases[i][1].slice(0, 200)}`);
    }

    for (let i = 0; i < 5; i++) {
        const guess = await gateway.post(`w${i}`, { secret: `wrong-${i}`, localAddress: BAD });
        assert.equal(guess.status, 401, `guess ${i}: ${guess.text}`);
    }
    const shut = await gateway.post('w', { device: 'bad', localAddress: BAD });
    assert.equal(shut.status, 429, 'also with a good secret');
    assert.ok(Number(shut.headers['retry-after']) > 0);
    const large = await gateway.post('large', { device: 'bad', localAddress: '127.0.0.4', body: observation('large', { extra: `"note":[{"text":"${'x'.repeat(2 << 20)}"}],` }) });
    assert.equal(large.status, 413);

    let served = 0;
    for (; served < 10; served++) {
        const answer = await gateway.post(`good-${served}`, { device: 'good' });
        assert.equal(answer.status, 201, answer.text);
    }
    await gateway.delivered();
    await assertEachOnce(server, ['smuggled', ...Array.from({ length: 10 }, (_, i) => `good-${i}`)]);
    const rss = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${gateway.child.pid}/status`, 'utf8'))[1]);
    assert.ok(rss < 32_768, `${rss} KB`);
});

test('check says what is right, and what to do where it is not', async (t) => {
    await server.register(server.path('client.pem'));
    const { stdout } = await sbs(['check', '--json', ...server.options()]);
    const gateway = await withGateway(t);
    const rows = async () => JSON.parse((await gateway.command('check', '--json')).stdout);
    const good = await rows();
    assert.deepEqual(good.filter((row) => row.result === 'FAIL' && row.step !== 'state'), []);
    const server_rows = ['key', 'DNS', 'TCP', 'TLS', 'clock', 'metadata', 'discovery', 'token', 'scope', 'create'];
    assert.deepEqual(good.slice(-server_rows.length).map((row) => row.step), server_rows);
    for (const step of ['configuration', 'state', 'disk', 'clock', 'listen']) {
        assert.ok(good.some((row) => row.step === step), step);
    }

    /* A device's script gets the same of the same server, in other order. */
    const theirs = JSON.parse(stdout);
    for (const step of ['DNS', 'TCP', 'TLS', 'metadata', 'discovery', 'token', 'scope', 'create']) {
        const [ours, other] = [good, theirs].map((list) => list.filter((row) => row.step === step));
        assert.deepEqual(ours, other, step);
    }

    gateway.fhir = 'https://localhost:1/fhir';
    gateway.configure();
    const bad = (await rows()).at(-1);
    assert.deepEqual([bad.step, bad.result], ['TCP', 'FAIL']);
    assert.match(bad.advice, /check the host and the port/);
});

test('check asks for a token also where the way to write is chosen', async (t) => {
    const gateway = new Gateway(server, { lines: ['write-mode = put'] });
    t.after(() => gateway.stop());
    await gateway.start(); // its key is not registered
    const rows = async () => JSON.parse((await gateway.command('check', '--json')).stdout);
    const refused = (await rows()).at(-1);
    assert.deepEqual([refused.step, refused.result], ['token', 'FAIL']);
    assert.match(refused.advice, /check 'client-id'/);
    await gateway.prepare();
    const last = (await rows()).at(-1);
    assert.deepEqual([last.step, last.result], ['create', 'OK'], last.text);

    /* What comes in place of a statement does not matter then, and is told. */
    const headers = { 'content-type': 'text/html' };
    await server.faults({ on: 'metadata', status: 200, body: '<html></html>', headers, times: -1 });
    const result = (list, step) => list.find((row) => row.step === step)?.result;
    const unread = await rows();
    assert.deepEqual(['metadata', 'token', 'create'].map((step) => result(unread, step)), ['WARN', 'OK', 'WARN']);
    const auto = readFileSync(gateway.path('gateway.conf'), 'utf8').replace(/^write-mode.*\n/m, '');
    writeFileSync(gateway.path('gateway.conf'), auto);
    const ended = (await rows()).at(-1);
    assert.deepEqual([ended.step, ended.result], ['metadata', 'FAIL']);
    assert.match(ended.text, /answers with an HTML page \(HTTP 200\)/);
});

test('an address that the machine does not have yet keeps nobody else away, and check tells it', async (t) => {
    const gateway = await withGateway(t, { more: '[listen lan]\naddress = 192.0.2.1:8443\n' });
    assert.equal((await gateway.post('meanwhile')).status, 201);
    const told = (rows) => JSON.parse(rows.stdout).filter((row) => row.step === 'listen' && row.text.includes('192.0.2.1'));
    const [running] = told(await gateway.command('check', '--json'));
    assert.equal(running.result, 'WARN');
    assert.match(running.text, /lan: no network of this machine has the address of 192\.0\.2\.1:8443/);
    await gateway.kill();
    assert.deepEqual(told(await gateway.command('check', '--json')), [running]);
});

test('a device that trusts the root that ca prints posts through TLS', async (t) => {
    const gateway = await withGateway(t, { more: '[listen secure]\naddress = 127.0.0.5:0\ntls = yes\n' });
    const port = Number(/secure 127\.0\.0\.5:\d+ \(port (\d+)\)/.exec(gateway.stderr)[1]);
    const { stdout: ca } = await gateway.ok('ca');
    assert.match(ca, /^-----BEGIN CERTIFICATE-----/);
    assert.doesNotMatch(ca, /PRIVATE/);
    const status = await new Promise((resolve, reject) => {
        const request = https.request(
            {
                host: '127.0.0.5',
                port,
                ca,
                method: 'POST',
                path: '/fhir/Observation',
                headers: { Authorization: `Bearer ${gateway.secrets.fridge}`, 'Content-Type': 'application/fhir+json' },
            },
            (answer) => answer.resume().on('end', () => resolve(answer.statusCode)),
        );
        request.on('error', reject).end(observation('secure'));
    });
    assert.equal(status, 201);
    await gateway.delivered();
    await assertEachOnce(server, ['secure']);
    assert.ok(Date.parse((await gateway.status()).ownCertificateEnds) > Date.now());
});

test('a device that brings the name of another’s measurement is refused, and the other’s arrives', async (t) => {
    const gateway = await withGateway(t, { devices: ['good', 'bad'], lines: ['write-mode = if-none-exist'] });
    /* What "good" is going to be known by: the hash is one of its identifier alone, so anybody can compute it. */
    const system = 'urn:uuid:8bbb00c7-ba88-4260-a960-14206b12d528';
    const value = 'clinic-12/good/0c12d1e09566e29f03b3287cb6c49838c80c6d6f';
    const forged = JSON.parse(observation('forged', { value: '99' }));
    forged.identifier.push({ system, value });
    assert.equal((await gateway.request('POST', '/fhir/Observation', { device: 'bad', body: JSON.stringify(forged) })).status, 422);
    await gateway.delivered();

    assert.equal((await gateway.post('same', { device: 'good' })).status, 201);
    await gateway.delivered();
    await assertEachOnce(server, ['same']);
    const [stored] = await server.admin('GET', '/resources/Observation');
    assert.ok(stored.identifier.some((name) => name.system === system && name.value === value), 'the name that is forged');
});

test('who watches a device sees all that it sends, whatever bytes those are', async (t) => {
    const gateway = await withGateway(t);
    const watch = spawn(PROGRAM, ['device', 'watch', 'fridge', '--values', '--config', gateway.path('gateway.conf')], { stdio: ['ignore', 'pipe', 'ignore'] });
    t.after(() => watch.kill());
    let seen = '';
    watch.stdout.setEncoding('latin1').on('data', (text) => (seen += text));
    const until = async (pattern) => {
        for (let i = 0; i < 100 && !pattern.test(seen); i++) await pause(100);
        assert.match(seen, pattern);
    };
    await pause(1500); // its first question has come
    await gateway.request('POST', '/fhir/Observation', { body: Buffer.from('{"a":"\xff\x00\x1b[31m"}', 'latin1') });
    await until(/answered 400\n +\{"a":"/);
    await gateway.post('behind');
    await until(/answered 201/);
    assert.ok(![...seen].some((c) => c < ' ' && c !== '\n'), JSON.stringify(seen));
});

test('who names no device, no configuration, or half a command, is told so and does not wait', async (t) => {
    const gateway = await withGateway(t);
    const told = (...words) => spawnSync(PROGRAM, words, { encoding: 'utf8', timeout: 20_000 });
    const nobody = told('device', 'watch', 'nobody', '--config', gateway.path('gateway.conf'));
    assert.match(nobody.stderr, /no such device, 'sbs-gateway device add NAME' adds one/);
    assert.equal(nobody.status, 1);

    const nowhere = told('reload', '--config', gateway.path('gatewy.conf'));
    assert.match(nowhere.stderr, /gatewy.conf: there is no such file/);
    assert.equal(nowhere.status, 3);

    assert.match(told('device').stderr, /device: the second word is missing/);
    assert.match(told('device', 'list').stderr, /unknown command 'device list'/);
    assert.equal(told('device').status, 2);
});

test('a queue whose file was removed is told of, and devices are served by a new one', async (t) => {
    const gateway = await withGateway(t);
    assert.equal((await gateway.post('before')).status, 201);
    await gateway.delivered();
    rmSync(gateway.path('state/queue.db'));
    assert.equal((await gateway.post('lost')).status, 503);
    assert.equal((await gateway.status()).light, 'red');
    await pause(2000);
    assert.equal((await gateway.post('behind')).status, 201);
    await gateway.delivered();
    await assertEachOnce(server, ['before', 'behind']);
    assert.match(gateway.stderr, /the queue cannot be written/);

    /* Where there is no folder for it either, the page says so until there is one. */
    renameSync(gateway.path('state'), gateway.path('moved'));
    assert.equal((await gateway.post('later')).status, 503);
    await pause(2000);
    assert.equal((await gateway.post('later')).status, 503);
    assert.equal((await gateway.status()).light, 'red');
    renameSync(gateway.path('moved'), gateway.path('state'));
    await pause(2000);
    assert.equal((await gateway.post('later')).status, 201);
    await gateway.delivered();
    await assertEachOnce(server, ['before', 'behind', 'later']);
});
