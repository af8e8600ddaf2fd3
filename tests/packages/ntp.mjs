// SPDX-License-Identifier: Apache-2.0
// Tells the time of this machine by SNTP (RFC 4330) on 127.0.0.1:123, until standard input closes: what systemd-timesyncd
// of the virtual machine asks.
import dgram from 'node:dgram';

const SIZE = 48;
const CLIENT = 3;
const SERVER = 4;
const FROM_1900_S = 2_208_988_800;

const stamp = (ms) => {
    const out = Buffer.alloc(8);
    out.writeUInt32BE((Math.floor(ms / 1000) + FROM_1900_S) >>> 0, 0);
    out.writeUInt32BE(Math.floor(((ms % 1000) / 1000) * 2 ** 32), 4);
    return out;
};

const socket = dgram.createSocket('udp4');
socket.on('message', (request, peer) => {
    if (request.length < SIZE || (request[0] & 7) !== CLIENT) return;
    const answer = Buffer.alloc(SIZE);
    const now = stamp(Date.now());
    answer[0] = (request[0] & 0x38) | SERVER;
    answer[1] = 1; // a clock of its own
    answer[2] = request[2];
    answer[3] = 0xec; // a microsecond
    answer.write('LOCL', 12);
    now.copy(answer, 16);
    request.copy(answer, 24, 40, 48);
    now.copy(answer, 32);
    now.copy(answer, 40);
    socket.send(answer, peer.port, peer.address);
});
socket.bind(123, '127.0.0.1');
process.stdin.on('end', () => socket.close()).resume();
