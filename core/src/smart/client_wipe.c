/* SPDX-License-Identifier: Apache-2.0 */
/* For programs whose work buffer has room for a thousand answers: not all of it is wiped for each. */
#include "smart/client_internal.h"

/* What was sent, and the lines of the answer's head, were wiped as they went. Only the answer's body is left. */
bool sbs_client_wipe_used(struct sbs_client *client, sbs_status status) {
    const sbs_answer *answer = &client->priv.exchange.answer;
    size_t size;
    char *scratch = sbs_client_scratch(client, &size);
    if (status != SBS_OK || client->priv.attempt > 0 || answer->body_dropped) {
        return false; /* there may be parts of others */
    }

    if (answer->body_len < size) {
        size = answer->body_len;
    }

    sbs_wipe(scratch, size);
    return true;
}
