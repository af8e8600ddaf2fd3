/* SPDX-License-Identifier: Apache-2.0 */
/** @file meter_tls.h The secured stream of the application: TLS over a raw stream, trusting the record's anchors. */
#ifndef METER_TLS_H
#define METER_TLS_H

#include "meter_record.h"
#include "sbs/tls_stream.h"

/** Kept sessions: one for the token host and one for the FHIR server, which often are one host. */
#ifndef METER_TLS_SESSIONS
#define METER_TLS_SESSIONS 1u
#endif

typedef struct meter_tls {
    sbs_stream stream; /**< for meter_ports.stream */
    sbs_stream raw, secured;
    sbs_tls_config config;
    sbs_tls_trust trust;
    sbs_tls_session sessions[METER_TLS_SESSIONS];
    sbs_tls_stream tls;
    bool ready;
    uint32_t full, resumed;     /**< handshakes */
    uint64_t (*clock_us)(void); /**< for the times below; may be NULL. Set it after meter_tls_init(). */
    uint64_t opening_us;        /**< spent in calls that open the connection */
    uint64_t full_us;           /**< the same, of the last full handshake */
    uint64_t resumed_us;        /**< the same, of the last resumed one */
} meter_tls;

/** What SBS_ERR_TLS means with this code of the stream. */
const char *meter_tls_cause(int32_t code);

/** Prepares @p tls over @p raw, which is copied. It trusts nobody yet. */
void meter_tls_init(meter_tls *tls, const sbs_stream *raw);

/** Closes the connection, forgets the sessions and trusts the anchors of @p record, NULL: nobody. */
SBS_NODISCARD sbs_status meter_tls_trust(meter_tls *tls, const meter_record *record);

#endif
