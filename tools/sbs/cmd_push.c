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
#include "signals.h"

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
    int unsent_code; /* exit status of the first that was not sent, CLI_DONE if all were */
} direct_run;

/* ---- pushing -------------------------------------------------------------------------------------------------- */

static const char *direct_refuse(void *ctx, uint64_t id) {
    const direct_run *run = (const direct_run *)(const void *)ctx;
    const sbs_forward_ram_item *item = sbs_forward_ram_find(&run->ram, id);
    if (item == NULL) {
        return NULL;
    }
    return item->fault;
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

/* The exit status of the command is that of the first item that was not sent. */
static void direct_note_unsent(direct_run *run, int code) {
    run->unsent++;
    if (run->unsent_code == CLI_DONE) {
        run->unsent_code = code;
    }
}

/* The item was told of: nothing of it is needed any more. */
static void direct_drop(direct_run *run, uint64_t id) {
    (void)run->port.ops->settle(run->port.ctx, id, SBS_QUEUE_DEAD, NULL, NULL);
}

/* True of an item that was on its way, by a plain POST, in the request that failed: it has one more attempt than it had
 * when the last request failed. */
static bool direct_may_be_stored(direct_run *run, sbs_forward_ram_item *held) {
    bool sent = held->item.attempts > held->noted_attempts;
    sbs_write_mode mode = SBS_WRITE_PUT;
    held->noted_attempts = held->item.attempts;

    return sent && sbs_forward_fan_mode_of(&run->push.push, held->item.id, &mode) && mode == SBS_WRITE_PLAIN;
}

/* A plain POST whose outcome is unknown is not repeated: it might be stored twice, and nobody would know. */
static void direct_failed(void *ctx, const sbs_forward_event *event) {
    direct_run *run = ctx;
    bool unknown = event->detail != NULL && event->detail->outcome_unknown;
    size_t index = 0;

    while (index < run->ram.count) {
        sbs_forward_ram_item *held = &run->ram.items[index];
        if (!direct_may_be_stored(run, held) || !unknown) {
            index++;
            continue;
        }

        cli_push_put_line(&run->push, sbs_text_of(held->name), "not sent", run->push.reason);
        direct_note_unsent(run, run->push.kept);
        direct_drop(run, held->item.id); /* the next one is at this index then */
    }
}

/* Each that is left has its line, in the order in which they came. */
static int direct_tell_unsent(direct_run *run) {
    sbs_queue_item item = {0};

    while (run->port.ops->next(run->port.ctx, item.id, &item) == SBS_OK) {
        const sbs_forward_ram_item *held = sbs_forward_ram_find(&run->ram, item.id);
        sbs_text name = sbs_text_of(held->name);
        const char *why = cli_push_why(&run->push, item.id);
        if (why[0] == '\0') {
            why = cli_push_untold(item.attempts);
        }

        if (held->fault != NULL) {
            cli_push_put_line(&run->push, name, "refused", held->fault);
            direct_note_unsent(run, CLI_INPUT);
        } else {
            cli_push_put_line(&run->push, name, "not sent", why);
            direct_note_unsent(run, run->push.kept);
        }
        direct_drop(run, item.id);
    }

    return cli_push_show(&run->push);
}

/* Pushes until nothing is left (@p all) or there is room again, or until the run is over. */
static int direct_pump(direct_run *run, bool all) {
    cli_push_run *push = &run->push;

    while (!push->over && run->ram.count > 0) {
        sbs_status polled;
        sbs_wait wait;
        size_t before = run->ram.count;
        int code = cli_push_poll(push, &polled, &wait);
        if (code != CLI_DONE) {
            return code;
        }

        /* A queue in RAM fails only where memory ends. */
        if (polled != SBS_PENDING && polled != SBS_OK) {
            push->over = true;
        }
        /* One place is enough to read on. */
        if (!all && run->ram.count < before) {
            return CLI_DONE;
        }
        cli_push_wait(push, polled, &wait);
    }

    if (!push->over) {
        return CLI_DONE;
    }

    cli_progress_end();
    return direct_tell_unsent(run);
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

static int direct_add(direct_run *run, const sbs_forward_resource *resource, sbs_text text, sbs_text name,
                      const char *fault) {
    sbs_queue_meta meta = {
        .utc_s = SBS_UTC_UNKNOWN,
        .lane = resource->lane,
        .zone_minutes = SBS_ZONE_UNKNOWN,
        .format = (uint16_t)sbs_forward_resource_rule(resource),
    };
    uint64_t id;
    int code = CLI_DONE;

    /* While there is no room, what came before is pushed. */
    sbs_status status = sbs_forward_ram_add(&run->ram, &meta, text, name, fault, &id);
    while (status == SBS_ERR_BUFFER && code == CLI_DONE) {
        code = direct_pump(run, false);
        status = sbs_forward_ram_add(&run->ram, &meta, text, name, fault, &id);
    }

    /* An item that cannot be held is told at once; the others go on. */
    if (status == SBS_ERR_MEMORY) {
        cli_push_put_line(&run->push, name, "not sent", "out of memory");
        direct_note_unsent(run, CLI_LOCAL);
        return cli_push_show(&run->push);
    }

    if (code == CLI_DONE && run->push.over) {
        return direct_tell_unsent(run);
    }

    return code;
}

/* A person can act on one such sentence, not on one for each item. */
static void direct_warn_without_system(direct_run *run, const sbs_forward_resource *resource) {
    bool bare = resource->value.len > 0 && resource->system.len == 0;
    bool by_identifier = cli_push_with.write_mode != SBS_FORWARD_PLAIN && resource->id[0] == '\0';

    if (bare && by_identifier && !run->warned_system) {
        run->warned_system = true;
        cli_warn("push: " CLI_NO_SYSTEM);
    }
}

/* Why the text is refused before it is sent, NULL if it is not. */
static const char *direct_read(sbs_forward_resource *resource, sbs_text text) {
    if (text.len > SBS_FORWARD_ITEM_MAX) {
        return "larger than 16 MiB";
    }
    return sbs_forward_resource_read(resource, text);
}

static int direct_take(void *ctx, sbs_text text, const char *path, size_t line) {
    direct_run *run = ctx;
    sbs_forward_resource resource = {0};
    sbs_forward_buffer name = {0};
    char reason[REASON_SIZE] = "";
    sbs_writer out;

    if (text.ptr == NULL) {
        return CLI_DONE;
    }

    run->count++;

    const char *fault = direct_read(&resource, text);
    if (fault != NULL) {
        cli_items_reason(fault, text, line, resource.fault_at, reason, sizeof reason);
        fault = reason;
        text.len = 0; /* nothing of it is needed any more */
    }

    /* Its name in the listing is made while the text is there. */
    sbs_writer_init_sink(&out, sbs_forward_buffer_put, &name);
    sbs_forward_resource_put_name(&resource, path, line, &out);
    direct_warn_without_system(run, &resource);
    if (fault == NULL) {
        cli_items_note("push", &resource);
    }

    int code = direct_add(run, &resource, text, sbs_forward_buffer_text(&name), fault);
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

/* One line counts what failed, another tells why nothing more was sent. */
static void direct_tell(const direct_run *run, int code) {
    const cli_push_run *push = &run->push;
    size_t failed = run->unsent + (size_t)push->refused;
    const char *are = resources_are(failed, run->count);

    /* Who interrupts knows why, and needs no advice. */
    if (failed > 0 && cli_signal() != 0) {
        (void)cli_fail(code, "push: cancelled by a signal, %zu of %zu resource%s not known to be on the server", failed,
                       run->count, are);
        return;
    }

    const char *reason = cli_push_last_why(push);
    bool unsent = run->unsent > 0 && reason[0] != '\0';
    const char *advice = "";
    if (push->refused_advice != NULL) {
        advice = push->refused_advice;
    }
    if (failed > 0) {
        (void)cli_fail(code,
                       "push: %zu of %zu resource%s not known to be on the server, the lines on standard output "
                       "tell why%s%s",
                       failed, run->count, are, advice[0] == '\0' ? "" : "; ", advice);
    }

    if (unsent) {
        (void)cli_fail(code, "push: %s%s%s, %s", push->step, cli_colon(push->step), reason, push->advice);
    }
}

static int direct_code(const direct_run *run) {
    if (run->push.code != CLI_DONE) {
        return run->push.code;
    }
    return run->unsent_code;
}

static int direct_push(direct_run *run, const cli_operands *operands) {
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
        code = cli_items_read("push", operands, direct_take, run, &fault);
    }
    if (code == CLI_DONE) {
        code = direct_pump(run, true);
    }

    /* What was told becomes durable before it is counted. */
    (void)cli_push_close(&run->push);

    if (code == CLI_DONE) {
        code = direct_code(run);
    }

    direct_tell(run, code);
    if (fault != CLI_DONE) {
        return fault; /* of a file, which was told when it was read */
    }

    return code;
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
        code = direct_push(run, operands);
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

static int push_run(const cli_operands *operands) {
    if (cli_queue.file != NULL) {
        return push_by_queue(operands);
    }
    return push_directly(operands);
}
#else
static int push_run(const cli_operands *operands) {
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
             "  replaced       the server overwrote one although it was asked not to: look at the old version\n"
             "  refused: WHY   the server will not take it, or it is not a resource\n"
             "  not sent: WHY  the server is not known to have it\n"
             "put: PUT under its own id, or one derived from its identifier and subject. if-none-exist:\n"
             "POST unless the server holds the identifier. plain: POST. auto: the first of these that\n"
             "the server states and the granted scope allows, in a CapabilityStatement of at most 4 MB. Ends\n"
             "when the server takes nothing for --wait SECONDS.\n"
#ifdef SBS_CLI_QUEUE
             "With --queue everything is stored durably first and pushed behind what waits there. Then\n"
             "there are also:\n"
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
               &cli_queue_optional_table, &cli_queue_limits_table, &cli_drain_table,
#endif
               &cli_push_table, &cli_connection_table},
    .example = "sbs push --fhir https://fhir.example.org/r4 --key device.pem --client-id my-device \\\n"
               "      --scope 'system/Observation.cu' observation.json",
    .run = push_run,
};
