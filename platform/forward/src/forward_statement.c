/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/forward_statement.h"

#include <stdlib.h>
#include <string.h>

#include "forward_text.h"

void sbs_forward_statement_free(sbs_forward_statement *statement) {
    free(statement->priv.types);
    *statement = (sbs_forward_statement){0};
}

static bool statement_reserve(sbs_forward_statement *statement) {
    if (statement->priv.count < statement->priv.size) {
        return true;
    }

    size_t size = 2 * statement->priv.size + 32;
    sbs_forward_type *grown = realloc(statement->priv.types, size * sizeof *grown);
    if (grown == NULL) {
        return false;
    }

    statement->priv.types = grown;
    statement->priv.size = size;
    return true;
}

/* The place of the type; the number of types if there is none. What is asked for is mostly what was asked for last. */
static size_t statement_find(const sbs_forward_statement *statement, sbs_text name) {
    size_t last = statement->priv.last;
    if (last < statement->priv.count && sbs_text_equal(sbs_text_of(statement->priv.types[last].name), name)) {
        return last;
    }

    size_t at = 0;
    while (at < statement->priv.count && !sbs_text_equal(sbs_text_of(statement->priv.types[at].name), name)) {
        at++;
    }
    return at;
}

sbs_status sbs_forward_statement_add(sbs_forward_statement *statement, sbs_text name, const sbs_capability *can) {
    if (!sbs_fhir_type_is_valid(name)) {
        return SBS_ERR_ARGUMENT;
    }

    /* Of a type that is named twice the first counts. */
    if (statement_find(statement, name) < statement->priv.count) {
        return SBS_OK;
    }
    if (statement->priv.count >= SBS_FORWARD_TYPES_MAX) {
        return SBS_ERR_BUFFER;
    }
    if (!statement_reserve(statement)) {
        return SBS_ERR_MEMORY;
    }

    sbs_forward_type *added = &statement->priv.types[statement->priv.count++];
    *added = (sbs_forward_type){.can = *can};
    memcpy(added->name, name.ptr, name.len);
    return SBS_OK;
}

static void statement_read_release(sbs_forward_statement *statement, sbs_text release) {
    release = sbs_forward_cut(release, sizeof statement->release - 1);
    if (release.len > 0) {
        memcpy(statement->release, release.ptr, release.len);
    }
    statement->release[release.len] = '\0';
}

static sbs_status statement_read_types(sbs_forward_statement *statement, const sbs_json *doc) {
    sbs_json_node node = sbs_capability_first_type(doc);

    while (node != SBS_JSON_NONE) {
        sbs_text name = {NULL, 0};
        sbs_capability can = statement->system;
        sbs_capability_read_type(doc, node, &name, &can);

        /* What is no name of a type, or one too many, is nothing that could be asked for. */
        if (sbs_forward_statement_add(statement, name, &can) == SBS_ERR_MEMORY) {
            return SBS_ERR_MEMORY;
        }
        node = sbs_json_next(doc, node);
    }

    return SBS_OK;
}

sbs_status sbs_forward_statement_read(sbs_forward_statement *statement, const sbs_json *doc) {
    sbs_text release = {NULL, 0};
    unsigned major = 0;
    sbs_forward_statement_free(statement);
    sbs_status status = sbs_capability_version(doc, &release, &major);
    if (status != SBS_OK) {
        return status;
    }

    statement->major = major;
    statement_read_release(statement, release);
    /* Of any type: whether there is a server in it at all. */
    status = sbs_capability_read(doc, "", &statement->system);
    if (status == SBS_OK) {
        status = statement_read_types(statement, doc);
    }

    return status;
}

sbs_capability sbs_forward_statement_of(sbs_forward_statement *statement, const char *type) {
    size_t at = statement_find(statement, sbs_text_of(type));
    if (at >= statement->priv.count) {
        return statement->system;
    }

    statement->priv.last = at;
    return statement->priv.types[at].can;
}

bool sbs_forward_statement_is_safe(const sbs_forward_statement *statement) {
    for (size_t i = 0; i < statement->priv.count; i++) {
        const sbs_capability *can = &statement->priv.types[i].can;
        if (can->update_create || can->conditional_create) {
            return true;
        }
    }
    return false;
}

const sbs_forward_type *sbs_forward_statement_at(const sbs_forward_statement *statement, size_t index) {
    return index < statement->priv.count ? &statement->priv.types[index] : NULL;
}

sbs_status sbs_forward_statement_copy(sbs_forward_statement *to, const sbs_forward_statement *from) {
    sbs_forward_statement_free(to);
    memcpy(to->release, from->release, sizeof to->release);
    to->major = from->major;
    to->system = from->system;

    for (size_t i = 0; i < from->priv.count; i++) {
        const sbs_forward_type *type = &from->priv.types[i];
        if (sbs_forward_statement_add(to, sbs_text_of(type->name), &type->can) != SBS_OK) {
            sbs_forward_statement_free(to);
            return SBS_ERR_MEMORY;
        }
    }

    return SBS_OK;
}
