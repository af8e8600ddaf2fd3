/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration of cmocka that holds for every C library the tests run on: its own detection fails in cross builds. */
#ifndef SBS_CMOCKA_CONFIG_H
#define SBS_CMOCKA_CONFIG_H

#define HAVE_INTTYPES_H 1
#define HAVE_MALLOC_H 1
#define HAVE_SIGNAL_H 1
#define HAVE_STRINGS_H 1
#define HAVE_STRUCT_TIMESPEC 1

#endif
