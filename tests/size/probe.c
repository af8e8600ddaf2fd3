/* SPDX-License-Identifier: Apache-2.0 */
/* What a firmware calls that is a client and nothing else; tools/size links it to see what of the core it pays for.
 * Nothing is ever run: the memory stands for the firmware's own. */
#include "sbs/client.h"
#include "sbs/psa_key.h"

extern sbs_client client;
extern sbs_client_config config;
extern sbs_request request;
extern sbs_now now;
extern sbs_wait wait;
extern sbs_psa_key key_state;
extern sbs_key key;

int _start(void);

int _start(void) {
    sbs_psa_key_init(&key_state, 1, &key);
    if (sbs_client_init(&client, &config) != SBS_OK || sbs_client_start(&client, &request) != SBS_OK) {
        return 1;
    }
    while (sbs_client_poll(&client, now, &wait) == SBS_PENDING) {
    }
    sbs_response response = sbs_client_response(&client);
    const sbs_detail *detail = sbs_client_detail(&client);
    int code = response.http_status + (int)detail->status;
    sbs_client_deinit(&client);
    return code;
}
