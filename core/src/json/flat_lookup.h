/* SPDX-License-Identifier: Apache-2.0 */
/* Internal: lookups in documents without a tree, where "missing" and "unusable" are the same. */
#ifndef SBS_FLAT_LOOKUP_H
#define SBS_FLAT_LOOKUP_H

#include "sbs/flat.h"

/** The member @p name of @p object; SBS_JSON_NONE if it is missing, stands twice, or @p object is no object. */
sbs_json_node sbs_flat_lookup(const sbs_flat *doc, sbs_json_node object, const char *name);

/** The member @p name of the document's object, where one that is null counts as missing (SBS_ERR_NOT_FOUND). Otherwise
 *  as sbs_flat_member. */
SBS_NODISCARD sbs_status sbs_flat_lookup_value(const sbs_flat *doc, const char *name, sbs_json_node *out_node);

/** True if the member @p name of @p object is the string @p value. */
bool sbs_flat_lookup_is(const sbs_flat *doc, sbs_json_node object, const char *name, const char *value);

/** The place of the string @p node, from 1, among @p words, each of which ends with a NUL, the last one with two; 0: it
 *  is none of them. */
unsigned sbs_flat_lookup_place(const sbs_flat *doc, sbs_json_node node, const char *words);

/** The first element of the array member @p name of @p object, or SBS_JSON_NONE. Go on with sbs_flat_next. */
sbs_json_node sbs_flat_lookup_first(const sbs_flat *doc, sbs_json_node object, const char *name);

#endif
