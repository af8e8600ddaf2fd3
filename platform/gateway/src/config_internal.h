/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of reading the configuration: the table of what may stand in it, its lines, and what holds between them. */
#ifndef SBS_GATEWAY_CONFIG_INTERNAL_H
#define SBS_GATEWAY_CONFIG_INTERNAL_H

#include "sbs/gateway_config.h"

#define SBS_CONFIG_OPTIONS_MAX 24u /* of one section */
#define SBS_CONFIG_FILES_MAX 65u   /* the file itself, and those of conf.d */
#define SBS_CONFIG_PLACE_SIZE 320u /* "/etc/sbs-gateway/gateway.conf:12" */

typedef enum sbs_config_type {
    SBS_CONFIG_TEXT,   /* char *, printable without blanks at its ends */
    SBS_CONFIG_SECRET, /* the same; never shown */
    SBS_CONFIG_PATH,   /* char *, absolute */
    SBS_CONFIG_NAME,   /* char [SBS_GATEWAY_NAME_SIZE] */
    SBS_CONFIG_BOOL,   /* bool: yes or no */
    SBS_CONFIG_UINT16, /* uint16_t, min to max */
    SBS_CONFIG_UINT32, /* uint32_t, min to max */
    SBS_CONFIG_SIZE,   /* uint64_t bytes, min to max, with K, M or G */
    SBS_CONFIG_CHOICE, /* an enumeration: the place of the word in `words`, and `min` for the first of them */
    SBS_CONFIG_WORD,   /* char *, one of `words` */
    SBS_CONFIG_ALLOW   /* the prefixes of a listener */
} sbs_config_type;

/* A row: an option of a section. */
typedef struct sbs_config_option {
    const char *name;
    size_t offset; /* of its value in what the section describes */
    uint64_t min, max;
    const char *words;  /* "auto|put", or what is to be written, as a message shows it */
    uint32_t protocols; /* of a device: a bit for each that has it; 0: all */
    sbs_config_type type;
} sbs_config_option;

/* A row: a kind of section. */
typedef struct sbs_config_section {
    const char *name;
    const sbs_config_option *options;
    size_t count;
    /* What the section [name of_what] describes, made if it is new. NULL with @p out_fault: what is wrong. @p out_slot:
     * the number of what it describes among all. */
    void *(*at)(sbs_gateway_config *config, const char *of_what, size_t *out_slot, const char **out_fault);
    bool named; /* [name of_what] */
} sbs_config_section;

/* Where an option was given; line 0: it was not. */
typedef struct sbs_config_place {
    uint16_t file;
    uint16_t line;
} sbs_config_place;

/* Slots of all that sections describe. */
#define SBS_CONFIG_SLOT_SERVER 0u
#define SBS_CONFIG_SLOT_GATEWAY 1u
#define SBS_CONFIG_SLOT_LISTENERS 2u
#define SBS_CONFIG_SLOT_DEVICES (SBS_CONFIG_SLOT_LISTENERS + SBS_GATEWAY_LISTENERS_MAX)
#define SBS_CONFIG_SLOTS (SBS_CONFIG_SLOT_DEVICES + SBS_GATEWAY_DEVICES_MAX)

/* A reading under way. */
typedef struct sbs_config_reading {
    sbs_gateway_config *config;
    const char *paths[SBS_CONFIG_FILES_MAX];
    size_t path_count;
    uint16_t file; /* that is read */
    uint16_t line;
    bool login_readable; /* the file that is read, by everybody */
    char *message;
    size_t size;
    sbs_config_place sections[SBS_CONFIG_SLOTS]; /* where each begins */
    sbs_config_place given[SBS_CONFIG_SLOTS][SBS_CONFIG_OPTIONS_MAX];
} sbs_config_reading;

/* Notes what is wrong, with the line that is read. Always SBS_ERR_FORMAT. */
sbs_status sbs_config_fail(sbs_config_reading *reading, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same with the place of an option, or where it was not given of its section. */
sbs_status sbs_config_fail_at(sbs_config_reading *reading, size_t slot, const char *option, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The section called so, or NULL. */
const sbs_config_section *sbs_config_find_section(const char *name);
/* The section that has what is in a slot. */
const sbs_config_section *sbs_config_section_of(size_t slot);
/* The option called so, or NULL. */
const sbs_config_option *sbs_config_find_option(const sbs_config_section *section, const char *name);
/* A name that was meant perhaps: of an option of the section, or of a section if it is NULL. NULL: none is near. */
const char *sbs_config_nearest(const sbs_config_section *section, const char *name);
/* The name of a section that has the option, or NULL. */
const char *sbs_config_owner(const char *option);
/* The name of a protocol. */
const char *sbs_config_protocol(sbs_gateway_protocol protocol);
/* True if it may name a gateway, a listener or a device. */
bool sbs_config_is_name(const char *text);

/* Reads one file's text, which is changed. */
sbs_status sbs_config_read_lines(sbs_config_reading *reading, char *text);

/* Fills in what was not given, and looks at what holds between options. */
sbs_status sbs_config_check(sbs_config_reading *reading);

/* Reads "192.168.8.0/24" or an address; false: it is none. */
bool sbs_config_read_prefix(const char *text, sbs_gateway_prefix *out);

/* Reads a peer's address, IPv4 as ::ffff:a.b.c.d; false: it is none. */
bool sbs_config_read_peer(const char *text, uint8_t out[16], bool *out_ipv4);

/* What an address of a listener is. */
typedef struct sbs_config_address {
    bool valid, loopback, wildcard;
} sbs_config_address;

/* Looks at ADDRESS:PORT, [IPv6]:PORT or the path of a Unix socket, which counts as loopback. */
sbs_config_address sbs_config_read_address(const char *text);

#endif
