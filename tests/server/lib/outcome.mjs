// SPDX-License-Identifier: Apache-2.0

/** An OperationOutcome; `status` (not sent) is the HTTP status where Medplum has no outcome of its own for it. */
export function outcome(code, text, status) {
    const result = {
        resourceType: 'OperationOutcome',
        issue: [{ severity: 'error', code, details: { text }, diagnostics: text }],
    };
    Object.defineProperty(result, 'status', { value: status, enumerable: false });
    return result;
}
