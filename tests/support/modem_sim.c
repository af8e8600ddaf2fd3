/* SPDX-License-Identifier: Apache-2.0 */
#include "modem_sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t modem_sim_ms;
int64_t modem_sim_utc;

sbs_now modem_sim_now(void) {
    return (sbs_now){.mono_ms = modem_sim_ms, .utc_s = modem_sim_utc};
}

/* ---- saying ------------------------------------------------------------------------------------------------------ */

static void sim_put(modem_sim *sim, const void *data, size_t len) {
    const uint8_t *bytes = data;
    for (size_t i = 0; i < len && sim->out_len < MODEM_SIM_OUT; i++) {
        if (sim->says_at_byte && sim->says != NULL && sim->bytes++ == sim->says_at) {
            const char *text = sim->says;
            sim->says = NULL;
            modem_sim_say(sim, text);
        }
        sim->out[sim->out_len++] = bytes[i];
    }
}

void modem_sim_say(modem_sim *sim, const char *text) {
    sim_put(sim, "\r\n", 2);
    sim_put(sim, text, strlen(text));
    sim_put(sim, "\r\n", 2);
}

/* Before a line, or before a prompt. */
static void sim_between(modem_sim *sim) {
    if (!sim->says_at_byte && sim->says != NULL && sim->pieces++ == sim->says_at) {
        const char *text = sim->says;
        sim->says = NULL;
        modem_sim_say(sim, text);
    }
}

static void sim_line(modem_sim *sim, const char *text) {
    sim_between(sim);
    modem_sim_say(sim, text);
}

/* OK and the result line, in one order or the other. */
static void sim_result(modem_sim *sim, const char *result) {
    if (sim->result_first) {
        sim_line(sim, result);
        sim_line(sim, "OK");
    } else {
        sim_line(sim, "OK");
        sim_line(sim, result);
    }
}

static void sim_error(modem_sim *sim) {
    if (sim->quectel) {
        sim_line(sim, "+CME ERROR: 58");
    } else {
        sim_line(sim, "ERROR");
    }
}

/* ---- the peer ---------------------------------------------------------------------------------------------------- */

static bool sim_is_secured(const modem_sim *sim) {
    return sim->serves_tls || strstr(sim->log, "QSSLOPEN") != NULL;
}

static void sim_tell_data(modem_sim *sim) {
    if (sim->hides_data) {
        return;
    }
    if (sim->quectel) {
        sim_line(sim, sim_is_secured(sim) ? "+QSSLURC: \"recv\",0" : "+QIURC: \"recv\",0");
    } else {
        sim_line(sim, sim_is_secured(sim) ? "+CCHEVENT: 0,RECV EVENT" : "+CIPRXGET: 1,0");
    }
}

static void sim_peer_keep(modem_sim *sim, const void *data, size_t len) {
    if (sim->peer_len + len <= MODEM_SIM_PEER) {
        memcpy(sim->peer + sim->peer_len, data, len);
        sim->peer_len += len;
    }
}

void modem_sim_peer_send(modem_sim *sim, const char *text) {
    sim_peer_keep(sim, text, strlen(text));
    sim_tell_data(sim);
}

/* All bytes behind the prompt have come. */
static void sim_payload_end(modem_sim *sim) {
    char text[48];
    if (sim->payload_kind == 'f') {
        (void)snprintf(text, sizeof text, "+QFUPL: %u,abcd", (unsigned)sim->file_len);
        if (sim->quectel) {
            sim_line(sim, text);
        }
        sim_line(sim, "OK");
        return;
    }

    uint32_t taken = sim->asked;
    if (sim->refuse_sends > 0) {
        sim->refuse_sends--;
        taken = 0;
    } else if (sim->accept_max != 0 && taken > sim->accept_max) {
        taken = sim->accept_max;
    }

    if (sim->quectel) {
        sim_line(sim, taken == 0 ? "SEND FAIL" : "SEND OK");
    } else if (sim_is_secured(sim)) {
        sim_result(sim, "+CCHSEND: 0,0");
    } else {
        (void)snprintf(text, sizeof text, "+CIPSEND: 0,%u,%u", (unsigned)sim->asked, (unsigned)taken);
        sim_result(sim, text);
    }

    sim->peer_got += taken;
    sim->peer_len -= sim->asked - taken; /* they stand at its end */
    if (taken > 0) {
        sim_tell_data(sim);
    }
}

static void sim_payload(modem_sim *sim, uint8_t byte) {
    if (sim->payload_kind == 'f') {
        if (sim->file_len < sizeof sim->file) {
            sim->file[sim->file_len++] = byte;
        }
    } else {
        sim_peer_keep(sim, &byte, 1);
    }

    if (--sim->payload_left == 0) {
        sim_payload_end(sim);
    }
}

static void sim_prompt(modem_sim *sim, char kind, const char *prompt, uint32_t len) {
    sim->payload_kind = kind;
    sim->payload_left = sim->asked = len;
    sim->file_len = kind == 'f' ? 0 : sim->file_len;
    if (sim->ok_before_prompt) {
        sim_line(sim, "OK");
    }
    sim_between(sim);
    sim_put(sim, prompt, strlen(prompt));
}

static void sim_read(modem_sim *sim, const char *head, uint32_t asked) {
    char text[48];
    size_t len = asked < sim->peer_len ? asked : sim->peer_len;
    size_t told = sim->sends_more ? len + 1u : len;
    if (len == 0 && !sim->quectel) {
        sim_line(sim, "+IP ERROR: No data");
        sim_error(sim);
        return;
    }

    bool counts_rest = strstr(head, "CIPRXGET") != NULL;
    (void)snprintf(text, sizeof text, counts_rest ? "%s%u,%u" : "%s%u", head, (unsigned)told,
                   (unsigned)(sim->peer_len - len));
    sim_line(sim, text);
    if (sim->cut_data > 0) {
        sim_put(sim, sim->peer, sim->cut_data);
        sim->cut_data = 0;
        modem_sim_restart(sim);
        return;
    }

    sim_put(sim, sim->peer, len);
    sim_put(sim, "x", told - len);
    memmove(sim->peer, sim->peer + len, sim->peer_len - len);
    sim->peer_len -= len;

    if (strstr(head, "CCHRECV") != NULL) {
        sim_result(sim, "+CCHRECV: 0,0");
    } else {
        sim_line(sim, "OK");
    }
}

/* ---- commands ---------------------------------------------------------------------------------------------------- */

static const char *sim_after(const char *command, const char *beginning) {
    size_t len = strlen(beginning);
    return strncmp(command, beginning, len) == 0 ? command + len : NULL;
}

static uint32_t sim_last_number(const char *command) {
    const char *comma = strrchr(command, ',');
    return comma == NULL ? 0 : (uint32_t)strtoul(comma + 1, NULL, 10);
}

/* "authmode",0,1: kept, so that it can be read back. */
static void sim_set(modem_sim *sim, const char *rest) {
    const char *quote = strchr(rest, '"');
    const char *value = strrchr(rest, ',') + 1;
    int len = quote == NULL ? 0 : (int)(quote - rest);
    size_t at = 0;
    while (at < sim->setting_count &&
           (strncmp(sim->settings[at], rest, (size_t)len) != 0 || sim->settings[at][len] != '=')) {
        at++;
    }

    if (at < sizeof sim->settings / sizeof sim->settings[0]) {
        (void)snprintf(sim->settings[at], sizeof sim->settings[at], "%.*s=%s", len, rest, value);
        sim->setting_count = at == sim->setting_count ? at + 1u : sim->setting_count;
    }
}

static const char *sim_setting(const modem_sim *sim, const char *name) {
    for (size_t i = 0; i < sim->setting_count; i++) {
        const char *rest = sim_after(sim->settings[i], name);
        if (rest != NULL && *rest == '=') {
            return rest + 1;
        }
    }

    return "9";
}

static void sim_open(modem_sim *sim, const char *head) {
    char text[48];
    int code = sim->open_code;
    bool in_2001 = strncmp(sim->clock, "01/01/01", 8) == 0;
    if (code == 0 && in_2001 && !sim->checks_nothing) {
        sim->refused++;
        code = sim->quectel ? 566 : 15;
    }

    sim->open = code == 0;
    sim->opened += sim->open;
    sim->peer_len = 0;
    (void)snprintf(text, sizeof text, "%s0,%d", head, code);
    if (code != 0 && !sim->quectel && !sim->result_first) { /* at once, with an error behind it */
        sim_line(sim, text);
        sim_error(sim);
    } else {
        sim_result(sim, text);
    }
}

static void sim_close(modem_sim *sim, const char *result) {
    if (!sim->open && !sim->quectel) {
        sim_error(sim);
        return;
    }

    sim->closed += sim->open;
    sim->open = false;
    sim->peer_len = 0;
    if (result == NULL) {
        sim_line(sim, "OK");
    } else {
        sim_result(sim, result);
    }
}

static bool sim_simcom_transfer(modem_sim *sim, const char *command) {
    char text[32];
    if (sim_after(command, "AT+CIPSEND=0,") != NULL || sim_after(command, "AT+CCHSEND=0,") != NULL) {
        sim->open ? sim_prompt(sim, 's', "\r\n>", sim_last_number(command)) : sim_error(sim);
    } else if (strcmp(command, "AT+CIPRXGET=4,0") == 0 || strcmp(command, "AT+CCHRECV?") == 0) {
        bool ssl = command[5] == 'H' || strstr(command, "CCH") != NULL;
        (void)snprintf(text, sizeof text, ssl ? "+CCHRECV: LEN,%u,0" : "+CIPRXGET: 4,0,%u", (unsigned)sim->peer_len);
        if (!sim->open) {
            sim_error(sim);
            return true;
        }
        sim_line(sim, text);
        sim_line(sim, "OK");
    } else if (sim_after(command, "AT+CIPRXGET=2,0,") != NULL) {
        sim_read(sim, "+CIPRXGET: 2,0,", sim_last_number(command));
    } else if (sim_after(command, "AT+CCHRECV=0,") != NULL) {
        sim_read(sim, "+CCHRECV: DATA,0,", sim_last_number(command));
    } else if (sim_after(command, "AT+CIPOPEN=0,") != NULL) {
        sim_open(sim, "+CIPOPEN: ");
    } else if (sim_after(command, "AT+CCHOPEN=0,") != NULL) {
        sim->serves_tls ? sim_open(sim, "+CCHOPEN: ") : sim_error(sim);
    } else if (strcmp(command, "AT+CIPCLOSE=0") == 0) {
        sim_close(sim, "+CIPCLOSE: 0,0");
    } else if (strcmp(command, "AT+CCHCLOSE=0") == 0) {
        sim_close(sim, "+CCHCLOSE: 0,0");
    } else {
        return false;
    }

    return true;
}

static bool sim_simcom(modem_sim *sim, const char *command) {
    char text[96];
    if (strcmp(command, "AT+CSSLCFG?") == 0) {
        (void)snprintf(text, sizeof text, "+CSSLCFG: 0,%s,%s,%s,120,%s,\"\",\"\",%s", sim_setting(sim, "sslversion"),
                       sim_setting(sim, "authmode"), sim_setting(sim, "ignorelocaltime"), sim_setting(sim, "cacert"),
                       sim_setting(sim, "enableSNI"));
        sim_line(sim, text);
        sim_line(sim, "+CSSLCFG: 1,4,0,1,300,\"\",\"\",\"\",0");
        sim_line(sim, "OK");
    } else if (strcmp(command, "AT+CCHSSLCFG?") == 0) {
        sim_line(sim, "+CCHSSLCFG: 0,0");
        sim_line(sim, "+CCHSSLCFG: 1,");
        sim_line(sim, "OK");
    } else if (strcmp(command, "AT+NETOPEN?") == 0) {
        sim_line(sim, sim->online ? "+NETOPEN: 1" : "+NETOPEN: 0");
        sim_line(sim, "OK");
    } else if (strcmp(command, "AT+NETOPEN") == 0 && !sim->online) {
        sim->online = true;
        sim_result(sim, "+NETOPEN: 0");
    } else if (strcmp(command, "AT+NETOPEN") == 0) {
        sim_line(sim, "+IP ERROR: Network is already opened");
        sim_error(sim);
    } else if (strcmp(command, "AT+NETCLOSE") == 0 && sim->online && !sim->open) {
        sim->online = false;
        sim_result(sim, "+NETCLOSE: 0");
    } else if (strcmp(command, "AT+NETCLOSE") == 0) {
        sim_error(sim);
    } else if (strcmp(command, "AT+CCHSTART") == 0) {
        sim->serves_tls = true;
        sim_result(sim, "+CCHSTART: 0");
    } else if (sim_after(command, "AT+CCERTDOWN=") != NULL) {
        sim_prompt(sim, 'f', "\r\n>", sim_last_number(command));
    } else if (strcmp(command, "AT+CCHSTOP") == 0 || sim_after(command, "AT+CCERTDELE=") != NULL) {
        sim_error(sim);
    } else {
        return sim_simcom_transfer(sim, command);
    }

    return true;
}

static bool sim_quectel(modem_sim *sim, const char *command) {
    char text[96];
    const char *rest = sim_after(command, "AT+QSSLCFG=\"");
    if (rest != NULL && strstr(rest, "\",1") != NULL && strchr(strstr(rest, "\",1") + 3, ',') == NULL) {
        int len = (int)(strchr(rest, '"') - rest);
        char name[32];
        (void)snprintf(name, sizeof name, "%.*s", len, rest);
        (void)snprintf(text, sizeof text, "+QSSLCFG: \"%s\",1,%s", name, sim_setting(sim, name));
        sim_line(sim, text);
        sim_line(sim, "OK");
    } else if (strcmp(command, "AT+QIACT?") == 0) {
        sim_line(sim, sim->online ? "+QIACT: 1,1,1,\"10.0.0.1\"" : "+CREG: 1");
        sim_line(sim, "OK");
    } else if (strcmp(command, "AT+QIDEACT=1") == 0) {
        sim->online = false;
        sim_line(sim, "OK");
    } else if (strcmp(command, "AT+QIACT=1") == 0) {
        sim->online ? sim_error(sim) : sim_line(sim, "OK");
        sim->online = true;
    } else if (sim_after(command, "AT+QFUPL=") != NULL) {
        sim->asked = (uint32_t)strtoul(strchr(command, ',') + 1, NULL, 10);
        sim_prompt(sim, 'f', "\r\nCONNECT\r\n", sim->asked);
    } else if (sim_after(command, "AT+QFDEL=") != NULL) {
        sim_error(sim);
    } else if (sim_after(command, "AT+QISEND=0,") != NULL || sim_after(command, "AT+QSSLSEND=0,") != NULL) {
        sim->open ? sim_prompt(sim, 's', "\r\n> ", sim_last_number(command)) : sim_error(sim);
    } else if (sim_after(command, "AT+QIRD=0,") != NULL) {
        sim->open ? sim_read(sim, "+QIRD: ", sim_last_number(command)) : sim_error(sim);
    } else if (sim_after(command, "AT+QSSLRECV=0,") != NULL) {
        sim->open ? sim_read(sim, "+QSSLRECV: ", sim_last_number(command)) : sim_error(sim);
    } else if (sim_after(command, "AT+QIOPEN=") != NULL) {
        sim_open(sim, "+QIOPEN: ");
    } else if (sim_after(command, "AT+QSSLOPEN=") != NULL) {
        sim_open(sim, "+QSSLOPEN: ");
    } else if (strcmp(command, "AT+QICLOSE=0") == 0 || strcmp(command, "AT+QSSLCLOSE=0") == 0) {
        sim_close(sim, NULL);
    } else {
        return false;
    }

    return true;
}

static void sim_answer(modem_sim *sim, const char *command) {
    char text[64];
    const char *rest;
    if (sim->silent != NULL && strstr(command, sim->silent) != NULL) {
        return;
    }

    if (sim->refuse != NULL && strstr(command, sim->refuse) != NULL) {
        sim_error(sim);
    } else if (sim->instead_of != NULL && strcmp(command, sim->instead_of) == 0) {
        sim_line(sim, sim->instead);
        sim_line(sim, "OK");
    } else if (strcmp(command, "ATE0") == 0) {
        sim->echo = false;
        sim->starts++;
        sim_line(sim, "OK");
    } else if (strcmp(command, "AT+CCLK?") == 0) {
        (void)snprintf(text, sizeof text, "+CCLK: \"%s\"", sim->clock);
        sim_line(sim, text);
        sim_line(sim, "OK");
    } else if (strcmp(command, "AT+CTZU?") == 0) {
        sim_line(sim, "+CTZU: 0");
        sim_line(sim, "OK");
    } else if (!(sim->quectel ? sim_quectel(sim, command) : sim_simcom(sim, command))) {
        rest = sim_after(command, sim->quectel ? "AT+QSSLCFG=\"" : "AT+CSSLCFG=\"");
        if (rest != NULL) {
            sim_set(sim, rest);
        } else if ((rest = sim_after(command, "AT+CCLK=\"")) != NULL) {
            (void)snprintf(sim->clock, sizeof sim->clock, "%.20s", rest);
        }
        sim_line(sim, "OK");
    }
}

/* A whole line came. What is before AT is no command. */
static void sim_command(modem_sim *sim) {
    sim->line[sim->line_len] = '\0';
    sim->line_len = 0;
    const char *command = strstr(sim->line, "AT");
    if (command == NULL) {
        return;
    }

    size_t len = strlen(command);
    if (sim->log_len + len + 2u <= MODEM_SIM_LOG) {
        memcpy(sim->log + sim->log_len, command, len);
        sim->log_len += len;
        sim->log[sim->log_len++] = '\n';
        sim->log[sim->log_len] = '\0';
    }
    if (++sim->commands == sim->restart_at) {
        modem_sim_restart(sim);
        return;
    }

    sim_answer(sim, command);
    if (sim->commands == sim->restart_after) {
        modem_sim_restart(sim);
    }
}

/* ---- the serial line --------------------------------------------------------------------------------------------- */

static void sim_take(modem_sim *sim, uint8_t byte) {
    if (sim->payload_left > 0) {
        sim_payload(sim, byte);
        return;
    }

    if (sim->echo) {
        sim_put(sim, &byte, 1);
    }
    if (byte == '\r') {
        sim_command(sim);
    } else if (sim->line_len < sizeof sim->line - 1u) {
        sim->line[sim->line_len++] = (char)byte;
    }
}

static sbs_status sim_serial_write(void *ctx, const uint8_t *data, size_t len, size_t *out_written) {
    modem_sim *sim = ctx;
    size_t taken = sim->write_max != 0 && len > sim->write_max ? sim->write_max : len;
    *out_written = 0;
    if (sim->gone) {
        return SBS_ERR_NETWORK;
    }

    sim->pauses = sim->write_max != 0 && !sim->pauses;
    if (sim->pauses) {
        return SBS_PENDING;
    }

    for (size_t i = 0; i < taken; i++) {
        sim_take(sim, data[i]);
    }

    *out_written = taken;
    return SBS_OK;
}

static sbs_status sim_serial_read(void *ctx, uint8_t *buffer, size_t size, size_t *out_len) {
    modem_sim *sim = ctx;
    size_t len = sim->out_len - sim->out_at;
    *out_len = 0;
    if (sim->gone) {
        return SBS_ERR_NETWORK;
    }

    if (len > size) {
        len = size;
    }
    if (sim->read_max != 0 && len > sim->read_max) {
        len = sim->read_max;
    }

    *out_len = len;
    memcpy(buffer, sim->out + sim->out_at, len);
    sim->out_at += len;
    if (sim->out_at == sim->out_len) {
        sim->out_at = sim->out_len = 0;
    }

    return len > 0 ? SBS_OK : SBS_PENDING;
}

static sbs_wait sim_serial_waits_for(void *ctx, uint8_t events) {
    (void)ctx;
    return (sbs_wait){.timeout_ms = 50, .events = events, .descriptor = -1};
}

static const sbs_serial_ops sim_serial_ops = {
    .read = sim_serial_read, .write = sim_serial_write, .waits_for = sim_serial_waits_for};

void modem_sim_init(modem_sim *sim, sbs_serial *out_serial) {
    memset(sim, 0, sizeof *sim);
    sim->echo = true;
    (void)snprintf(sim->clock, sizeof sim->clock, "70/01/01,00:00:00+00");
    *out_serial = (sbs_serial){.ops = &sim_serial_ops, .ctx = sim};
}

void modem_sim_restart(modem_sim *sim) {
    sim->echo = true;
    sim->open = sim->online = sim->serves_tls = false;
    sim->payload_left = 0;
    sim->line_len = sim->setting_count = sim->peer_len = 0;
    sim->log_len = 0;
    sim->log[0] = '\0';
    if (!sim->mute_start) {
        modem_sim_say(sim, "RDY");
    }
}

unsigned modem_sim_heard(const modem_sim *sim, const char *text) {
    unsigned count = 0;
    for (const char *at = strstr(sim->log, text); at != NULL; at = strstr(at + 1, text)) {
        count++;
    }

    return count;
}
