/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the intake: looking at a resource, naming it, storing it, and telling what became of it. */
#ifndef SBS_GATEWAY_INTAKE_INTERNAL_H
#define SBS_GATEWAY_INTAKE_INTERNAL_H

#include "sbs/gateway_intake.h"

#define SBS_INTAKE_BASE "/fhir"
#define SBS_INTAKE_TYPE "Observation"
#define SBS_INTAKE_WORDS_SIZE 320u
#define SBS_INTAKE_PATH_SIZE 192u

/* What became of one resource, or of a request. */
typedef struct sbs_intake_result {
    uint16_t status;                       /* of HTTP */
    const char *code;                      /* of the issue (R4 IssueType); NULL: "informational" */
    const char *details;                   /* issue.details.text, a word for programs; NULL: none */
    char words[SBS_INTAKE_WORDS_SIZE];     /* issue.diagnostics */
    char expression[SBS_INTAKE_PATH_SIZE]; /* issue.expression, "": none */
    char id[SBS_FHIR_ID_MAX + 1];          /* of the Location, "": none */
    uint64_t item;                         /* in the queue */
    bool fresh;                            /* it was stored just now */
    bool known;                            /* the queue knows it: the answer is true once the group is durable */
} sbs_intake_result;

/* One resource to be stored. */
typedef struct sbs_intake_order {
    const sbs_gateway_device *device;
    sbs_now now;                        /* its UTC only where that is known to be right */
    sbs_text text;                      /* the resource */
    size_t offset;                      /* of it in what the device sent */
    const char *path;                   /* of it there: "Observation", "Bundle.entry[3].resource" */
    sbs_text put_id;                    /* of PUT; absent: POST */
    sbs_text condition;                 /* If-None-Exist; absent: none */
    sbs_text key;                       /* Idempotency-Key, or what stands for one; absent: none */
    bool by_content;                    /* without an identifier a repeat is known by its content */
    sbs_forward_buffer *representation; /* gets the resource as it is known from now on; NULL: nobody asks */
} sbs_intake_order;

/* Sets a refusal. Always false. */
bool sbs_intake_refuse(sbs_intake_result *result, uint16_t status, const char *code, const char *expression,
                       const char *format, ...) __attribute__((format(printf, 5, 6)));

/* ---- intake_check.c ---------------------------------------------------------------------------------------------- */

/* What was found out about an Observation. */
typedef struct sbs_intake_facts {
    bool dated;         /* it has effective[x] */
    size_t identifiers; /* where the elements of its list of identifiers begin; 0: it has none */
    bool identified;    /* that list has an element */
    size_t extensions;  /* the same of its extensions */
    bool extended;
    bool has_gateway; /* one of them names a gateway */
} sbs_intake_facts;

/* Looks at JSON of any kind: members that stand twice, numbers that no decimal can be. False: refused. */
bool sbs_intake_check_json(const sbs_json *doc, sbs_json_node node, const char *path, size_t offset,
                           sbs_intake_result *result);
/* The same of one object's members alone, not of what is in them. */
bool sbs_intake_check_names(const sbs_json *doc, sbs_json_node object, const char *path, size_t offset,
                            sbs_intake_result *result);
/* Looks at an Observation, the root of a document. False: refused. */
bool sbs_intake_check(const sbs_json *doc, const sbs_intake_order *order, sbs_intake_facts *out,
                      sbs_intake_result *result);

/* ---- intake_name.c ----------------------------------------------------------------------------------------------- */

/* What an Observation is known by: 160 bits, the same whoever sent it. */
typedef struct sbs_intake_name {
    uint8_t hash[SBS_FORWARD_HASH_SIZE];
    char id[SBS_FHIR_ID_MAX + 1]; /* under which devices see it */
} sbs_intake_name;

/* Names what is at /fhir/Observation/ID. */
sbs_status sbs_intake_name_of_id(sbs_text id, sbs_intake_name *out);
/* Names what is to be stored. False: refused, or SBS_ERR in the result's status 503. */
bool sbs_intake_name_order(const sbs_json *doc, const sbs_forward_resource *resource, const sbs_intake_order *order,
                           bool dated, sbs_intake_name *out, sbs_intake_result *result);
/* Writes the identifier that makes it this device's: "GATEWAY/DEVICE/HASH". */
void sbs_intake_put_identifier(sbs_writer *out, const char *gateway, const char *device, const sbs_intake_name *name);
/* Looks for identifiers of the gateway's system that another device was given. False: refused. */
bool sbs_intake_check_owner(const sbs_json *doc, const sbs_intake_order *order, const char *gateway,
                            sbs_intake_result *result);
/* The identity of it in the queue. */
sbs_status sbs_intake_identity(const char *gateway, const char *device, const sbs_intake_name *name,
                               uint8_t out[SBS_FORWARD_HASH_SIZE]);
/* The lane of a device, never 0. */
uint32_t sbs_intake_lane(const char *device);

/* ---- intake_store.c ---------------------------------------------------------------------------------------------- */

/* Checks and stores one; the queue's group is open. @p check_only: it is only looked at, and the queue is not. */
void sbs_intake_store(const sbs_gateway_intake *intake, const sbs_intake_order *order, bool check_only,
                      sbs_intake_result *result);
/* Opens the queue's group. False: refused. */
bool sbs_intake_begin(const sbs_gateway_intake *intake, sbs_intake_result *result);
/* Says no for what is the gateway's own trouble. False: there is some. */
bool sbs_intake_ready(const sbs_gateway_intake *intake, sbs_intake_result *result);
/* Counts what became of one. */
void sbs_intake_count(const sbs_gateway_intake *intake, const sbs_gateway_device *device, sbs_now now,
                      const sbs_intake_result *result);

/* ---- intake_bundle.c --------------------------------------------------------------------------------------------- */

/* What a Bundle came to. */
typedef struct sbs_intake_bundle {
    sbs_intake_result *results; /* of its entries */
    size_t count;
    bool transaction;
} sbs_intake_bundle;

/* Stores a Bundle: a transaction wholly or not at all. False: refused as a whole, see @p result. @p order: what all of
 * its entries have in common. */
bool sbs_intake_bundle_store(const sbs_gateway_intake *intake, const sbs_intake_order *order, const sbs_json *doc,
                             sbs_intake_bundle *out, sbs_intake_result *result);
/* Stores several resources wholly or not at all. True: each is stored, or was before. */
bool sbs_intake_store_all(const sbs_gateway_intake *intake, const sbs_intake_order *orders, size_t count,
                          sbs_intake_result *results);
void sbs_intake_bundle_free(sbs_intake_bundle *bundle);

/* ---- intake_answer.c --------------------------------------------------------------------------------------------- */

/* Writes an OperationOutcome with one issue. */
void sbs_intake_put_outcome(sbs_json_writer *json, const sbs_intake_result *result);
/* Makes an answer of a result: its status, the outcome unless the device wants none, Location. */
void sbs_intake_answer(sbs_gateway_intake *intake, const sbs_linux_http_request *request,
                       const sbs_intake_result *result, sbs_linux_http_answer *out);
/* The same with the resource itself as the body. */
void sbs_intake_answer_with(sbs_gateway_intake *intake, const sbs_intake_result *result, sbs_linux_http_answer *out);
/* Makes the answer to a Bundle. */
void sbs_intake_answer_bundle(sbs_gateway_intake *intake, const sbs_intake_bundle *bundle, bool with_outcomes,
                              sbs_linux_http_answer *out);

/* What a device wants to get back (Prefer: return=...). */
typedef enum sbs_intake_wish { SBS_INTAKE_OUTCOME, SBS_INTAKE_MINIMAL, SBS_INTAKE_REPRESENTATION } sbs_intake_wish;
sbs_intake_wish sbs_intake_wish_of(const sbs_linux_http_request *request);

/* ---- intake_look.c ----------------------------------------------------------------------------------------------- */

/* Tells what became of what is at /fhir/Observation/ID, if it is the device's. */
void sbs_intake_look(const sbs_gateway_intake *intake, const sbs_gateway_device *device, sbs_text id,
                     sbs_intake_result *result);
/* Writes the CapabilityStatement. */
void sbs_intake_put_statement(const sbs_gateway_intake *intake, sbs_json_writer *json);

#endif
