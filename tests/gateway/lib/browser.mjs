// SPDX-License-Identifier: Apache-2.0
// Chromium without a screen, spoken to by its DevTools protocol over two pipes (its descriptors 3 and 4), on which each
// message ends with a NUL: no port, no package.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pause } from '../../integration/lib/server.mjs';

const ANSWER_MS = 60_000;
const OPTIONS = [
    '--headless=new',
    '--no-sandbox', // it runs as root in a container, and loads nothing but the gateway's page
    '--disable-gpu',
    '--hide-scrollbars', // as on a telephone: they take no width
    '--disable-dev-shm-usage',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--no-first-run',
    '--remote-debugging-pipe',
];
const KEYS = {
    Tab: { key: 'Tab', code: 'Tab', windowsVirtualKeyCode: 9 },
    Enter: { key: 'Enter', code: 'Enter', windowsVirtualKeyCode: 13, text: '\r' },
};

export class Browser {
    static async start() {
        const browser = new Browser();
        browser.dir = mkdtempSync(join(tmpdir(), 'sbs-browser-'));
        browser.waiting = new Map();
        browser.listeners = [];
        browser.last = 0;
        browser.child = spawn(process.env.SBS_CHROMIUM ?? 'chromium', [...OPTIONS, `--user-data-dir=${browser.dir}`], {
            stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
            env: { ...process.env, HOME: browser.dir },
        });
        browser.ended = new Promise((resolve) => browser.child.on('error', resolve).on('close', resolve));
        let text = '';
        browser.child.stdio[3].on('error', () => {});
        browser.child.stdio[4].setEncoding('utf8').on('data', (part) => {
            const messages = (text + part).split('\0');
            text = messages.pop();
            for (const message of messages) browser.take(JSON.parse(message));
        });
        return browser;
    }

    take({ id, result, error, method, params, sessionId }) {
        if (id === undefined) {
            for (const listener of this.listeners) listener(method, params, sessionId);
            return;
        }
        const { resolve, reject } = this.waiting.get(id);
        this.waiting.delete(id);
        if (error) reject(new Error(JSON.stringify(error)));
        else resolve(result);
    }

    call(method, params = {}, sessionId) {
        const id = ++this.last;
        return new Promise((resolve, reject) => {
            const timer = setTimeout(() => reject(new Error(`${method}: the browser does not answer`)), ANSWER_MS);
            const settle = (end) => (value) => {
                clearTimeout(timer);
                end(value);
            };
            this.waiting.set(id, { resolve: settle(resolve), reject: settle(reject) });
            this.child.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
        });
    }

    async stop() {
        this.child.kill('SIGKILL');
        await this.ended;
        rmSync(this.dir, { recursive: true, force: true, maxRetries: 5 });
    }
}

/** A tab: what it asked for and what its console said is kept. */
export class Tab {
    static async open(browser, { width, height = 900, dark = false, script = true }) {
        const tab = new Tab();
        tab.browser = browser;
        tab.requests = [];
        tab.messages = [];
        tab.loads = 0;
        const { targetId } = await browser.call('Target.createTarget', { url: 'about:blank' });
        tab.targetId = targetId;
        tab.session = (await browser.call('Target.attachToTarget', { targetId, flatten: true })).sessionId;
        browser.listeners.push((method, params, session) => {
            if (session === tab.session) tab.note(method, params);
        });
        for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await tab.call(`${domain}.enable`);
        await tab.call('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false });
        const features = [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }];
        await tab.call('Emulation.setEmulatedMedia', { features });
        await tab.call('Emulation.setScriptExecutionDisabled', { value: !script });
        return tab;
    }

    note(method, params) {
        if (method === 'Network.requestWillBeSent') this.requests.push(params.request.url);
        if (method === 'Runtime.consoleAPICalled') this.messages.push(JSON.stringify(params.args));
        if (method === 'Runtime.exceptionThrown') this.messages.push(params.exceptionDetails.text);
        if (method === 'Log.entryAdded') this.messages.push(`${params.entry.text} ${params.entry.url ?? ''}`);
        if (method === 'Page.loadEventFired') this.loads++;
    }

    call(method, params) {
        return this.browser.call(method, params, this.session);
    }

    /** Does something after which a page is loaded, and waits for that. */
    async loading(act) {
        const before = this.loads;
        await act();
        for (const end = Date.now() + ANSWER_MS; this.loads === before; await pause(20)) {
            if (Date.now() > end) throw new Error('no page was loaded');
        }
    }

    go(url) {
        return this.loading(() => this.call('Page.navigate', { url }));
    }

    async press(name) {
        await this.call('Input.dispatchKeyEvent', { type: 'keyDown', ...KEYS[name] });
        await this.call('Input.dispatchKeyEvent', { type: 'keyUp', ...KEYS[name], text: undefined });
    }

    /** Runs a function in the page; it uses nothing but its arguments. */
    async run(body, ...args) {
        const expression = `(${body})(...${JSON.stringify(args)})`;
        const { result, exceptionDetails } = await this.call('Runtime.evaluate', { expression, returnByValue: true });
        if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails));
        return result.value;
    }

    /** A picture of the whole page, as PNG. */
    async picture() {
        const { data } = await this.call('Page.captureScreenshot', { captureBeyondViewport: true });
        return Buffer.from(data, 'base64');
    }

    close() {
        return this.browser.call('Target.closeTarget', { targetId: this.targetId });
    }
}
