/* SPDX-License-Identifier: Apache-2.0 */
/* Our streams and the peers of peers.py, as a porter would give his to the suite. */
#ifndef PORT_RIG_STREAM_H
#define PORT_RIG_STREAM_H

#include "port_suite.h"

/** Starts the peers; once for the program. */
void rig_stream_start(void);
void rig_stream_stop(void);

/** TCP of Linux. */
void rig_stream_tcp_open(port_stream *out);
void rig_stream_tcp_close(void);

/** TLS of Mbed TLS over it. */
void rig_stream_tls_open(port_stream *out);
void rig_stream_tls_close(void);

#endif
