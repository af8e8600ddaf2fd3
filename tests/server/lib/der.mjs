// SPDX-License-Identifier: Apache-2.0
// The few DER types (ITU-T X.690) that an X.509 certificate is made of.

function lengthBytes(length) {
    if (length < 0x80) return Buffer.from([length]);
    const bytes = [];
    for (let rest = length; rest > 0; rest >>= 8) bytes.unshift(rest & 0xff);
    return Buffer.from([0x80 | bytes.length, ...bytes]);
}

export function tagged(tag, ...parts) {
    const content = Buffer.concat(parts);
    return Buffer.concat([Buffer.from([tag]), lengthBytes(content.length), content]);
}

export const sequence = (...parts) => tagged(0x30, ...parts);
export const set = (...parts) => tagged(0x31, ...parts);
export const explicit = (number, ...parts) => tagged(0xa0 | number, ...parts);
export const octetString = (bytes) => tagged(0x04, bytes);
export const utf8String = (text) => tagged(0x0c, Buffer.from(text, 'utf8'));
export const nullValue = () => tagged(0x05);
export const booleanTrue = () => tagged(0x01, Buffer.from([0xff]));

export function bitString(bytes, unusedBits = 0) {
    return tagged(0x03, Buffer.from([unusedBits]), bytes);
}

/** A non-negative INTEGER from big-endian bytes. */
export function integer(bytes) {
    let content = Buffer.from(bytes);
    while (content.length > 1 && content[0] === 0 && content[1] < 0x80) content = content.subarray(1);
    if (content[0] >= 0x80) content = Buffer.concat([Buffer.from([0]), content]);
    return tagged(0x02, content);
}

function base128(number) {
    const bytes = [number & 0x7f];
    for (let rest = number >>> 7; rest > 0; rest >>>= 7) bytes.unshift(0x80 | (rest & 0x7f));
    return bytes;
}

export function oid(text) {
    const [first, second, ...rest] = text.split('.').map(Number);
    return tagged(0x06, Buffer.from([...base128(first * 40 + second), ...rest.flatMap(base128)]));
}

/** UTCTime: good for the years 1950 to 2049. */
export function utcTime(date) {
    const digits = date.toISOString().replace(/[-:T]/g, '').slice(2, 14);
    return tagged(0x17, Buffer.from(`${digits}Z`, 'ascii'));
}
