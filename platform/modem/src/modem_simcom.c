/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIMCom A76xx. Connection 0, SSL context 0. Known of them, and minded: asked for more than they have they hang, so the
 * length is asked for first; +CIPRXGET: 1 comes also before the answer to another +CIPRXGET; the OK stands before or
 * behind a result line; the SSL service forgets settings when it starts, and some models give a session the other
 * context, so which one it has is read back, too.
 */
#include "sbs/modem_dialect.h"

#define OPEN_SSL "AT+CCHOPEN=0,\"%h\",%p,2"
#define SSL(name, value) "AT+CSSLCFG=\"" name "\",0," value

/* The modem answers, without an echo, and nothing of an earlier life of this program is left. */
#define BEGINNING                                                                                                      \
    {"%z%z%z%z\rAT", NULL, NULL, SBS_MODEM_SYNCS, 1, SBS_ERR_TIMEOUT}, {"ATE0", NULL, NULL, 0, 5, 0},                  \
        {"AT+CCLK?", "+CCLK:", NULL, SBS_MODEM_ALIGNS, 5, 0},                                                          \
        {"AT+CIPCLOSE=0", NULL, "+CIPCLOSE: 0,", SBS_MODEM_MAY_FAIL, 15, 0}, {                                         \
        "AT+CGDCONT=1,\"IP\",\"%a\"", NULL, NULL, SBS_MODEM_IF_APN, 9, 0                                               \
    }

/* A network that was lost stays open in name, and is let go. */
static const sbs_modem_step simcom_start[] = {
    BEGINNING,
    {"AT+NETCLOSE", NULL, "+NETCLOSE: ", SBS_MODEM_MAY_FAIL, 60, 0},
    {0},
};

static const sbs_modem_step simcom_start_tls[] = {
    BEGINNING,
    {"AT+CCHSTOP", NULL, "+CCHSTOP: ", SBS_MODEM_MAY_FAIL, 15, 0},
    {"AT+CCHSET=1,1", NULL, NULL, 0, 9, 0},
    {"AT+CCHSTART", NULL, "+CCHSTART: ", 0, 120, SBS_ERR_UNREACHABLE},
    {"AT+CCERTDELE=\"%f\"", NULL, NULL, SBS_MODEM_IF_FILE | SBS_MODEM_MAY_FAIL, 9, 0},
    {"AT+CCERTDOWN=\"%f\",%l", NULL, NULL, SBS_MODEM_IF_FILE | SBS_MODEM_HAS_PAYLOAD, 20, SBS_ERR_UNVERIFIED},
    {0},
};

static const sbs_modem_step simcom_connect[] = {
    {"AT+CIPRXGET=1", NULL, NULL, 0, 9, 0}, /* each time: a modem that started unseen pushes what comes */
    {"AT+NETOPEN?", "+NETOPEN: 1", NULL, SBS_MODEM_MAY_FAIL | SBS_MODEM_SKIPS_NEXT, 9, 0},
    {"AT+NETOPEN", NULL, "+NETOPEN: ", 0, 120, SBS_ERR_UNREACHABLE},
    {"AT+CIPOPEN=0,\"TCP\",\"%h\",%p", NULL, "+CIPOPEN: 0,", SBS_MODEM_OPENS, 130, 0},
    {0},
};

/* The network may set the clock, and is not trusted with it. */
static const sbs_modem_step simcom_connect_tls[] = {
    {"AT+CTZU=0", NULL, NULL, 0, 9, SBS_ERR_UNVERIFIED},
    {"AT+CTZU?", "+CTZU: 0", NULL, 0, 9, SBS_ERR_UNVERIFIED},
    {SSL("sslversion", "3"), NULL, NULL, 0, 9, SBS_ERR_UNVERIFIED},
    {SSL("authmode", "1"), NULL, NULL, 0, 9, SBS_ERR_UNVERIFIED},
    {SSL("ignorelocaltime", "0"), NULL, NULL, 0, 9, SBS_ERR_UNVERIFIED},
    {SSL("cacert", "\"%f\""), NULL, NULL, 0, 9, SBS_ERR_UNVERIFIED},
    {SSL("enableSNI", "1"), NULL, NULL, 0, 9, SBS_ERR_UNVERIFIED},
    {"AT+CCHSSLCFG=0,0", NULL, NULL, 0, 9, SBS_ERR_UNVERIFIED},
    {"AT+CCHSSLCFG?", "+CCHSSLCFG: 0,0$", NULL, 0, 9, SBS_ERR_UNVERIFIED},
    {"AT+CSSLCFG?", "+CSSLCFG: 0,3,1,0,*,\"%f\",*,*,1", NULL, 0, 9, SBS_ERR_UNVERIFIED},
    {"AT+CCLK=\"01/01/01,00:00:00+00\"", NULL, NULL, SBS_MODEM_TRIES, 9, SBS_ERR_UNVERIFIED},
    {OPEN_SSL, NULL, "+CCHOPEN: 0,", SBS_MODEM_OPENS | SBS_MODEM_TRIES, 130, SBS_ERR_TLS},
    {"AT+CCLK=\"%t+00\"", NULL, NULL, SBS_MODEM_TELLS_TIME, 9, SBS_ERR_UNVERIFIED},
    {"AT+CCLK?", "+CCLK: \"%d", NULL, 0, 9, SBS_ERR_UNVERIFIED},
    {OPEN_SSL, NULL, "+CCHOPEN: 0,", SBS_MODEM_OPENS, 130, SBS_ERR_TLS},
    {0},
};

static const sbs_modem_code simcom_codes[] = {
    {1, SBS_ERR_UNREACHABLE}, {2, SBS_ERR_UNREACHABLE}, {10, SBS_ERR_TIMEOUT}, {11, SBS_ERR_RESOLVE}, {0},
};

/* 15 is a handshake that failed, whatever the reason. */
static const sbs_modem_code simcom_codes_tls[] = {
    {3, SBS_ERR_NETWORK},
    {4, SBS_ERR_NETWORK},
    {5, SBS_ERR_TIMEOUT},
    {7, SBS_ERR_MEMORY},
    {9, SBS_ERR_UNREACHABLE},
    {13, SBS_ERR_RESOLVE},
    {14, SBS_ERR_NETWORK},
    {17, SBS_ERR_UNREACHABLE},
    {18, SBS_ERR_TIMEOUT},
    {19, SBS_ERR_UNVERIFIED},
    {0},
};

static const sbs_modem_urc simcom_urcs[] = {
    {"+CIPRXGET: 1,0", SBS_MODEM_DATA},
    {"+IPCLOSE: 0,0", SBS_MODEM_NOTHING}, /* by ourselves */
    {"+IPCLOSE: 0,1", SBS_MODEM_ENDED},
    {"+IPCLOSE: 0,", SBS_MODEM_LOST},
    {"+CIPEVENT: ", SBS_MODEM_OFFLINE}, /* open in name until it is closed */
    {"+CCHEVENT: 0,RECV EVENT", SBS_MODEM_DATA},
    {"+CCH_PEER_CLOSED: 0", SBS_MODEM_LOST},
    {"+CCH_RECV_CLOSED: 0", SBS_MODEM_LOST},
    {"RDY$", SBS_MODEM_RESET},
    {"*ATREADY: ", SBS_MODEM_RESET},
    {"AT+", SBS_MODEM_RESET}, /* an echo, which was switched off */
    {0},
};

const sbs_modem_dialect sbs_modem_simcom = {
    .start = simcom_start,
    .connect = simcom_connect,
    .send = {"AT+CIPSEND=0,%n", NULL, "+CIPSEND: 0,*,", SBS_MODEM_HAS_PAYLOAD | SBS_MODEM_COUNTS, 60, 0},
    .count = {"AT+CIPRXGET=4,0", NULL, "+CIPRXGET: 4,0,", SBS_MODEM_COUNTS, 9, 0},
    .receive = {"AT+CIPRXGET=2,0,%n", NULL, NULL, 0, 20, 0},
    .close = {"AT+CIPCLOSE=0", NULL, "+CIPCLOSE: 0,", SBS_MODEM_MAY_FAIL, 15, 0},
    .data = "+CIPRXGET: 2,0,",
    .codes = simcom_codes,
    .urcs = simcom_urcs,
    .send_max = 1500,
    .receive_max = 1500,
};

const sbs_modem_dialect sbs_modem_simcom_tls = {
    .start = simcom_start_tls,
    .connect = simcom_connect_tls,
    .send = {"AT+CCHSEND=0,%n", NULL, "+CCHSEND: 0,", SBS_MODEM_HAS_PAYLOAD, 60, 0},
    .count = {"AT+CCHRECV?", NULL, "+CCHRECV: LEN,", SBS_MODEM_COUNTS, 9, 0},
    .receive = {"AT+CCHRECV=0,%n", NULL, "+CCHRECV: 0,", 0, 20, 0},
    .close = {"AT+CCHCLOSE=0", NULL, "+CCHCLOSE: 0,", SBS_MODEM_MAY_FAIL, 15, 0},
    .data = "+CCHRECV: DATA,0,",
    .codes = simcom_codes_tls,
    .urcs = simcom_urcs,
    .send_max = 2048,
    .receive_max = 2048,
    .secured = true,
    .checks_name = false,
};
