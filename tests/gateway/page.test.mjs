// SPDX-License-Identifier: Apache-2.0
// The status page in a browser: narrow and wide, light and dark, by keyboard alone, with and without script. With
// SBS_PICTURES=FOLDER a picture of each state is kept there.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Gate } from '../integration/lib/queue.mjs';
import { MainServer } from '../integration/lib/server.mjs';
import { Browser, Tab } from './lib/browser.mjs';
import { Gateway, assertEachOnce } from './lib/gateway.mjs';

const WORST_CONTRAST = 4.5;
const LONG_WORD = 'urn:oid:2.16.840.1.113883.'.repeat(8);
const VIEWS = [360, 1280].flatMap((width) => [false, true].map((dark) => ({ width, dark, script: width === 1280 })));
const named = ({ width, dark }) => `${width}-${dark ? 'dark' : 'light'}`;

let server, gate, gateway, browser, url;
before(async () => {
    server = await MainServer.start();
    gate = await new Gate().open(server.info.port);
    gateway = new Gateway(server, {
        devices: ['fridge', 'a-device-whose-name-is-longer-than-a-narrow-page-is-wide'.slice(0, 31)],
        fhir: server.info.fhirBase.replace(/:\d+/, `:${gate.port}`),
    });
    await gateway.start();
    await gateway.prepare();
    url = `http://127.0.0.2:${/page 127\.0\.0\.2:0 \(port (\d+)\)/.exec(gateway.stderr)[1]}/`;
    browser = await Browser.start();
});
after(async () => {
    await browser?.stop();
    await gateway?.stop();
    await gate?.shut();
    await server?.stop();
});

/* ---- what is looked at in the page; these functions run there ------------------------------------------------------ */

/** Of each piece of text that can be seen: its contrast with what is behind it; those below the limit. */
function poorContrasts(limit) {
    const probe = document.createElement('i');
    probe.style.backgroundColor = 'Canvas';
    document.body.append(probe);
    const parse = (text) => {
        const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number);
        return { rgb: [r, g, b], a };
    };
    const canvas = parse(getComputedStyle(probe).backgroundColor).rgb;
    probe.remove();
    const over = ({ rgb, a }, behind) => rgb.map((part, i) => part * a + behind[i] * (1 - a));
    const luminance = (rgb) => {
        const [r, g, b] = rgb.map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const poor = [];
    let looked = 0;
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        if (walker.currentNode.data.trim() === '' || !element.checkVisibility() || element.closest('svg')) continue;
        const chain = [];
        for (let each = element; each; each = each.parentElement) chain.unshift(getComputedStyle(each));
        const back = chain.reduce((behind, style) => over(parse(style.backgroundColor), behind), canvas);
        const opacity = chain.reduce((all, style) => all * Number(style.opacity), 1);
        const { rgb, a } = parse(getComputedStyle(element).color);
        const [low, high] = [luminance(over({ rgb, a: a * opacity }, back)), luminance(back)].sort((x, y) => x - y);
        const contrast = (high + 0.05) / (low + 0.05);
        looked++;
        if (contrast < limit) poor.push(`${walker.currentNode.data.slice(0, 40)}: ${contrast.toFixed(2)}`);
    }
    return { poor, looked };
}

/** How far the page reaches beyond its window, and which elements do. */
function overflow() {
    const width = document.documentElement.clientWidth;
    const wide = [...document.body.querySelectorAll('*')].filter((each) => each.getBoundingClientRect().right > width + 0.5);
    return { by: document.documentElement.scrollWidth - width, wide: wide.map((each) => each.outerHTML.slice(0, 80)) };
}

/** What has the focus, and whether it shows. */
function focused() {
    const element = document.activeElement;
    if (element === null || element === document.body) return null;
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    return {
        name: element.getAttribute('aria-label') ?? element.textContent,
        outlined: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
        inWindow: box.top >= 0 && box.bottom <= innerHeight && box.left >= 0 && box.right <= innerWidth,
    };
}

const controls = () =>
    [...document.querySelectorAll('button, summary, a[href]')]
        .filter((each) => each.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true }))
        .filter((each) => each.tagName === 'SUMMARY' || !each.closest('details:not([open])'))
        .map((each) => each.getAttribute('aria-label') ?? each.textContent);
const sentence = () => document.querySelector('.state').textContent;
const light = () => document.querySelector('.state').className;
const heights = () => ({ top: document.querySelector('.state').getBoundingClientRect().bottom, window: innerHeight });

/* ---- what is done -------------------------------------------------------------------------------------------------- */

/** Presses Tab until the page has been gone through: what had the focus, in that order. */
async function walk(tab, last) {
    const seen = [];
    for (let i = 0; i < 60; i++) {
        await tab.press('Tab');
        const now = await tab.run(focused);
        if (now === null || seen.some(({ name }) => name === now.name)) break;
        assert.ok(now.outlined, `${now.name} has a focus that can be seen`);
        assert.ok(now.inWindow, `${now.name} is in the window when it has the focus`);
        seen.push(now);
        if (now.name === last) break;
    }
    return seen.map(({ name }) => name);
}

async function open(view) {
    const tab = await Tab.open(browser, view);
    await tab.go(url);
    return tab;
}

function assertQuiet(tab, what) {
    assert.deepEqual(tab.messages, [], `${what}: the console`);
    assert.ok(tab.requests.length >= 2, `${what}: the page and its style were asked for`);
    const elsewhere = tab.requests.filter((each) => !each.startsWith(url) && !each.startsWith('data:'));
    assert.deepEqual(elsewhere, [], `${what}: requests to elsewhere`);
}

async function assertGood(view, colour, words) {
    const tab = await open(view);
    const what = `${colour} ${named(view)}`;
    // While it tries the server again it says so, for a moment.
    for (let i = 0; i < 10 && (await tab.run(light)) !== `state ${colour}`; i++) await tab.go(url);
    assert.equal(await tab.run(light), `state ${colour}`, what);
    assert.match(await tab.run(sentence), words, what);
    assert.deepEqual(await tab.run(overflow), { by: 0, wide: [] }, `${what}: nothing is wider than the window`);
    const { poor, looked } = await tab.run(poorContrasts, WORST_CONTRAST);
    assert.deepEqual(poor, [], `${what}: text that is hard to read`);
    assert.ok(looked > 20, `${what}: ${looked} pieces of text were looked at`);
    const { top, window } = await tab.run(heights);
    assert.ok(top < window, `${what}: the sentence is seen without scrolling`);
    assert.deepEqual(await walk(tab), await tab.run(controls), `${what}: each control is reached by Tab, in its order`);
    assertQuiet(tab, what);
    if (process.env.SBS_PICTURES) {
        mkdirSync(process.env.SBS_PICTURES, { recursive: true });
        writeFileSync(join(process.env.SBS_PICTURES, `${colour}-${named(view)}.png`), await tab.picture());
    }
    await tab.close();
}

const assertGoodEverywhere = async (colour, words) => {
    for (const view of VIEWS) await assertGood(view, colour, words);
};

/** As many dead letters, of which the server says why in words that no line can hold. */
async function refuse(ids) {
    const issue = [{ severity: 'error', code: 'invalid', diagnostics: `<b>no such code</b> in ${LONG_WORD}` }];
    await server.faults({ on: 'fhir', times: ids.length, status: 422, body: { resourceType: 'OperationOutcome', issue } });
    for (const id of ids) assert.equal((await gateway.post(id)).status, 201);
    await gateway.until('they are dead', (now) => now.deadLetters === ids.length);
    const { stdout } = await gateway.ok('dead', 'list', '--json');
    return stdout.trim().split('\n').map((line) => JSON.parse(line).id);
}

test('the page is read and used by keyboard alone in every state, width and scheme, and no console message comes', async (t) => {
    const letters = await refuse(['first', 'second', 'third']);
    assert.equal((await gateway.request('POST', '/fhir/Observation', { body: `{"resourceType":"${LONG_WORD}"}` })).status, 422);

    await t.test('when the server refused something', () => assertGoodEverywhere('red', /^Act: the server refused 3 measurements/));

    await t.test('Enter on "Send again" does it, with script and without', async () => {
        for (const [i, view] of [VIEWS[0], VIEWS[2]].entries()) {
            const tab = await open(view);
            const name = `Send again number ${letters[i]}`;
            assert.equal((await walk(tab, name)).at(-1), name);
            await tab.loading(() => tab.press('Enter'));
            assert.ok(!(await tab.run(controls)).includes(name), 'it is off the page');
            await gateway.until('it is gone', (now) => now.deadLetters === 2 - i && now.waiting === 0);
            assertQuiet(tab, named(view));
            await tab.close();
        }
        await assertEachOnce(server, ['first', 'second']);
    });

    await t.test('"Give up" deletes nothing before it is confirmed', async () => {
        const tab = await open(VIEWS[0]);
        await walk(tab, `Give up number ${letters[2]}`);
        await tab.press('Enter');
        assert.equal((await gateway.status()).deadLetters, 1);
        await tab.press('Tab');
        assert.equal((await tab.run(focused)).name, `Delete for good number ${letters[2]}`);
        await tab.loading(() => tab.press('Enter'));
        assert.equal((await gateway.status()).deadLetters, 0);
        assertQuiet(tab, 'give up');
        await tab.close();
    });

    await t.test('when all is on the server', () => assertGoodEverywhere('green', /^Good\. All measurements are on the server\.$/));

    await t.test('when the server cannot be reached', async () => {
        await gate.shut();
        assert.equal((await gateway.post('fourth')).status, 201);
        await gateway.until('it waits', (now) => now.upstream === 'waiting');
        await assertGoodEverywhere('amber', /^Waiting\. 1 measurement waits: .*Nothing is lost\.$/);
        await gate.open(server.info.port, gate.port);
        await gateway.delivered(120_000);
        await assertEachOnce(server, ['first', 'second', 'fourth']);
    });
});
