/* SPDX-License-Identifier: Apache-2.0 */
/* One file of a folder: read, stored, or refused with a reason beside it. */
#ifndef SBS_GATEWAY_SPOOL_FILE_H
#define SBS_GATEWAY_SPOOL_FILE_H

#include <limits.h>
#include <sys/stat.h>

#include "intake_internal.h"

#define SBS_SPOOL_TAKEN ".sbs-"
#define SBS_SPOOL_WHY ".why"

typedef enum sbs_spool_fate {
    SBS_SPOOL_STORED,  /* in the queue's group: the file goes with the commit */
    SBS_SPOOL_REFUSED, /* NAME.why says why */
    SBS_SPOOL_LATER,   /* it changes still, or cannot be renamed or read now: it is where it was */
    SBS_SPOOL_DENIED,  /* nothing can be renamed in the folder, errno says why: it is where it was */
    SBS_SPOOL_TROUBLE  /* the same, but no other would be stored either */
} sbs_spool_fate;

/* True if a file of that kind and owner may be read. */
bool sbs_spool_is_ours(int folder, const struct stat *info);
/* Takes a file of @p folder (a descriptor) by its name: renames, reads, stores. @p out_read: what was read. @p again:
 * it stands there as taken, of before a crash. */
sbs_spool_fate sbs_spool_take(const sbs_gateway_intake *intake, const sbs_gateway_device *device, sbs_now now,
                              int folder, const char *name, bool again, struct stat *out_read);
/* Removes a file that was stored, unless it is another one than was read: then it gets its name back. */
void sbs_spool_remove(int folder, const char *name, int64_t size, int64_t written_s, int64_t written_ns);
/* Puts "NAME.why" together, as much of the name as fits. */
void sbs_spool_why_name(char out[NAME_MAX + 1], const char *name);
/* Writes NAME.why. */
void sbs_spool_explain(int folder, const char *name, const sbs_intake_result *result);

#endif
