// SPDX-License-Identifier: Apache-2.0
// A device that posts to a gateway, and repeats what got no answer, as devices do.
import http from 'node:http';
import { observation } from '../../integration/lib/observations.mjs';
import { pause } from '../../integration/lib/server.mjs';

/** Posts one after the other until `over` is set; `given` are those that were accepted, `odd` what else was answered. */
export class Poster {
    given = [];
    odd = [];
    repeats = 0;
    over = false;

    constructor(gateway, name) {
        this.gateway = gateway;
        this.name = name;
        this.agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    }

    async run() {
        for (let i = 0; !this.over; i++) {
            await this.#give(`${this.name}-${i}`);
            await pause(10);
        }
        this.agent.destroy();
    }

    async #give(id) {
        for (;;) {
            const answer = await this.gateway.request('POST', '/fhir/Observation', {
                device: this.name,
                body: observation(id),
                agent: this.agent,
                timeout: 10_000,
            });
            if (answer.status === 201 || answer.status === 200) {
                this.repeats += answer.status === 200 ? 1 : 0;
                this.given.push(id);
                return;
            }
            if (answer.status !== 0 && answer.status !== 503) this.odd.push(`${id}: ${answer.status} ${answer.text}`);
            await pause(50);
        }
    }
}
