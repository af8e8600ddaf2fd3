/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quectel EC2x, EG9x, BG9x. PDP context 1, SSL context 1, connection 0, buffer access mode. Each setting is read back
 * by the command that set it, without the value. "recv" is told once until all was read, so it is read until nothing
 * comes.
 */
#include "sbs/modem_dialect.h"

#define OPEN_SSL "AT+QSSLOPEN=1,1,0,\"%h\",%p,0"
#define SET(name, value, flags)                                                                                        \
    { "AT+QSSLCFG=\"" name "\",1," value, NULL, NULL, (flags), 5, SBS_ERR_UNVERIFIED }
#define ASK(name, value, flags)                                                                                        \
    { "AT+QSSLCFG=\"" name "\",1", "+QSSLCFG: \"" name "\",1," value "$", NULL, (flags), 5, SBS_ERR_UNVERIFIED }
#define SSL(name, value) SET(name, value, 0), ASK(name, value, 0)
/* What only some models know; where it is known it must not stand. */
#define SSL_IF_KNOWN(name, value) SET(name, value, SBS_MODEM_MAY_FAIL), ASK(name, value, SBS_MODEM_MAY_REFUSE)

/* The modem answers, without an echo, and nothing of an earlier life of this program is left. */
#define BEGINNING                                                                                                      \
    {"%z%z%z%z\rAT", NULL, NULL, SBS_MODEM_SYNCS, 1, SBS_ERR_TIMEOUT}, {"ATE0", NULL, NULL, 0, 5, 0},                  \
        {"AT+CCLK?", "+CCLK:", NULL, SBS_MODEM_ALIGNS, 5, 0}, {"AT+QICLOSE=0", NULL, NULL, SBS_MODEM_MAY_FAIL, 15, 0}, \
        {"AT+QIDEACT=1", NULL, NULL, SBS_MODEM_MAY_FAIL, 40, 0}, {                                                     \
        "AT+QICSGP=1,1,\"%a\"", NULL, NULL, SBS_MODEM_IF_APN, 5, 0                                                     \
    }

static const sbs_modem_step quectel_start[] = {BEGINNING, {0}};

static const sbs_modem_step quectel_start_tls[] = {
    BEGINNING,
    {"AT+QSSLCLOSE=0", NULL, NULL, SBS_MODEM_MAY_FAIL, 15, 0},
    {"AT+QFDEL=\"%f\"", NULL, NULL, SBS_MODEM_IF_FILE | SBS_MODEM_MAY_FAIL, 5, 0},
    {"AT+QFUPL=\"%f\",%l,30", "+QFUPL: %l,", NULL, SBS_MODEM_IF_FILE | SBS_MODEM_HAS_PAYLOAD, 30, SBS_ERR_UNVERIFIED},
    {0},
};

static const sbs_modem_step quectel_connect[] = {
    {"AT+QIACT?", "+QIACT: 1,1", NULL, SBS_MODEM_MAY_FAIL | SBS_MODEM_SKIPS_NEXT, 150, 0},
    {"AT+QIACT=1", NULL, NULL, 0, 150, SBS_ERR_UNREACHABLE},
    {"AT+QIOPEN=1,0,\"TCP\",\"%h\",%p,0,0", NULL, "+QIOPEN: 0,", SBS_MODEM_OPENS, 150, 0},
    {0},
};

/* The network may set the clock, and is not trusted with it. */
static const sbs_modem_step quectel_connect_tls[] = {
    {"AT+QIACT?", "+QIACT: 1,1", NULL, SBS_MODEM_MAY_FAIL | SBS_MODEM_SKIPS_NEXT, 150, 0},
    {"AT+QIACT=1", NULL, NULL, 0, 150, SBS_ERR_UNREACHABLE},
    {"AT+CTZU=0", NULL, NULL, 0, 5, SBS_ERR_UNVERIFIED},
    {"AT+CTZU?", "+CTZU: 0", NULL, 0, 5, SBS_ERR_UNVERIFIED},
    SSL("sslversion", "3"),
    SSL("seclevel", "1"),
    SSL("cacert", "\"%f\""),
    SSL("sni", "1"),
    SSL("checkhost", "1"),
    SSL("ignorelocaltime", "0"),
    SSL_IF_KNOWN("ignorecertchain", "0"),
    SSL_IF_KNOWN("ignoreinvalidcertsign", "0"),
    {"AT+CCLK=\"01/01/01,00:00:00+00\"", NULL, NULL, SBS_MODEM_TRIES, 5, SBS_ERR_UNVERIFIED},
    {OPEN_SSL, NULL, "+QSSLOPEN: 0,", SBS_MODEM_OPENS | SBS_MODEM_TRIES, 150, 0},
    {"AT+QSSLCLOSE=0", NULL, NULL, SBS_MODEM_MAY_FAIL, 15, 0}, /* one that failed is closed, too */
    {"AT+CCLK=\"%t+00\"", NULL, NULL, SBS_MODEM_TELLS_TIME, 5, SBS_ERR_UNVERIFIED},
    {"AT+CCLK?", "+CCLK: \"%d", NULL, 0, 5, SBS_ERR_UNVERIFIED},
    {OPEN_SSL, NULL, "+QSSLOPEN: 0,", SBS_MODEM_OPENS, 150, 0},
    {0},
};

/* 566 is any other failure: of TCP, and with TLS of the handshake, whatever the reason. */
static const sbs_modem_code quectel_codes[] = {
    {561, SBS_ERR_UNREACHABLE},
    {565, SBS_ERR_RESOLVE},
    {569, SBS_ERR_TIMEOUT},
    {0},
};

static const sbs_modem_urc quectel_urcs[] = {
    {"+QIURC: \"recv\",0", SBS_MODEM_DATA},
    {"+QSSLURC: \"recv\",0", SBS_MODEM_DATA},
    {"+QIURC: \"closed\",0", SBS_MODEM_LOST}, /* or ended: it is not told */
    {"+QSSLURC: \"closed\",0", SBS_MODEM_LOST},
    {"+QIURC: \"pdpdeact\",1", SBS_MODEM_LOST},
    {"RDY$", SBS_MODEM_RESET},
    {"AT+", SBS_MODEM_RESET}, /* an echo, which was switched off */
    {"POWERED DOWN$", SBS_MODEM_RESET},
    {"NORMAL POWER DOWN$", SBS_MODEM_RESET},
    {0},
};

const sbs_modem_dialect sbs_modem_quectel = {
    .start = quectel_start,
    .connect = quectel_connect,
    .send = {"AT+QISEND=0,%n", NULL, NULL, SBS_MODEM_HAS_PAYLOAD, 60, 0},
    .receive = {"AT+QIRD=0,%n", NULL, NULL, 0, 20, 0},
    .close = {"AT+QICLOSE=0", NULL, NULL, SBS_MODEM_MAY_FAIL, 15, 0},
    .data = "+QIRD: ",
    .codes = quectel_codes,
    .urcs = quectel_urcs,
    .send_max = 1460,
    .receive_max = 1500,
};

const sbs_modem_dialect sbs_modem_quectel_tls = {
    .start = quectel_start_tls,
    .connect = quectel_connect_tls,
    .send = {"AT+QSSLSEND=0,%n", NULL, NULL, SBS_MODEM_HAS_PAYLOAD, 60, 0},
    .receive = {"AT+QSSLRECV=0,%n", NULL, NULL, 0, 20, 0},
    .close = {"AT+QSSLCLOSE=0", NULL, NULL, SBS_MODEM_MAY_FAIL, 15, 0},
    .data = "+QSSLRECV: ",
    .codes = quectel_codes,
    .urcs = quectel_urcs,
    .send_max = 1460,
    .receive_max = 1500,
    .secured = true,
    .checks_name = true,
};
