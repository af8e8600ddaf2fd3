/* SPDX-License-Identifier: Apache-2.0 */
/* What a program places: the size of each is the size of a symbol, which tools/size --contexts reads. Never linked. */
#include "sbs/flash_queue.h"
#include "sbs/flash_storage.h"
#include "sbs/psa_key.h"
#include "sbs/push.h"
#include "sbs/tls_stream.h"

#define CONTEXT(type) char context_##type[sizeof(type)]

extern CONTEXT(sbs_client);
extern CONTEXT(sbs_client_config);
extern CONTEXT(sbs_push);
extern CONTEXT(sbs_push_config);
extern CONTEXT(sbs_psa_key);
extern CONTEXT(sbs_tls_stream);
extern CONTEXT(sbs_tls_config);
extern CONTEXT(sbs_tls_session);
extern CONTEXT(sbs_tls_trust);
extern CONTEXT(sbs_flash_queue);
extern CONTEXT(sbs_flash_storage);

CONTEXT(sbs_client);
CONTEXT(sbs_client_config);
CONTEXT(sbs_push);
CONTEXT(sbs_push_config);
CONTEXT(sbs_psa_key);
CONTEXT(sbs_tls_stream);
CONTEXT(sbs_tls_config);
CONTEXT(sbs_tls_session);
CONTEXT(sbs_tls_trust);
CONTEXT(sbs_flash_queue);
CONTEXT(sbs_flash_storage);

/* Work buffers, by the lengths of client id, URLs, scope, token and answer. */
extern char work_small[], work_usual[], work_large[];
char work_small[SBS_CLIENT_WORK_SIZE(36, 128, 48, 1024, 1536)];
char work_usual[SBS_CLIENT_WORK_SIZE(36, 128, 48, 1536, 3072)];
char work_large[SBS_CLIENT_WORK_SIZE(2048, 256, 128, 4096, 8192)];
