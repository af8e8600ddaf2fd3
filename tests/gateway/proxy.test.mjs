// SPDX-License-Identifier: Apache-2.0
// The gateway behind an HTTP proxy: CONNECT with a login and without, what a refusal is told as, and who is never
// reached through it.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { MainServer } from '../integration/lib/server.mjs';
import { Gateway, assertEachOnce } from './lib/gateway.mjs';

const HOST = 'server.lab.test'; // no name server knows it: only the proxy does
const LOGIN = 'clinic:p@ss word';
const IN_URL = 'clinic:p%40ss%20word';
const BASIC = `Basic ${Buffer.from(LOGIN).toString('base64')}`;

/** Reaches HOST at this machine; `asked` are the requests that it got, `login` what it wants. */
class Proxy {
    async start() {
        this.asked = [];
        this.server = http.createServer((request, answer) => answer.writeHead(405).end());
        this.server.on('connect', (request, socket) => {
            socket.on('error', () => {});
            this.asked.push({ target: request.url, ...request.headers });
            if (this.login !== undefined && request.headers['proxy-authorization'] !== this.login) {
                socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n');
                return;
            }
            const [host, port] = request.url.split(':');
            if (host !== HOST) {
                socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
                return;
            }
            const onward = net.connect(Number(port), '127.0.0.1', () => {
                socket.write('HTTP/1.1 200 OK\r\n\r\n');
                onward.pipe(socket).pipe(onward);
            });
            onward.on('error', () => socket.destroy());
        });
        await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
        this.place = `127.0.0.1:${this.server.address().port}`;
        return this;
    }

    stop() {
        this.server.closeAllConnections();
        this.server.close();
    }
}

const freePort = async () => {
    const server = net.createServer();
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address();
    await new Promise((resolve) => server.close(resolve));
    return port;
};

let far, proxy;
before(async () => {
    const port = await freePort();
    far = await MainServer.start(['--port', String(port), '--public', `https://${HOST}:${port}`]);
    proxy = await new Proxy().start();
});
after(async () => {
    proxy.stop();
    await far.stop();
});
beforeEach(async () => {
    await far.reset();
    proxy.asked = [];
    delete proxy.login;
});

const withGateway = async (t, lines, { env, ...options } = {}) => {
    const gateway = new Gateway(far, { lines, ...options });
    t.after(() => gateway.stop());
    await gateway.start({ env });
    return gateway.prepare();
};

test('what devices post arrives once through a proxy that wants a login, and the login goes to nobody else', async (t) => {
    proxy.login = BASIC;
    const gateway = await withGateway(t, [`proxy = http://${IN_URL}@${proxy.place}`]);
    for (const id of ['one', 'two', 'three']) assert.equal((await gateway.post(id)).status, 201);
    await gateway.delivered();
    await assertEachOnce(far, ['one', 'two', 'three']);

    assert.ok(proxy.asked.length > 0);
    const port = new URL(far.info.fhirBase).port;
    for (const asked of proxy.asked) assert.deepEqual([asked.target, asked['proxy-authorization']], [`${HOST}:${port}`, BASIC]);
    assert.ok(!JSON.stringify(await far.requests()).includes(BASIC.slice(6)), 'the server sees no login of the proxy');

    const checked = await gateway.command('check');
    assert.match(checked.stdout, new RegExp(`^OK +proxy: ${proxy.place}$`, 'm'));
    assert.doesNotMatch(checked.stdout, /DNS|TCP/);
    assert.match(checked.stdout, /^OK +create: /m);
    const shown = checked.stdout + gateway.stderr + JSON.stringify(await gateway.status());
    for (const secret of ['p@ss', 'p%40ss', BASIC.slice(6)]) assert.ok(!shown.includes(secret), secret);
});

test('without a login, by the option or by the environment', async (t) => {
    const by = [
        [[`proxy = http://${proxy.place}`], {}],
        [[], { https_proxy: `http://${proxy.place}` }],
    ];
    for (const [i, [lines, env]] of by.entries()) {
        proxy.asked = [];
        const gateway = await withGateway(t, lines, { env });
        assert.equal((await gateway.post(`by-${i}`)).status, 201);
        await gateway.delivered();
        assert.ok(proxy.asked.length > 0, `way ${i}`);
        assert.ok(proxy.asked.every((asked) => asked['proxy-authorization'] === undefined));
    }
    await assertEachOnce(far, ['by-0', 'by-1']);
});

test('407 has its sentence and what to do, with a login and without, and nothing is lost', async (t) => {
    proxy.login = BASIC;
    const cases = [
        [`proxy = http://${proxy.place}`, /wants a login \(HTTP 407\).*write 'proxy = http:\/\/USER:PASSWORD@HOST:PORT'/],
        [`proxy = http://clinic:wrong@${proxy.place}`, /login.*\(HTTP 407\).*check user and password in 'proxy' of gateway\.conf/],
    ];
    for (const [i, [line, words]] of cases.entries()) {
        const gateway = await withGateway(t, [line]);
        assert.equal((await gateway.post(`refused-${i}`)).status, 201);
        const status = await gateway.until('it waits', (now) => now.upstream === 'waiting');
        assert.match(status.sentence, words);
        assert.match(status.sentence, /Nothing is lost/);
        const failed = (await gateway.command('check', '--json')).stdout;
        const last = JSON.parse(failed).at(-1);
        assert.deepEqual([last.step, last.result], ['proxy', 'FAIL']);
        assert.match(`${last.text}; ${last.advice}`, words);
        assert.ok(!failed.includes('wrong'), 'the password is not shown');

        const text = readFileSync(gateway.path('gateway.conf'), 'utf8');
        writeFileSync(gateway.path('gateway.conf'), text.replace(line, `proxy = http://${IN_URL}@${proxy.place}`));
        await gateway.ok('reload');
        await gateway.delivered(120_000);
    }
    await assertEachOnce(far, ['refused-0', 'refused-1']);
});

test('a proxy that is not there is told as such', async (t) => {
    const gateway = new Gateway(far, { lines: [`proxy = http://127.0.0.1:${await freePort()}`] });
    t.after(() => gateway.stop());
    await gateway.start();
    const status = await gateway.until('it waits', (now) => now.upstream === 'waiting');
    assert.match(status.upstreamReason, /the connection was refused, it is the proxy 127\.0\.0\.1:\d+; check 'proxy' in gateway\.conf/);
});

test('a server at a loopback address, or one that is excepted, is never reached through it', async (t) => {
    const port = new URL(far.info.fhirBase).port;
    const near = await MainServer.start();
    t.after(() => near.stop());
    const gateway = new Gateway(near, { lines: [`proxy = http://${IN_URL}@${proxy.place}`] });
    t.after(() => gateway.stop());
    await gateway.start({ env: { https_proxy: `http://${proxy.place}` } });
    await gateway.prepare();
    assert.equal((await gateway.post('near')).status, 201);
    await gateway.delivered();
    assert.deepEqual(proxy.asked, []);
    await assertEachOnce(near, ['near']);
    assert.doesNotMatch((await gateway.command('check')).stdout, /proxy/);

    const excepted = new Gateway(far, { lines: [`proxy = http://${proxy.place}`, `no-proxy = .lab.test:${port}`] });
    t.after(() => excepted.stop());
    await excepted.start();
    const secret = (await excepted.ok('device', 'secret', 'fridge')).stdout.trim();
    assert.equal((await excepted.post('alone', { secret })).status, 201);
    await excepted.until('it waits', (now) => now.upstream === 'waiting');
    assert.deepEqual(proxy.asked, []);
    const last = JSON.parse((await excepted.command('check', '--json')).stdout).at(-1);
    assert.deepEqual([last.step, last.result], ['DNS', 'FAIL']);
});
