// SPDX-License-Identifier: Apache-2.0
// An empty store of tokens for SoftHSM. Import it before sbs.mjs: what it sets is the environment of every command.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'sbs-softhsm-'));
mkdirSync(join(folder, 'tokens'));
process.env.SOFTHSM2_CONF = join(folder, 'softhsm2.conf');
writeFileSync(process.env.SOFTHSM2_CONF, `directories.tokendir = ${join(folder, 'tokens')}\nlog.level = ERROR\n`);
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

export const MODULE = execFileSync('find', ['/usr/lib', '-name', 'libsofthsm2.so', '-print', '-quit'], { encoding: 'utf8' }).trim();
