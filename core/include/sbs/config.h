/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file config.h
 * Sizes that a build may change, all with a default. Behaviour is configured at run time, never here.
 */
#ifndef SBS_CONFIG_H
#define SBS_CONFIG_H

/** Deepest nesting of objects and arrays that the JSON reader accepts, 2 to 64. Costs one bit of stack a level. */
#ifndef SBS_JSON_DEPTH_MAX
#define SBS_JSON_DEPTH_MAX 32
#endif

/** Bytes of sanitised text kept of the server's words in sbs_detail, with the NUL. */
#ifndef SBS_DETAIL_TEXT_SIZE
#define SBS_DETAIL_TEXT_SIZE 256
#endif

/** Most bytes of a token endpoint's answer. Tokens of some kB exist; what is larger is no token response. */
#ifndef SBS_TOKEN_RESPONSE_MAX
#define SBS_TOKEN_RESPONSE_MAX 65536
#endif

/** 0: sbs_status_text() gives the name of a status instead of its sentence, which is 0.8 KB of flash less.
 * docs/errors.md has the sentences. */
#ifndef SBS_STATUS_SENTENCES
#define SBS_STATUS_SENTENCES 1
#endif

/** Where jsmn is: a build that has it elsewhere names it. */
#ifndef SBS_JSMN_HEADER
#define SBS_JSMN_HEADER <jsmn.h>
#endif

/** Longest host name in a URL, with the NUL (RFC 1035 section 2.3.4: 253 visible bytes). A build with less refuses
 * longer ones as SBS_ERR_URL. */
#ifndef SBS_HOST_SIZE
#define SBS_HOST_SIZE 254
#endif

/** Most header bytes of one HTTP answer, all fields and the status line together, interim answers included. */
#ifndef SBS_HTTP_HEADER_MAX
#define SBS_HTTP_HEADER_MAX 32768
#endif

/** Most items of one batch Bundle. Costs 16 bytes of RAM each in sbs_push. */
#ifndef SBS_PUSH_BATCH_MAX
#define SBS_PUSH_BATCH_MAX 32
#endif

/** Most interim (1xx) answers before the final one. */
#ifndef SBS_HTTP_INTERIM_MAX
#define SBS_HTTP_INTERIM_MAX 8
#endif

#endif
