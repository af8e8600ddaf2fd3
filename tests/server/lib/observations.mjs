// SPDX-License-Identifier: Apache-2.0
// The stored Observations as rows, for the demo's last step and for tests.

const codeText = ({ code }) => {
    const coding = code?.coding?.[0];
    return coding ? `${coding.code}${coding.display ? ` ${coding.display}` : ''}` : (code?.text ?? '');
};

function quantityText(quantity) {
    return `${quantity.comparator ?? ''}${quantity.value ?? ''} ${quantity.code ?? quantity.unit ?? ''}`.trim();
}

function valueText(element) {
    if (element.valueQuantity) return quantityText(element.valueQuantity);
    if (element.valueCodeableConcept) return codeText({ code: element.valueCodeableConcept });
    if (element.dataAbsentReason) return `absent: ${codeText({ code: element.dataAbsentReason })}`;
    const name = Object.keys(element).find((each) => /^value[A-Z]/.test(each));
    if (!name) return '';
    return typeof element[name] === 'object' ? name.slice(5) : String(element[name]);
}

function wholeValue(observation) {
    const own = valueText(observation);
    const parts = (observation.component ?? []).map((part) => `${codeText(part)} = ${valueText(part)}`);
    return [own, ...parts].filter(Boolean).join('; ');
}

/** Numbers become the literals that were sent, so that 36.50 is shown as 36.50. */
function withLiterals(resource, precision) {
    const text = precision.stringify(resource).replace(/"value":(-?\d[\d.eE+-]*)/g, '"value":"$1"');
    return JSON.parse(text);
}

function row(stored, precision) {
    const observation = withLiterals(stored, precision);
    const identifiers = [observation.identifier ?? []].flat().filter(Boolean);
    const named = ({ system = '', value = '' }) => `${system}|${value}`;
    return {
        id: observation.id,
        version: observation.meta.versionId,
        status: observation.status,
        code: codeText(observation),
        value: wholeValue(observation),
        effective:
            observation.effectiveDateTime ?? observation.effectivePeriod?.start ?? observation.effectiveInstant ?? '',
        subject: observation.subject?.reference ?? '',
        identifier: identifiers.slice(0, 1).map(named).join(''),
        identifiers: identifiers.map(named),
        stored: observation.meta.lastUpdated,
    };
}

export function observationRows(repository, precision) {
    return repository.all('Observation').map((stored) => row(stored, precision));
}

const MAX_CELL = 44;
const SHOWN = ['id', 'status', 'code', 'value', 'effective', 'subject', 'identifier'];

const cellText = (value) => (value.length > MAX_CELL ? `${value.slice(0, MAX_CELL - 3)}...` : value);

export function table(rows) {
    const lines = [SHOWN, ...rows.map((each) => SHOWN.map((name) => cellText(each[name])))];
    const widths = SHOWN.map((_, i) => Math.max(...lines.map((line) => line[i].length)));
    return lines
        .map(
            (line) =>
                `${line
                    .map((cell, i) => cell.padEnd(widths[i]))
                    .join('  ')
                    .trimEnd()}\n`,
        )
        .join('');
}
