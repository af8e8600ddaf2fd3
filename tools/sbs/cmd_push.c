/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "io.h"
#include "items.h"
#include "message.h"
#include "push_run.h"
#include "sbs/date.h"
#include "sbs/forward_ram.h"
#include "server.h"

#ifdef SBS_CLI_QUEUE
#include "queue_add.h"
#include "queue_file.h"
#include "queue_push.h"
#endif

#define REASON_SIZE 256

/* One run over all files, without a queue: what is read waits in RAM until the server has it. */
typedef struct direct_run {
    cli_push_run push;
    sbs_forward_ram ram;
    sbs_queue port;
    size_t count, unsent;
    bool warned_system;
    int unsent_code; /* of what failed without being sent, CLI_DONE if nothing did */
} direct_run;

/* ---- pushing -------------------------------------------------------------------------------------------------- */

static const char *direct_refuse(void *ctx, uint64_t id) {
    const direct_run *run = (const direct_run *)(const void *)ctx;
    const sbs_forward_ram_item *item = sbs_forward_ram_find(&run->ram, id);
    return item == NULL ? NULL : item->fault;
}

/* The place in the file names what nothing else does. */
static bool direct_name(void *ctx, uint64_t id, sbs_writer *out) {
    const direct_run *run = (const direct_run *)(const void *)ctx;
    const sbs_forward_ram_item *item = sbs_forward_ram_find(&run->ram, id);
    if (item == NULL) {
        return false;
    }
    sbs_put_string(out, item->name);
    return true;
}

/* A plain POST whose outcome is unknown is not repeated: it might be stored twice, and nobody would know. What was on
 * the way in the request that failed has one more attempt than it had when the last one ended. */
static void direct_failed(void *ctx, const sbs_forward_event *event) {
    direct_run *run = ctx;
    bool unknown = event->detail != NULL && event->detail->outcome_unknown;
    size_t index = 0;
    while (index < run->ram.count) {
        sbs_forward_ram_item *held = &run->ram.items[index];
        bool sent = held->item.attempts > held->noted_attempts;
        sbs_write_mode mode = SBS_WRITE_PUT;
        held->noted_attempts = held->item.attempts;
        if (!sent || !unknown || !sbs_forward_push_mode_of(&run->push.push, held->item.id, &mode) ||
            mode != SBS_WRITE_PLAIN) {
            index++;
            continue;
        }

        cli_push_put_line(&run->push, sbs_text_of(held->name), "not sent", run->push.reason);
        run->unsent++;
        if (run->unsent_code == CLI_DONE) {
            run->unsent_code = run->push.kept;
        }
        (void)run->port.ops->settle(run->port.ctx, held->item.id, SBS_QUEUE_DEAD, NULL, NULL);
    }
}

/* Each that is left has its line, in the order in which they came. */
static int tell_unsent(direct_run *run) {
    sbs_queue_item item = {0};
    while (run->port.ops->next(run->port.ctx, item.id, &item) == SBS_OK) {
        const sbs_forward_ram_item *held = sbs_forward_ram_find(&run->ram, item.id);
        const char *why = cli_push_why(&run->push, item.id);
        bool bad = held->fault != NULL;
        if (why[0] == '\0') {
            why = "not tried";
        }
        cli_push_put_line(&run->push, sbs_text_of(held->name), bad ? "refused" : "not sent", bad ? held->fault : why);
        if (run->unsent_code == CLI_DONE) {
            run->unsent_code = bad ? CLI_INPUT : run->push.kept;
        }
        run->unsent++;
        (void)run->port.ops->settle(run->port.ctx, item.id, SBS_QUEUE_DEAD, NULL, NULL);
    }
    return cli_push_show(&run->push);
}

/* Pushes until nothing is left, or there is room again, or the run is over. */
static int pump(direct_run *run, bool all) {
    int code = CLI_DONE;
    while (code == CLI_DONE && !run->push.over && run->ram.count > 0) {
        sbs_status polled;
        sbs_wait wait;
        size_t before = run->ram.count;
        code = cli_push_poll(&run->push, &polled, &wait);
        if (code == CLI_DONE && polled != SBS_PENDING && polled != SBS_OK) {
            run->push.over = true;
        }
        if (!all && run->ram.count < before) {
            return code;
        }
        if (code == CLI_DONE) {
            cli_push_wait(&run->push, polled, &wait);
        }
    }
    if (code == CLI_DONE && run->push.over) {
        cli_progress_end();
        code = tell_unsent(run);
    }
    return code;
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

static int add_item(direct_run *run, const sbs_forward_resource *resource, sbs_text text, sbs_text name,
                    const char *fault) {
    sbs_queue_meta meta = {
        .utc_s = SBS_UTC_UNKNOWN,
        .lane = resource->lane,
        .zone_minutes = SBS_ZONE_UNKNOWN,
        .format = (uint16_t)sbs_forward_resource_rule(resource),
    };
    uint64_t id;
    int code = CLI_DONE;
    sbs_status status = sbs_forward_ram_add(&run->ram, &meta, text, name, fault, &id);
    while (status == SBS_ERR_BUFFER && code == CLI_DONE) {
        code = pump(run, false);
        status = sbs_forward_ram_add(&run->ram, &meta, text, name, fault, &id);
    }
    if (status == SBS_ERR_MEMORY) {
        cli_push_put_line(&run->push, name, "not sent", "out of memory");
        run->unsent++;
        run->unsent_code = run->unsent_code == CLI_DONE ? CLI_LOCAL : run->unsent_code;
        return cli_push_show(&run->push);
    }
    if (code == CLI_DONE && run->push.over) {
        code = tell_unsent(run);
    }
    return code;
}

/* A person can act on one such sentence, not on one for each item. */
static void warn_without_system(direct_run *run, const sbs_forward_resource *resource) {
    bool bare = resource->value.len > 0 && resource->system.len == 0;
    bool by_identifier = cli_push_with.write_mode != SBS_FORWARD_PLAIN && resource->id[0] == '\0';
    if (bare && by_identifier && !run->warned_system) {
        run->warned_system = true;
        cli_warn("push: " CLI_NO_SYSTEM);
    }
}

static int take_item(void *ctx, sbs_text text, const char *path, size_t line) {
    direct_run *run = ctx;
    sbs_forward_resource resource = {0};
    sbs_forward_buffer name = {0};
    char reason[REASON_SIZE] = "";
    sbs_writer out;
    if (text.ptr == NULL) {
        return CLI_DONE;
    }

    run->count++;
    const char *fault =
        text.len > SBS_FORWARD_ITEM_MAX ? "larger than 16 MiB" : sbs_forward_resource_read(&resource, text);
    if (fault != NULL) {
        cli_items_reason(fault, text, line, resource.fault_at, reason, sizeof reason);
        fault = reason;
        text.len = 0; /* nothing of it is needed any more */
    }
    sbs_writer_init_sink(&out, sbs_forward_buffer_put, &name);
    sbs_forward_resource_put_name(&resource, path, line, &out);
    warn_without_system(run, &resource);

    int code = add_item(run, &resource, text, sbs_forward_buffer_text(&name), fault);
    sbs_forward_resource_free(&resource);
    sbs_forward_buffer_free(&name);
    return code;
}

/* ---- all of them ---------------------------------------------------------------------------------------------- */

/* "1 of 1 resource is", "1 of 2 resources is", "2 of 2 resources are". */
static const char *resources_are(size_t failed, size_t all) {
    static const char *const words[2][2] = {{" is", "s is"}, {" are", "s are"}};
    return words[failed != 1][all != 1];
}

static int sum_up(direct_run *run, int code) {
    cli_push_run *push = &run->push;
    size_t failed = run->unsent + (size_t)push->refused;
    if (code == CLI_DONE) {
        code = push->code != CLI_DONE ? push->code : run->unsent_code;
    }
    if (cli_signal() != 0 && failed > 0) {
        return cli_fail(code, "push: cancelled by a signal, %zu of %zu resource%s not known to be on the server",
                        failed, run->count, resources_are(failed, run->count));
    }
    bool unsent = run->unsent > 0 && push->reason[0] != '\0';
    bool advised = !unsent && push->advice != NULL;
    if (failed > 0) {
        (void)cli_fail(code,
                       "push: %zu of %zu resource%s not known to be on the server, the lines on standard output "
                       "tell why%s%s",
                       failed, run->count, resources_are(failed, run->count), advised ? "; " : "",
                       advised ? push->advice : "");
    }
    if (unsent) {
        (void)cli_fail(code, "push: %s%s%s, %s", push->step, push->step[0] == '\0' ? "" : ": ", push->reason,
                       push->advice);
    }
    return code;
}

static int push_all(direct_run *run, const cli_operands *operands) {
    sbs_forward_push_config config = {
        .queue = &run->port,
        .already_there = SBS_ALREADY_ACCEPT,
        .trust_mode = true,
        .own_ids = true,
        .pushed_ms = UINT64_MAX,
        .refuse = direct_refuse,
        .name = direct_name,
    };
    int fault = CLI_DONE;
    int code = cli_push_open(&run->push, &config);
    if (code == CLI_DONE) {
        code = cli_items_read("push", operands, take_item, run, &fault);
    }
    if (code == CLI_DONE) {
        code = pump(run, true);
    }
    (void)cli_push_close(&run->push);
    code = sum_up(run, code);
    return fault != CLI_DONE ? fault : code;
}

static int push_directly(const cli_operands *operands) {
    direct_run *run = calloc(1, sizeof *run);
    if (run == NULL) {
        return cli_fail(CLI_LOCAL, "push: out of memory, close other programs");
    }
    run->port = sbs_forward_ram_port(&run->ram);
    cli_push_begin(&run->push, "push");
    run->push.failed_hook = direct_failed;
    run->push.hook_ctx = run;

    int code = cli_server_open("push", CLI_NEED_FHIR);
    if (code == CLI_DONE) {
        code = push_all(run, operands);
    }
    cli_push_free(&run->push);
    cli_server_close();
    sbs_forward_ram_free(&run->ram);
    free(run);
    return code;
}

#ifdef SBS_CLI_QUEUE
/* First all of them are safe, then they are pushed, behind what waits already. */
static int push_by_queue(const cli_operands *operands) {
    cli_queue_added added = {0};
    int code = cli_queue_open("push", CLI_QUEUE_MADE);
    if (code != CLI_DONE) {
        return code;
    }

    code = cli_queue_add_files("push", operands, false, &added);
    if (cli_signal() == 0) {
        int pushed = cli_queue_push_run("push", &added);
        if (code == CLI_DONE) {
            code = pushed;
        }
    }
    cli_queue_added_free(&added);
    cli_queue_close();
    return code;
}

static int run(const cli_operands *operands) {
    return cli_queue.file != NULL ? push_by_queue(operands) : push_directly(operands);
}
#else
static int run(const cli_operands *operands) {
    return push_directly(operands);
}
#endif

const cli_command cli_push = {
    .name = "push",
    .summary = "Writes resources to the FHIR server, each once, however often it is repeated",
    .about = "FILE holds one resource as JSON, or one in each line (NDJSON); '-' is standard input. Each\n"
             "resource gives one line: its identifier, what happened, its place on the server, its version,\n"
             "separated by tabs:\n"
             "  created        the server has it since now\n"
             "  already there  the server had it from an earlier push\n"
             "  updated        the server had an older one under its id\n"
             "  replaced       the server overwrote what it was asked not to: look at the old version\n"
             "  refused: WHY   the server will not take it, or it is no resource\n"
             "  not sent: WHY  the server is not known to have it\n"
             "put: PUT under its own id, or one derived from its identifier and subject. if-none-exist:\n"
             "POST unless the server holds the identifier. plain: POST. auto: the first of these that\n"
             "the server states and the granted scope allows. Ends when the server takes nothing for\n"
             "--wait SECONDS.\n"
#ifdef SBS_CLI_QUEUE
             "With --queue everything is stored durably first and pushed behind what waits there. Then\n"
             "there are, too:\n"
             "  kept: WHY              it is in the queue and goes with the next push\n"
             "  already delivered      the server has the same by this queue\n"
             "  already a dead letter  the server refused the same; exit status 1\n"
             "Exit status 0 then means: on the server or safe in the queue, the file may go.\n"
#endif
    ,
    .operands = "FILE...",
    .operand_min = 1,
    .operand_max = SIZE_MAX,
    .tables = {&cli_server_table, &cli_kid_table, &cli_no_kid_table,
#ifdef SBS_CLI_QUEUE
               &cli_queue_optional_table, &cli_queue_limits_table,
#endif
               &cli_push_table, &cli_connection_table},
    .example = "sbs push --fhir https://fhir.example.org/r4 --key device.pem --client-id my-device \\\n"
               "      --scope 'system/Observation.cu' observation.json",
    .run = run,
};
