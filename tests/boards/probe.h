/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROBE_H
#define PROBE_H

/* Carries out @p command if it is one of a fault: does not return then. */
void probe_fault(const char *command);

#endif
