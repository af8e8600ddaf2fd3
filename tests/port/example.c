/* SPDX-License-Identifier: Apache-2.0 */
/* The smallest program that checks a port: here the template of a storage, which fails. */
#include <stdio.h>

#include "my_storage.h"
#include "port_suite.h"

static my_storage state;

static void say(const char *line) {
    (void)puts(line); /* or your console */
}

int main(void) {
    port_suite suite = {.say = say};   /* .now and .wait where you have them */
    port_storage port = {.ctx = NULL}; /* .restart, .damage: what you can; the rest is "not checked" */

    my_storage_init(&state, &port.storage);
    return port_suite_storage(&suite, &port) == 0 ? 0 : 1;
}
