/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The application in tasks of FreeRTOS, in the order of their priorities:
 *
 *     sensor    takes measurements and appends them to the queue, beside the push
 *     network   moves frames between the controller and lwIP (lwIP's own task runs its timers)
 *     console   gives what is typed to the application
 *     meter     the application: key, provisioning, TLS, push
 *
 * Two mutexes: `application` around what console and meter do to it; `sensor` around what sensor and meter exchange.
 * Whoever has both took `application` first. The queue has a lock of its own, and so has the network.
 */
#include <lwip/opt.h>

#include "freertos_board.h"
#include "meter_sampler.h"
#include "program.h"
#include "sbs/baremetal_clock.h"
#include "sbs/baremetal_fault.h"
#include "sbs/baremetal_mbedtls.h"
#include "sbs/baremetal_print.h"
#include "sbs/baremetal_watchdog.h"
#include "sbs/board.h"
#include "sbs/count.h"

#define SAMPLE_MS 3u /* from one measurement to the next, when many are asked for */
#define ALIVE_MS 1000u

typedef struct board_task {
    const char *name, *figure;
    TaskFunction_t function;
    uint16_t stack_bytes;
    uint8_t priority;
    TaskHandle_t handle;
} board_task;

static void sense(void *arg);
static void drive_network(void *arg);
static void read_console(void *arg);
static void run_meter(void *arg);

enum { SENSOR, NETWORK, CONSOLE, METER, TASKS };

static board_task tasks[TASKS] = {
    [SENSOR] = {"sensor", "\nstack_sensor=", sense, 2048, 6, NULL},
    [NETWORK] = {"network", "\nstack_network=", drive_network, 3072, 5, NULL},
    [CONSOLE] = {"console", "\nstack_console=", read_console, 6144, 2, NULL},
    [METER] = {"meter", "\nstack_meter=", run_meter, 6144, 1, NULL},
};

static sbs_freertos_lock application, sensor, queue, network;
static meter_sampler sampler;
static volatile bool network_up;

/* ---- what the tasks have of their own ---------------------------------------------------------------------------- */

sbs_status program_start_crypto(void) {
    return sbs_freertos_crypto_start(&sbs_baremetal_allocator);
}

void program_lock_network(void) {
    sbs_freertos_lock_take(&network);
}

void program_unlock_network(void) {
    sbs_freertos_lock_give(&network);
}

static void put_stack(sbs_writer *out, const char *name, TaskHandle_t task, size_t stack_bytes) {
    size_t free_bytes = uxTaskGetStackHighWaterMark(task) * sizeof(StackType_t);
    program_put_figure(out, name, stack_bytes - free_bytes);
}

void program_put_stacks(sbs_writer *out) {
    for (unsigned i = 0; i < TASKS; i++) {
        put_stack(out, tasks[i].figure, tasks[i].handle, tasks[i].stack_bytes);
    }

    put_stack(out, "\nstack_tcpip=", xTaskGetHandle(TCPIP_THREAD_NAME), TCPIP_THREAD_STACKSIZE);
}

static void hold_sensor(bool hold) {
    if (hold) { /* what it is done for may fail: then there is no queue to append to */
        sbs_freertos_lock_take(&sensor);
        meter_sampler_pause(&sampler);
    } else {
        sbs_freertos_lock_give(&sensor);
    }
}

static void wake_meter(void *ctx) {
    (void)ctx;
    sbs_freertos_wake(tasks[METER].handle);
}

/* ---- tasks ------------------------------------------------------------------------------------------------------- */

static void sense(void *arg) {
    (void)arg;
    for (;;) {
        sbs_freertos_lock_take(&sensor);
        bool taken = meter_sampler_take(&sampler, sbs_baremetal_ms());
        bool more = sampler.ready && sampler.pending > 0;
        sbs_freertos_lock_give(&sensor);

        if (taken) {
            wake_meter(NULL); /* there is one to be sent */
        }
        if (more) {
            vTaskDelay(SAMPLE_MS * configTICK_RATE_HZ / 1000u);
        } else {
            sbs_freertos_sleep(SBS_WAIT_FOREVER);
        }
    }
}

static void drive_network(void *arg) {
    (void)arg;
    sbs_freertos_board_listen();
    for (;;) {
        bool up;
        program_lock_network();
        uint32_t wait_ms = program_poll_network(sbs_baremetal_now(), &up);
        program_unlock_network();

        if (up != network_up) {
            network_up = up;
            wake_meter(NULL);
        }
        if (wait_ms > ALIVE_MS) {
            wait_ms = ALIVE_MS;
        }
        if (wait_ms > 0) {
            sbs_freertos_sleep(wait_ms);
        }
    }
}

/* After a restart was asked for nothing may be stored any more. */
static void end_if_asked(void) {
    if (all.restart) {
        sbs_baremetal_restart();
    }
}

static void read_console(void *arg) {
    (void)arg;
    sbs_freertos_board_listen();
    for (;;) {
        sbs_freertos_lock_take(&application);
        bool more = program_feed_console();
        end_if_asked();
        sbs_freertos_lock_give(&application);

        wake_meter(NULL);
        if (!more) {
            sbs_freertos_sleep(SBS_WAIT_FOREVER);
        }
    }
}

static sbs_wait poll_application(void) {
    sbs_freertos_lock_take(&application);
    sbs_wait wait = program_poll_meter(network_up);

    sbs_freertos_lock_take(&sensor);
    bool asked = meter_sampler_exchange(&sampler, &all.meter);
    sbs_freertos_lock_give(&sensor);
    end_if_asked();
    sbs_freertos_lock_give(&application);

    if (asked) {
        sbs_freertos_wake(tasks[SENSOR].handle);
    }
    return wait;
}

/* Brings everything up, then the other tasks. */
static void run_meter(void *arg) {
    static const sbs_lwip_stream_config stream_config = {.wake = wake_meter};
    static const meter_tasks tasks_of_meter = {
        .hold_sensor = hold_sensor,
        .queue_lock = sbs_freertos_lock_take,
        .queue_unlock = sbs_freertos_lock_give,
        .queue_lock_ctx = &queue,
    };

    (void)arg;
    program_start(&stream_config, &tasks_of_meter);
    for (unsigned i = 0; i < METER; i++) {
        board_task *task = &tasks[i];
        if (xTaskCreate(task->function, task->name, (uint16_t)(task->stack_bytes / sizeof(StackType_t)), NULL,
                        task->priority, &task->handle) != pdPASS) {
            sbs_baremetal_panic("no memory for a task");
        }
    }

    for (;;) {
        sbs_wait wait = poll_application();
        sbs_baremetal_watchdog_alive();
        if (wait.timeout_ms > 0) {
            sbs_freertos_sleep(wait.timeout_ms < ALIVE_MS ? wait.timeout_ms : ALIVE_MS);
        }
    }
}

int main(void) {
    board_task *first = &tasks[METER];
    sbs_freertos_lock_init(&application);
    sbs_freertos_lock_init(&sensor);
    sbs_freertos_lock_init(&queue);
    sbs_freertos_lock_init(&network);
    if (xTaskCreate(first->function, first->name, (uint16_t)(first->stack_bytes / sizeof(StackType_t)), NULL,
                    first->priority, &first->handle) != pdPASS) {
        sbs_baremetal_panic("no memory for a task");
    }

    sbs_freertos_board_run();
}
