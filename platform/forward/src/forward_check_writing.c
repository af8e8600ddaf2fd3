/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of writing: the server's statement, held against the granted scope. */
#include <stdio.h>

#include "sbs/forward_check.h"

#define TEXT_SIZE 192
#define TRY_IT "push something to find out"

/* ---- the statement ---------------------------------------------------------------------------------------------- */

/* R4 and R4B count as 4. A version that cannot be read, or a newer one, may still work. */
bool sbs_forward_check_release(const sbs_forward_check *check, sbs_text release, unsigned major) {
    char advice[TEXT_SIZE];
    if (major == 4) {
        sbs_forward_check_tell(check, SBS_FORWARD_OK, SBS_FORWARD_STEP_METADATA, NULL, "FHIR %.*s", (int)release.len,
                               release.ptr);
        return true;
    }

    bool may_work = major == 0 || major > 4;
    (void)snprintf(advice, sizeof advice, "give the base URL of an R4 endpoint with %s", check->fhir);
    sbs_forward_check_tell(check, may_work ? SBS_FORWARD_WARN : SBS_FORWARD_FAIL, SBS_FORWARD_STEP_METADATA, advice,
                           "FHIR %.*s, but this program writes resources of R4", (int)release.len, release.ptr);
    return may_work;
}

void sbs_forward_check_unstated(const sbs_forward_check *check) {
    char advice[TEXT_SIZE];
    (void)snprintf(advice, sizeof advice, "choose a way to write with %s", check->write_mode);
    sbs_forward_check_tell(check, SBS_FORWARD_WARN, SBS_FORWARD_STEP_METADATA, advice,
                           "the server does not show its CapabilityStatement");
}

/* ---- one type --------------------------------------------------------------------------------------------------- */

/* PUT needs u, also where it creates; all else needs c. */
static sbs_forward_mode writing_mode(const sbs_forward_writing *writing) {
    if (writing->asked > SBS_FORWARD_AUTO) {
        return writing->asked;
    }

    /* Without a statement put is a guess: it is taken only where nothing else is granted. */
    bool put_only = writing->may_update && !writing->may_create;
    if (!writing->known && !put_only) {
        return SBS_FORWARD_IF_NONE_EXIST;
    }
    if (!writing->known || (writing->stated.update_create && writing->may_update)) {
        return SBS_FORWARD_PUT;
    }
    if (writing->stated.conditional_create) {
        return SBS_FORWARD_IF_NONE_EXIST;
    }

    return SBS_FORWARD_PLAIN;
}

static bool writing_lacks(const sbs_forward_check *check, const sbs_forward_writing *writing, const char *why) {
    char advice[TEXT_SIZE];
    sbs_forward_verdict verdict = SBS_FORWARD_FAIL;
    if (writing->any_scope) {
        verdict = SBS_FORWARD_WARN;
    }

    (void)snprintf(advice, sizeof advice, "ask with %s for system/%s.cu, and have it granted", check->scope,
                   writing->type);
    sbs_forward_check_tell(check, verdict, SBS_FORWARD_STEP_CREATE, advice, "%s: the granted scope has %s",
                           writing->type, why);
    return writing->any_scope;
}

static void writing_warn(const sbs_forward_check *check, const sbs_forward_writing *writing, const char *what,
                         const char *advice) {
    sbs_forward_check_tell(check, SBS_FORWARD_WARN, SBS_FORWARD_STEP_CREATE, advice, "%s: granted, %s", writing->type,
                           what);
}

/* The server knows a resource again by its id or by its identifier; plain has neither. */
static void writing_warn_of_plain(const sbs_forward_check *check, const sbs_forward_writing *writing) {
    char what[TEXT_SIZE];
    char advice[TEXT_SIZE];

    if (writing->stated.conditional_create || (writing->stated.update_create && writing->may_update)) {
        (void)snprintf(what, sizeof what, "but %s asks for plain: a repeat may be stored twice", check->write_mode);
        (void)snprintf(advice, sizeof advice, "leave %s out, the server states a better one", check->write_mode);
        writing_warn(check, writing, what, advice);
        return;
    }
    if (writing->stated.update_create) {
        (void)snprintf(advice, sizeof advice, "ask with %s for u (update) too", check->scope);
        writing_warn(check, writing, "but the scope allows only plain: a repeat may be stored twice", advice);
        return;
    }

    (void)snprintf(advice, sizeof advice, "if the server can do more than it states, say so with %s",
                   check->write_mode);
    writing_warn(check, writing, "but the server states only plain: a repeat may be stored twice", advice);
}

/* A server may be able to do more than it states, where it states anything at all. */
static void writing_tell_stated(const sbs_forward_check *check, const sbs_forward_writing *writing,
                                sbs_forward_mode mode) {
    static const char *const names[] = {"auto", "auto", "put", "if-none-exist", "plain"};
    const sbs_capability *stated = &writing->stated;
    char what[TEXT_SIZE];

    if (!writing->known) {
        writing_warn(check, writing, "but the server states nothing about it", TRY_IT);
        return;
    }
    if (!stated->create && !stated->update && !stated->update_create) {
        writing_warn(check, writing, "but the server does not state that it takes new ones",
                     "ask the server's operator");
        return;
    }
    if (mode == SBS_FORWARD_PLAIN) {
        writing_warn_of_plain(check, writing);
        return;
    }

    /* A way that an operator chose is used whatever the server states. */
    bool can_put = mode == SBS_FORWARD_PUT && stated->update_create;
    bool can_post = mode == SBS_FORWARD_IF_NONE_EXIST && stated->conditional_create;
    if (!can_put && !can_post) {
        (void)snprintf(what, sizeof what, "but the server does not state %s", names[mode]);
        writing_warn(check, writing, what, TRY_IT);
        return;
    }

    sbs_forward_check_tell(check, SBS_FORWARD_OK, SBS_FORWARD_STEP_CREATE, NULL,
                           "%s: granted, and the server states %s", writing->type, names[mode]);
}

bool sbs_forward_check_writing(const sbs_forward_check *check, const sbs_forward_writing *writing) {
    sbs_forward_mode mode = writing_mode(writing);

    /* The letters that are missing come first: no statement of the server makes up for them. */
    if (!writing->may_create && !writing->may_update) {
        return writing_lacks(check, writing, "neither c (create) nor u (update)");
    }
    if (mode == SBS_FORWARD_PUT && !writing->may_update) {
        return writing_lacks(check, writing, "no u (update), which put needs");
    }
    if (mode != SBS_FORWARD_PUT && !writing->may_create) {
        return writing_lacks(check, writing, "no c (create), which the server's way to write needs");
    }

    writing_tell_stated(check, writing, mode);
    return true;
}
