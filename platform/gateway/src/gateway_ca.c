/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/gateway_ca.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca_hosts.h"
#include "ca_write.h"
#include "sbs/date.h"
#include "sbs/linux_clock.h"
#include "sbs/tls_constraints.h"

#define DAY_S INT64_C(86400)
#define ROOT_DAYS 3650
#define LEAF_DAYS 90
#define LEAF_DAYS_UNDATED 800 /* while the clock is not known; some clients take no more than 825 */
#define FILE_MAX SBS_CA_TEXT_SIZE
#define PATH_SIZE 4096

/* 2020-01-01: long before any gateway was made, so that no clock is behind it that is not plainly wrong. */
#define LONG_AGO_S INT64_C(1577836800)

/* ---- files ---------------------------------------------------------------------------------------------------- */

static bool ca_path(const char *folder, const char *name, char out[PATH_SIZE]) {
    int len = snprintf(out, PATH_SIZE, "%s/%s", folder, name);
    return len > 0 && len < PATH_SIZE;
}

static sbs_status ca_read(const char *folder, const char *name, sbs_linux_blob *out) {
    char path[PATH_SIZE];
    *out = (sbs_linux_blob){NULL, 0};
    if (!ca_path(folder, name, path)) {
        return SBS_ERR_ARGUMENT;
    }

    sbs_status status = sbs_linux_file_read(path, FILE_MAX, out);
    return status == SBS_ERR_TOO_LARGE ? SBS_ERR_DAMAGED : status;
}

static sbs_status ca_read_pair(const char *folder, const char *name, sbs_ca_pair *out) {
    sbs_linux_blob text;
    sbs_status status = ca_read(folder, name, &text);
    if (status == SBS_OK) {
        status = sbs_ca_pair_parse(out, text.data, text.len);
    }

    sbs_linux_blob_free(&text);
    return status;
}

static sbs_status ca_write(const char *folder, const char *name, const char *text, bool overwrite) {
    char path[PATH_SIZE];
    if (!ca_path(folder, name, path)) {
        return SBS_ERR_ARGUMENT;
    }
    return sbs_linux_file_write(path, text, strlen(text), SBS_LINUX_PRIVATE, overwrite);
}

/* ---- time ----------------------------------------------------------------------------------------------------- */

static int64_t ca_seconds(const mbedtls_x509_time *time) {
    int64_t days = sbs_date_days(time->year, (unsigned)time->mon, (unsigned)time->day);
    return days * DAY_S + time->hour * 3600 + time->min * 60 + time->sec;
}

/* The latest that it may be for all that is known: never before the program was built. */
static int64_t ca_likely_now(sbs_now now) {
    int64_t built = sbs_linux_build_time();
    return now.utc_s > built ? now.utc_s : built;
}

static sbs_ca_term ca_leaf_term(const sbs_gateway_ca_config *config, const sbs_ca_pair *root, sbs_now now) {
    int64_t root_until = ca_seconds(&root->certificate.valid_to);
    sbs_ca_term term = {.from_s = LONG_AGO_S, .until_s = ca_likely_now(now) + LEAF_DAYS_UNDATED * DAY_S};
    /* A day before: the clocks of devices are not all right. */
    if (config->clock_known) {
        term = (sbs_ca_term){.from_s = now.utc_s - DAY_S, .until_s = now.utc_s + LEAF_DAYS * DAY_S};
    }

    if (term.until_s > root_until) {
        term.until_s = root_until;
    }
    return term;
}

static void ca_note_leaf(sbs_gateway_ca *ca, const sbs_ca_pair *leaf) {
    ca->leaf_from_s = ca_seconds(&leaf->certificate.valid_from);
    ca->leaf_until_s = ca_seconds(&leaf->certificate.valid_to);
    ca->leaf_renewal_s = ca->leaf_until_s - (ca->leaf_until_s - ca->leaf_from_s) / 3;
}

/* ---- the root ------------------------------------------------------------------------------------------------- */

static sbs_status ca_make_root(const sbs_gateway_ca_config *config, const sbs_ca_hosts *hosts, sbs_now now) {
    char text[SBS_CA_TEXT_SIZE];
    const sbs_ca_term term = {.from_s = LONG_AGO_S, .until_s = ca_likely_now(now) + ROOT_DAYS * DAY_S};

    sbs_status status = sbs_ca_write_root(config->name, hosts, term, text);
    if (status == SBS_OK) {
        status = ca_write(config->folder, "ca-root.pem", text, false);
    }

    sbs_wipe(text, sizeof text);
    return status;
}

static sbs_status ca_have_root(const sbs_gateway_ca_config *config, const sbs_ca_hosts *hosts, sbs_now now,
                               sbs_ca_pair *out) {
    sbs_status status = ca_read_pair(config->folder, "ca-root.pem", out);
    if (status != SBS_ERR_NOT_FOUND) {
        return status;
    }

    status = ca_make_root(config, hosts, now);
    if (status != SBS_OK) {
        return status;
    }
    return ca_read_pair(config->folder, "ca-root.pem", out);
}

/* ---- the leaf ------------------------------------------------------------------------------------------------- */

static bool ca_is_of_root(const sbs_ca_pair *leaf, sbs_ca_pair *root) {
    uint32_t flags = 0;
    int code = mbedtls_x509_crt_verify((mbedtls_x509_crt *)(uintptr_t)&leaf->certificate, &root->certificate, NULL,
                                       NULL, &flags, NULL, NULL);
    /* Its dates are judged by who knows the time. */
    flags &= ~(uint32_t)(MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE);
    return flags == 0 && (code == 0 || code == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED);
}

static bool ca_is_due(const sbs_gateway_ca *ca, const sbs_gateway_ca_config *config, sbs_now now) {
    if (!config->clock_known) {
        return false;
    }

    bool undated = ca->leaf_from_s == LONG_AGO_S;
    return undated || now.utc_s < ca->leaf_from_s || now.utc_s >= ca->leaf_renewal_s;
}

/* The root must allow what is configured now: otherwise devices would refuse what it vouches for. */
static sbs_status ca_check(const char *text, sbs_ca_pair *root, sbs_ca_pair *leaf) {
    sbs_tls_constraints constraints = {0};
    sbs_status status = sbs_ca_pair_parse(leaf, text, strlen(text));
    if (status != SBS_OK) {
        return SBS_ERR_CRYPTO;
    }

    bool allowed = sbs_tls_constraints_allow(&constraints, &root->certificate, 1) &&
                   sbs_tls_constraints_allow(&constraints, &leaf->certificate, 0);
    return allowed ? SBS_OK : SBS_ERR_WRONG_NAME;
}

static sbs_status ca_renew(sbs_gateway_ca *ca, const sbs_gateway_ca_config *config, const sbs_ca_hosts *hosts,
                           sbs_now now, sbs_ca_pair *root) {
    char text[SBS_CA_TEXT_SIZE];
    sbs_ca_pair leaf;
    const sbs_ca_term term = ca_leaf_term(config, root, now);
    if (term.until_s <= term.from_s || (config->clock_known && term.until_s <= now.utc_s)) {
        return SBS_ERR_CERT_DATE;
    }

    sbs_ca_pair_init(&leaf);
    sbs_status status = sbs_ca_write_leaf(config->name, hosts, term, root, text);
    if (status == SBS_OK) {
        status = ca_check(text, root, &leaf);
    }
    if (status == SBS_OK) {
        status = ca_write(config->folder, "ca-leaf.pem", text, true);
    }
    if (status == SBS_OK) {
        ca_note_leaf(ca, &leaf);
    }

    sbs_ca_pair_free(&leaf);
    sbs_wipe(text, sizeof text);
    return status;
}

/* True if the leaf that is there can stay. */
static bool ca_leaf_stays(sbs_gateway_ca *ca, const sbs_gateway_ca_config *config, const sbs_ca_hosts *hosts,
                          sbs_now now, sbs_ca_pair *root) {
    sbs_ca_pair leaf;
    sbs_ca_pair_init(&leaf);
    bool stays = false;

    if (ca_read_pair(config->folder, "ca-leaf.pem", &leaf) == SBS_OK) {
        ca_note_leaf(ca, &leaf);
        stays =
            ca_is_of_root(&leaf, root) && sbs_ca_hosts_are_of(hosts, &leaf.certificate) && !ca_is_due(ca, config, now);
    }

    sbs_ca_pair_free(&leaf);
    return stays;
}

sbs_status sbs_gateway_ca_keep(sbs_gateway_ca *ca, const sbs_gateway_ca_config *config, sbs_now now,
                               bool *out_changed) {
    sbs_ca_hosts hosts;
    sbs_ca_pair root;
    *out_changed = false;
    sbs_status status = sbs_ca_hosts_collect(config, &hosts);
    if (status != SBS_OK) {
        return status;
    }

    sbs_ca_pair_init(&root);
    status = ca_have_root(config, &hosts, now, &root);
    if (status == SBS_OK) {
        ca->root_until_s = ca_seconds(&root.certificate.valid_to);
    }
    if (status == SBS_OK && !ca_leaf_stays(ca, config, &hosts, now, &root)) {
        status = ca_renew(ca, config, &hosts, now, &root);
        *out_changed = status == SBS_OK;
    }

    sbs_ca_pair_free(&root);
    return status;
}

/* ---- what is done with them ----------------------------------------------------------------------------------- */

sbs_status sbs_gateway_ca_serve(const char *folder, sbs_tls_server *server) {
    sbs_linux_blob text;
    sbs_tls_identity_fault fault;
    sbs_status status = ca_read(folder, "ca-leaf.pem", &text);
    if (status == SBS_OK) {
        status = sbs_tls_server_load(server, text.data, text.len, text.data, text.len, &fault);
    }

    sbs_linux_blob_free(&text);
    return status;
}

sbs_status sbs_gateway_ca_root(const char *folder, sbs_linux_blob *out_pem) {
    static const char begin[] = "-----BEGIN CERTIFICATE-----";
    sbs_linux_blob text;
    *out_pem = (sbs_linux_blob){NULL, 0};
    sbs_status status = ca_read(folder, "ca-root.pem", &text);
    if (status != SBS_OK) {
        return status;
    }

    /* The key stands before it. */
    const char *certificate = strstr(text.data, begin);
    if (certificate == NULL || strstr(certificate, "PRIVATE") != NULL) {
        status = SBS_ERR_DAMAGED;
    } else if ((out_pem->data = strdup(certificate)) == NULL) {
        status = SBS_ERR_MEMORY;
    } else {
        out_pem->len = strlen(certificate);
    }

    sbs_linux_blob_free(&text);
    return status;
}
