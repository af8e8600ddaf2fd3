/* SPDX-License-Identifier: Apache-2.0 */
/** @file forward_fan_internal.h What the files of the fan share. */
#ifndef SBS_FORWARD_FAN_INTERNAL_H
#define SBS_FORWARD_FAN_INTERNAL_H

#include "sbs/forward_fan.h"

/** Has a line's push tell the fan. */
void sbs_line_listen(sbs_forward_line *line, sbs_forward_push_config *config);
/** Parks lines that wait and have nothing that others did not take, once nothing is left. */
void sbs_fan_park_idle(sbs_forward_fan *fan);
/** Tells, once, that all wait, if none does anything else. */
void sbs_fan_tell_waits(sbs_forward_fan *fan);
/** What was told is durable; or did not happen. */
void sbs_fan_tell_durable(sbs_forward_fan *fan);
void sbs_fan_tell_undone(sbs_forward_fan *fan);

#endif
