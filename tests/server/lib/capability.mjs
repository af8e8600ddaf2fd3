// SPDX-License-Identifier: Apache-2.0
// What the server says about itself: smart-configuration and CapabilityStatement.

/** The resources that are served. */
export const TYPES = [
    'Observation',
    'Patient',
    'Device',
    'DeviceMetric',
    'DiagnosticReport',
    'Practitioner',
    'Organization',
    'Encounter',
];
const ALWAYS = ['read', 'vread', 'update', 'patch', 'delete', 'history-instance', 'create', 'search-type'];

export function smartConfiguration({ issuer, tokenUrl }, overrides) {
    const document = {
        issuer,
        jwks_uri: `${issuer}/jwks`,
        token_endpoint: tokenUrl,
        grant_types_supported: ['client_credentials'],
        token_endpoint_auth_methods_supported: ['private_key_jwt'],
        token_endpoint_auth_signing_alg_values_supported: ['RS384', 'ES384'],
        code_challenge_methods_supported: ['S256'],
        scopes_supported: ['system/Observation.cruds', 'system/Patient.rs', 'system/Device.cruds', 'system/*.cruds'],
        capabilities: ['client-confidential-asymmetric', 'permission-v1', 'permission-v2'],
        ...overrides,
    };
    return Object.fromEntries(Object.entries(document).filter(([, value]) => value !== null));
}

function resourceCapability(type, settings) {
    return {
        type,
        interaction: ALWAYS.map((code) => ({ code })),
        versioning: 'versioned-update',
        readHistory: true,
        updateCreate: settings.updateCreate,
        conditionalCreate: settings.conditionalCreate === true,
        conditionalUpdate: true,
        conditionalDelete: 'single',
        searchParam: [
            { name: '_id', type: 'token' },
            { name: 'identifier', type: 'token' },
            ...(type === 'Observation'
                ? [
                      { name: 'code', type: 'token' },
                      { name: 'date', type: 'date' },
                  ]
                : []),
        ],
    };
}

export function capabilityStatement({ issuer, tokenUrl, fhirBase, started }, settings) {
    return {
        resourceType: 'CapabilityStatement',
        status: 'active',
        date: started,
        kind: 'instance',
        implementation: { description: 'Test server of libsbs', url: fhirBase },
        fhirVersion: '4.0.1',
        format: ['application/fhir+json', 'json'],
        rest: [
            {
                mode: 'server',
                security: {
                    service: [
                        {
                            coding: [
                                {
                                    system: 'http://terminology.hl7.org/CodeSystem/restful-security-service',
                                    code: 'SMART-on-FHIR',
                                },
                            ],
                        },
                    ],
                    extension: [
                        {
                            url: 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris',
                            extension: [
                                { url: 'token', valueUri: tokenUrl },
                                { url: 'authorize', valueUri: `${issuer}/auth` },
                            ],
                        },
                    ],
                },
                resource: TYPES.map((type) => resourceCapability(type, settings)),
                interaction: [{ code: 'batch' }, { code: 'transaction' }],
            },
        ],
    };
}
