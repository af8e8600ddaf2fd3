// SPDX-License-Identifier: Apache-2.0
// The official R4 Observations: pushed, read back, and the same to the digit; and what `sbs observe` builds, validated.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fails, ok, pushLines, sbs } from './lib/sbs.mjs';
import { MainServer } from './lib/server.mjs';

const FETCH = fileURLToPath(new URL('../examples/fetch', import.meta.url));
/** Wrong in themselves: an Encounter as performer; a vital sign without a time. */
const REFUSED = {
    'Observation-clinical-gender.json': /at Observation\.performer\S*: Invalid reference/,
    'Observation-f202.json': /at Observation\.effective\[x\]: Missing required property/,
};
const PROFILES = 'http://hl7.org/fhir/StructureDefinition';

let server;
let folder;
before(async () => {
    const stdio = ['ignore', 'pipe', 'ignore'];
    folder = process.env.SBS_EXAMPLES ?? execFileSync(FETCH, { stdio, encoding: 'utf8' }).trim();
    server = await MainServer.start();
});
after(() => server.stop());

/** Every number of a JSON text as written, in order of the sorted member paths. */
function literals(text) {
    const found = [];
    const kept = text.replace(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g, (token) =>
        token[0] === '"' ? token : `"\\u0001${token}"`,
    );
    const walk = (value, path) => {
        if (typeof value === 'string' && value[0] === '\u0001') found.push(`${path}=${value.slice(1)}`);
        else if (value !== null && typeof value === 'object') {
            for (const [name, inner] of Object.entries(value)) walk(inner, `${path}/${name}`);
        }
    };
    walk(JSON.parse(kept), '');
    return found.sort();
}

const withoutServersOwn = ({ meta, ...rest }) => {
    const { versionId, lastUpdated, author, project, compartment, ...own } = meta ?? {};
    return Object.keys(own).length > 0 ? { ...rest, meta: own } : rest;
};

describe('the official R4 Observations', () => {
    let result;
    let files;
    before(async () => {
        files = readdirSync(folder)
            .filter((name) => name.endsWith('.json'))
            .sort();
        result = await sbs(['push', ...server.options(), ...files.map((name) => join(folder, name))]);
    });
    test('all but the two that are wrong are stored', () => {
        assert.ok(files.length >= 64, `${files.length} files`);
        const lines = pushLines(result);
        assert.equal(lines.length, files.length);
        assert.equal(result.status, 1, result.text);
        for (const [i, { what, reason }] of lines.entries()) {
            const why = REFUSED[files[i]];
            assert.equal(what, why ? 'refused' : 'created', `${files[i]}: ${what}: ${reason}`);
            if (why) assert.match(reason, why);
        }
    });
    test('each is read back the same, numbers by their text', async () => {
        const lines = pushLines(result);
        for (const [i, { place }] of lines.entries()) {
            if (REFUSED[files[i]]) continue;
            const sent = readFileSync(join(folder, files[i]), 'utf8').replace(/^\uFEFF/, '');
            const { stdout } = await ok(['get', ...server.options(), place]);
            assert.deepEqual(withoutServersOwn(JSON.parse(stdout)), withoutServersOwn(JSON.parse(sent)), files[i]);
            assert.deepEqual(literals(stdout), literals(sent), files[i]);
        }
    });
    test('pushed again: nothing new', async () => {
        const before = (await server.admin('GET', '/stats')).resources.Observation;
        const good = files.filter((name) => !REFUSED[name]).map((name) => join(folder, name));
        const again = await ok(['push', ...server.options(), ...good]);
        assert.ok(pushLines(again).every(({ what }) => what === 'updated'));
        assert.equal((await server.admin('GET', '/stats')).resources.Observation, before);
    });
});

const VITAL = ['--category', 'vital-signs', '--subject', 'Patient/p1', '--effective', '2026-03-01T10:00:00+01:00'];
const LOINC = 'http://loinc.org';
const MDC = 'urn:iso:std:iso:11073:10101';

/** What is built, the profile it is validated by, and what must stand in it. */
const BUILT = {
    'body temperature, precision kept': [
        ['--code', `${LOINC}|8310-5|Body temperature`, '--value', '36.50', '--unit', 'Cel', ...VITAL],
        'bodytemp',
        ({ text, value }) => {
            assert.match(text, /"value":36\.50[,}]/);
            assert.equal(value.valueQuantity.system, 'http://unitsofmeasure.org');
            assert.equal(value.valueQuantity.code, 'Cel');
        },
    ],
    'heart rate with LOINC and MDC': [
        [
            '--code',
            `${LOINC}|8867-4|Heart rate`,
            '--code',
            `${MDC}|147842|MDC_ECG_HEART_RATE`,
            '--value',
            '62',
            '--unit',
            '/min',
            ...VITAL,
        ],
        'heartrate',
        ({ value }) => {
            assert.deepEqual(
                value.code.coding.map(({ system, code }) => `${system}|${code}`),
                [`${LOINC}|8867-4`, `${MDC}|147842`],
            );
        },
    ],
    'blood pressure with components': [
        [
            '--code',
            `${LOINC}|85354-9|Blood pressure panel`,
            '--component',
            `${LOINC}|8480-6=120 mm[Hg]`,
            '--component',
            `${LOINC}|8462-4=80 mm[Hg]`,
            ...VITAL,
        ],
        'bp',
        ({ value }) => {
            assert.equal(value.component.length, 2);
            assert.equal(value.valueQuantity, undefined);
        },
    ],
    'oxygen saturation': [
        ['--code', `${LOINC}|2708-6|Oxygen saturation in Arterial blood`, '--value', '97', '--unit', '%', ...VITAL],
        'oxygensat',
        () => {},
    ],
    'body weight': [
        ['--code', `${LOINC}|29463-7|Body weight`, '--value', '80.0', '--unit', 'kg', ...VITAL],
        'bodyweight',
        ({ text }) => assert.match(text, /"value":80\.0[,}]/),
    ],
    'coded value': [
        ['--code', `${LOINC}|883-9|ABO group`, '--coded', 'http://snomed.info/sct|112144000|Blood group A'],
        null,
        ({ value }) => assert.equal(value.valueCodeableConcept.coding[0].code, '112144000'),
    ],
    'text value, with everything that JSON must escape': [
        ['--code', `${LOINC}|8251-1`, '--string', 'line 1\nline "2" \\ \u00e9 \u{1f600}\ttab'],
        null,
        ({ value }) => assert.equal(value.valueString, 'line 1\nline "2" \\ \u00e9 \u{1f600}\ttab'),
    ],
    'no value, and why': [
        ['--code', `${LOINC}|8310-5`, '--absent', 'not-a-number', ...VITAL],
        'bodytemp',
        ({ value }) => {
            assert.equal(value.dataAbsentReason.coding[0].code, 'not-a-number');
            assert.equal(value.valueQuantity, undefined);
        },
    ],
    'a personal health device: MDC code, subject, device, PHD identifier': [
        [
            '--code',
            `${MDC}|160368|MDC_CONC_GLU_UNDETERMINED_PLASMA`,
            '--code',
            `${LOINC}|15074-8`,
            '--value',
            '6.30',
            '--unit',
            'mmol/L',
            '--category',
            'http://hl7.org/fhir/uv/phd/CodeSystem/PhdObservationCategories|phd',
            '--subject',
            'Patient/p1',
            '--device',
            'Device/glucometer',
            '--performer',
            'Patient/p1',
            '--effective',
            '2026-03-01T10:00:00Z',
            '--status',
            'final',
            '--identifier',
            'http://hl7.org/fhir/uv/phd/StructureDefinition/PhdBaseObservation|74E8FFFEFF051C00.001C05FFE874-p1-160368-825674400+4',
        ],
        null,
        ({ text, value }) => {
            assert.match(text, /"value":6\.30[,}]/);
            assert.equal(value.device.reference, 'Device/glucometer');
            assert.equal(value.category[0].coding[0].code, 'phd');
            assert.match(value.identifier[0].value, /\+4$/);
        },
    ],
    'a code of a custom system, a day as time, preliminary': [
        [
            '--code',
            'urn:own:codes|x-1',
            '--value',
            '-0.0010',
            '--unit',
            '1',
            '--effective',
            '2026-03-01',
            '--status',
            'preliminary',
        ],
        null,
        ({ text, value }) => {
            assert.match(text, /"value":-0\.0010[,}]/);
            assert.equal(value.status, 'preliminary');
        },
    ],
};

describe('sbs observe', () => {
    let number = 0;
    for (const [name, [args, profile, check]] of Object.entries(BUILT)) {
        test(name, async () => {
            number += 1;
            const named = args.includes('--identifier') ? args : [...args, '--identifier', `urn:built|${number}`];
            const { stdout, stderr } = await ok(['observe', ...named]);
            assert.equal(stderr, '');
            assert.equal(stdout.split('\n').length, 2);
            const value = JSON.parse(stdout);
            check({ text: stdout, value });
            // The server validates a resource by the profiles that it claims.
            const claimed = profile ? stdout.replace('{', `{"meta":{"profile":["${PROFILES}/${profile}"]},`) : stdout;
            const one = await ok(['push', ...server.options(), '-'], { input: stdout });
            assert.match(one.stdout, /\tcreated\tObservation\/\S+\n$/);
            const two = await sbs(['push', ...server.options(), '--write-mode', 'plain', '-'], { input: claimed });
            assert.equal(two.status, 0, two.text);
            const back = await ok(['get', ...server.options(), pushLines(one)[0].place]);
            assert.deepEqual(literals(back.stdout), literals(stdout));
        });
    }
    const UNWHOLE = ['--code', `${LOINC}|8867-4`, '--value', '62', '--unit', '/min'];
    test('a vital sign without a subject is not built', async () => {
        const args = ['observe', ...UNWHOLE, '--category', 'vital-signs', '--effective', '2026-03-01'];
        await fails(
            args,
            3,
            /^observe: subject: missing, but R4's vital-signs profile requires it for 8867-4, give --subject such as Patient\/123$/,
        );
    });
    test('the server does validate profiles: a vital sign without a subject is refused', async () => {
        const { stdout } = await ok(['observe', ...UNWHOLE, ...VITAL]);
        const claimed = stdout
            .replace('{', `{"meta":{"profile":["${PROFILES}/heartrate"]},`)
            .replace(/"subject":\{[^}]*\},/, '');
        const result = await sbs(['push', ...server.options(), '--write-mode', 'plain', '-'], { input: claimed });
        assert.equal(result.status, 1, result.text);
        assert.match(pushLines(result)[0].reason, /HTTP 400\): error structure at Observation\.subject/);
    });
});
