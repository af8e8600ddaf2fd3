/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_peer.h"

#include <mbedtls/ecp.h>
#include <mbedtls/oid.h>
#include <mbedtls/pk.h>
#include <mbedtls/psa_util.h>
#include <mbedtls/ssl_cache.h>
#include <mbedtls/ssl_ticket.h>
#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sbs/count.h"
#include "sbs/pem_key.h"
#include "sbs/text.h"

#define RNG mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE

/* ---- certificates ------------------------------------------------------------------------------------------------ */

typedef struct held_certificate {
    mbedtls_pk_context key;
    mbedtls_x509_crt chain;
    unsigned char der[1024];
    size_t der_len;
} held_certificate;

static held_certificate root, leaves[TLS_CERT_COUNT], own;
static sbs_tls_trust trust;
static sbs_tls_identity identity;
static mbedtls_ssl_cache_context cache;
static mbedtls_ssl_ticket_context tickets;

static void must(int code) {
    FUZZ_REQUIRE(code == 0);
}

static void make_key(mbedtls_pk_context *key) {
    mbedtls_pk_init(key);
    must(mbedtls_pk_setup(key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)));
    must(mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(*key), RNG));
}

typedef struct wish {
    const char *subject, *from, *until, *name;
    bool is_ca, client_use, own_issuer, address;
} wish;

static void put_names(mbedtls_x509write_cert *writer, const wish *of) {
    static unsigned char address[] = {192, 0, 2, 1};
    static mbedtls_x509_san_list names;
    if (of->name == NULL && !of->address) {
        return;
    }

    memset(&names, 0, sizeof names);
    names.node.type = of->address ? MBEDTLS_X509_SAN_IP_ADDRESS : MBEDTLS_X509_SAN_DNS_NAME;
    names.node.san.unstructured_name.p = of->address ? address : (unsigned char *)(uintptr_t)of->name;
    names.node.san.unstructured_name.len = of->address ? sizeof address : strlen(of->name);
    must(mbedtls_x509write_crt_set_subject_alternative_name(writer, &names));
}

static void put_use(mbedtls_x509write_cert *writer, const wish *of) {
    static mbedtls_asn1_sequence use;
    memset(&use, 0, sizeof use);
    use.buf.tag = MBEDTLS_ASN1_OID;
    const char *oid = of->client_use ? MBEDTLS_OID_CLIENT_AUTH : MBEDTLS_OID_SERVER_AUTH;
    use.buf.p = (unsigned char *)(uintptr_t)oid;
    use.buf.len = MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH);
    must(mbedtls_x509write_crt_set_ext_key_usage(writer, &use));
}

static void make_certificate(held_certificate *out, const wish *of) {
    unsigned char serial[] = {1, (unsigned char)(out - leaves)};
    mbedtls_x509write_cert writer;
    make_key(&out->key);
    mbedtls_x509write_crt_init(&writer);
    mbedtls_x509write_crt_set_version(&writer, MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(&writer, MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_subject_key(&writer, &out->key);
    mbedtls_x509write_crt_set_issuer_key(&writer, of->own_issuer ? &out->key : &root.key);
    must(mbedtls_x509write_crt_set_subject_name(&writer, of->subject));
    must(mbedtls_x509write_crt_set_issuer_name(&writer, of->own_issuer ? of->subject : "CN=root"));
    must(mbedtls_x509write_crt_set_serial_raw(&writer, serial, sizeof serial));
    must(mbedtls_x509write_crt_set_validity(&writer, of->from, of->until));
    must(mbedtls_x509write_crt_set_basic_constraints(&writer, of->is_ca, -1));
    must(mbedtls_x509write_crt_set_key_usage(&writer, of->is_ca ? MBEDTLS_X509_KU_KEY_CERT_SIGN
                                                                : MBEDTLS_X509_KU_DIGITAL_SIGNATURE));
    if (!of->is_ca) {
        put_names(&writer, of);
        put_use(&writer, of);
    }

    const int len = mbedtls_x509write_crt_der(&writer, out->der, sizeof out->der, RNG);
    FUZZ_REQUIRE(len > 0);
    out->der_len = (size_t)len;
    memmove(out->der, out->der + sizeof out->der - out->der_len, out->der_len);
    mbedtls_x509_crt_init(&out->chain);
    must(mbedtls_x509_crt_parse_der(&out->chain, out->der, out->der_len));
    mbedtls_x509write_crt_free(&writer);
}

void tls_peer_prepare(void) {
    static const char from[] = "20200101000000", until[] = "21200101000000";
    static const wish wishes[TLS_CERT_COUNT] = {
        [TLS_CERT_GOOD] = {"CN=host", from, until, TLS_PEER_HOST, .is_ca = false},
        [TLS_CERT_OTHER_NAME] = {"CN=other", from, until, "other.example", .is_ca = false},
        [TLS_CERT_EXPIRED] = {"CN=old", from, "20210101000000", TLS_PEER_HOST, .is_ca = false},
        [TLS_CERT_FUTURE] = {"CN=new", "20900101000000", until, TLS_PEER_HOST, .is_ca = false},
        [TLS_CERT_NO_NAMES] = {"CN=" TLS_PEER_HOST, from, until, NULL, .is_ca = false},
        [TLS_CERT_SELF_SIGNED] = {"CN=self", from, until, TLS_PEER_HOST, .own_issuer = true},
        [TLS_CERT_CLIENT_USE] = {"CN=client", from, until, TLS_PEER_HOST, .client_use = true},
        [TLS_CERT_ADDRESS] = {"CN=address", from, until, NULL, .address = true},
    };
    static const wish root_wish = {"CN=root", from, until, NULL, .is_ca = true, .own_issuer = true};
    static const wish own_wish = {"CN=me", from, until, "me.example", .client_use = true};

    fuzz_random_reset(7);
    make_certificate(&root, &root_wish);
    for (unsigned i = 0; i < TLS_CERT_COUNT; i++) {
        make_certificate(&leaves[i], &wishes[i]);
    }
    make_certificate(&own, &own_wish);

    sbs_tls_trust_init(&trust);
    FUZZ_REQUIRE(sbs_tls_trust_add_der(&trust, root.der, root.der_len) == SBS_OK);
    sbs_tls_identity_init(&identity);
    identity.priv.chain = own.chain; /* shared: both live as long as the program */
    identity.priv.key = own.key;
    identity.priv.loaded = true;
}

sbs_tls_trust *tls_peer_trust(void) {
    return &trust;
}

const sbs_tls_identity *tls_peer_identity(void) {
    return &identity;
}

/* ---- pipes ------------------------------------------------------------------------------------------------------- */

static void pipe_put(tls_pipe *pipe, const void *data, size_t len) {
    FUZZ_REQUIRE(len <= sizeof pipe->data - pipe->len);
    memcpy(pipe->data + pipe->len, data, len);
    pipe->len += len;
}

static size_t pipe_take(tls_pipe *pipe, void *out, size_t size) {
    size_t len = pipe->len - pipe->taken;
    if (len > size) {
        len = size;
    }
    memcpy(out, pipe->data + pipe->taken, len);
    pipe->taken += len;
    return len;
}

static int server_send(void *ctx, const unsigned char *data, size_t len) {
    tls_peer *peer = ctx;
    if (len > sizeof peer->to_client.data - peer->to_client.len) {
        return MBEDTLS_ERR_SSL_WANT_WRITE;
    }
    pipe_put(&peer->to_client, data, len);
    return (int)len;
}

static int server_receive(void *ctx, unsigned char *buffer, size_t size) {
    tls_peer *peer = ctx;
    const size_t len = pipe_take(&peer->to_server, buffer, size);
    return len > 0 ? (int)len : MBEDTLS_ERR_SSL_WANT_READ;
}

/* ---- what happens to records on their way ------------------------------------------------------------------------ */

static void insert_bytes(tls_peer *peer, size_t at, const void *data, size_t len) {
    tls_pipe *pipe = &peer->to_client;
    if (len > sizeof pipe->data - pipe->len) {
        return;
    }
    memmove(pipe->data + at + len, pipe->data + at, pipe->len - at);
    memcpy(pipe->data + at, data, len);
    pipe->len += len;
}

static void remove_bytes(tls_peer *peer, size_t at, size_t len) {
    tls_pipe *pipe = &peer->to_client;
    memmove(pipe->data + at, pipe->data + at + len, pipe->len - at - len);
    pipe->len -= len;
}

/* Records that a peer needs no key to send. */
static void insert_record(tls_peer *peer, size_t at) {
    static const uint8_t records[][9] = {
        {7, 0x15, 3, 3, 0, 2, 1, 100},  /* warning no_renegotiation */
        {7, 0x15, 3, 3, 0, 2, 1, 0},    /* close_notify that nobody protected */
        {7, 0x15, 3, 3, 0, 2, 2, 40},   /* handshake_failure */
        {6, 0x14, 3, 3, 0, 1, 1},       /* change_cipher_spec */
        {8, 0x16, 3, 3, 0, 4, 0, 0, 0}, /* HelloRequest, cut */
        {5, 0x17, 3, 3, 0, 0},          /* an empty one */
        {8, 0x15, 3, 3, 0, 2, 2, 112},  /* unrecognized_name, and a byte */
        {5, 'H', 'T', 'T', 'P', '/'},
    };
    const uint8_t *record = records[fuzz_below(peer->script, SBS_COUNT_OF(records))];
    unsigned times = fuzz_chance(peer->script, 4) ? 1u + fuzz_short(peer->script) % 6000u : 1;
    for (; times > 0; times--) {
        insert_bytes(peer, at, record + 1, record[0]);
    }
}

static void insert_raw(tls_peer *peer, size_t at) {
    uint8_t some[300];
    insert_bytes(peer, at, some, fuzz_bytes(peer->script, some, sizeof some));
}

/* Changes the record at @p at, which has @p len bytes with its header; the place behind what was looked at. */
static size_t meet_record(tls_peer *peer, size_t at, size_t len) {
    tls_pipe *pipe = &peer->to_client;
    const unsigned what = fuzz_below(peer->script, 16);
    if (what < 8) {
        return at + len;
    }

    peer->changed = true;
    switch (what) {
    case 8: /* bytes of it, header included */
        for (unsigned count = 1 + fuzz_below(peer->script, 3); count > 0; count--) {
            pipe->data[at + fuzz_short(peer->script) % len] = fuzz_byte(peer->script);
        }
        return at + len;
    case 9:
        remove_bytes(peer, at, len);
        return at;
    case 10: { /* it is cut, and what follows moves up */
        const size_t less = 1 + fuzz_short(peer->script) % len;
        remove_bytes(peer, at + len - less, less);
        return at + len - less;
    }
    case 11:
        insert_record(peer, at);
        return pipe->len;
    case 12:
        insert_raw(peer, at);
        return pipe->len;
    case 13: { /* twice */
        static uint8_t copy[TLS_PEER_PIPE];
        memcpy(copy, pipe->data + at, len);
        insert_bytes(peer, at, copy, len);
        return at + 2 * len > pipe->len ? pipe->len : at + 2 * len;
    }
    case 14: /* the connection ends here */
        pipe->len = at + fuzz_short(peer->script) % len;
        peer->ended = fuzz_chance(peer->script, 2);
        peer->broken = !peer->ended;
        return pipe->len;
    default: /* nothing is changed, but it takes time */
        peer->changed = false;
        peer->delay = fuzz_below(peer->script, 16);
        return at + len;
    }
}

static void meet_records(tls_peer *peer) {
    tls_pipe *pipe = &peer->to_client;
    while (pipe->len - peer->scanned >= 5 && !peer->ended && !peer->broken) {
        const uint8_t *header = pipe->data + peer->scanned;
        const size_t len = 5 + header[3] * 256u + header[4];
        if (len > pipe->len - peer->scanned) {
            return;
        }
        const bool was_changed = peer->changed;
        peer->scanned = meet_record(peer, peer->scanned, len);
        peer->changed |= was_changed;
    }
}

/* ---- what is encrypted ------------------------------------------------------------------------------------------- */

static tls_peer *spoiling; /* whose server is at work */

psa_status_t __real_psa_aead_encrypt(mbedtls_svc_key_id_t key, psa_algorithm_t alg, const uint8_t *nonce,
                                     size_t nonce_length, const uint8_t *additional_data, size_t additional_data_length,
                                     const uint8_t *plaintext, size_t plaintext_length, uint8_t *ciphertext,
                                     size_t ciphertext_size, size_t *ciphertext_length);
psa_status_t __wrap_psa_aead_encrypt(mbedtls_svc_key_id_t key, psa_algorithm_t alg, const uint8_t *nonce,
                                     size_t nonce_length, const uint8_t *additional_data, size_t additional_data_length,
                                     const uint8_t *plaintext, size_t plaintext_length, uint8_t *ciphertext,
                                     size_t ciphertext_size, size_t *ciphertext_length);

psa_status_t __wrap_psa_aead_encrypt(mbedtls_svc_key_id_t key, psa_algorithm_t alg, const uint8_t *nonce,
                                     size_t nonce_length, const uint8_t *additional_data, size_t additional_data_length,
                                     const uint8_t *plaintext, size_t plaintext_length, uint8_t *ciphertext,
                                     size_t ciphertext_size, size_t *ciphertext_length) {
    /* Mbed TLS encrypts where the text stands, so it may be written. */
    uint8_t *text = (uint8_t *)(uintptr_t)plaintext;
    if (spoiling != NULL && spoiling->spoils_plain && plaintext_length > 0 && fuzz_chance(spoiling->script, 3)) {
        spoiling->changed = true;
        for (unsigned count = 1 + fuzz_below(spoiling->script, 4); count > 0; count--) {
            text[fuzz_short(spoiling->script) % plaintext_length] = fuzz_byte(spoiling->script);
        }
    }
    return __real_psa_aead_encrypt(key, alg, nonce, nonce_length, additional_data, additional_data_length, plaintext,
                                   plaintext_length, ciphertext, ciphertext_size, ciphertext_length);
}

/* ---- the server -------------------------------------------------------------------------------------------------- */

static void server_serve(tls_peer *peer) {
    uint8_t request[512];
    if (!peer->is_up) {
        const int code = mbedtls_ssl_handshake(&peer->ssl);
        peer->is_up = code == 0;
        if (code != 0 && code != MBEDTLS_ERR_SSL_WANT_READ && code != MBEDTLS_ERR_SSL_WANT_WRITE) {
            peer->ended = true;
        }
        return;
    }

    const int got = mbedtls_ssl_read(&peer->ssl, request, sizeof request);
    if (got <= 0) {
        return;
    }
    peer->asked_twice = true;
    while (peer->page_sent < peer->page_len) {
        const int sent = mbedtls_ssl_write(&peer->ssl, peer->page + peer->page_sent, peer->page_len - peer->page_sent);
        if (sent <= 0) {
            return;
        }
        peer->page_sent += (size_t)sent;
    }
    if (fuzz_chance(peer->script, 2)) {
        peer->ended = true;
    } else {
        peer->said_goodbye = mbedtls_ssl_close_notify(&peer->ssl) == 0;
    }
}

static void server_set_up(tls_peer *peer) {
    peer->is_fresh = false;
    mbedtls_ssl_free(&peer->ssl);
    mbedtls_ssl_init(&peer->ssl);
    must(mbedtls_ssl_setup(&peer->ssl, &peer->config));
    mbedtls_ssl_set_bio(&peer->ssl, peer, server_send, server_receive, NULL);
}

void tls_peer_work(tls_peer *peer) {
    const bool was_over = peer->ended || peer->broken;
    if (was_over || peer->lies_raw) {
        return;
    }
    if (peer->is_fresh) { /* not when the client opens: its memory may end just then */
        server_set_up(peer);
    }
    spoiling = peer;
    server_serve(peer);
    spoiling = NULL;
    const bool ends = peer->ended; /* after what was said */
    peer->ended = false;
    meet_records(peer);
    peer->ended |= ends;
}

static void configure(tls_peer *peer) {
    static const uint16_t groups[][2] = {{MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1, 0},
                                         {MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1, 0}};
    const unsigned options = fuzz_byte(peer->script);
    const mbedtls_ssl_protocol_version version = options & 1 ? MBEDTLS_SSL_VERSION_TLS1_2 : MBEDTLS_SSL_VERSION_TLS1_3;
    peer->certificate = (tls_peer_certificate)(options & 2 ? fuzz_below(peer->script, TLS_CERT_COUNT) : TLS_CERT_GOOD);
    peer->spoils_plain = (options & 4) != 0;
    peer->lies_raw = (options & 0xF0) == 0xF0;
    held_certificate *shown = &leaves[peer->certificate];

    must(mbedtls_ssl_config_defaults(&peer->config, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM,
                                     MBEDTLS_SSL_PRESET_DEFAULT));
    mbedtls_ssl_conf_rng(&peer->config, RNG);
    mbedtls_ssl_conf_min_tls_version(&peer->config, version);
    mbedtls_ssl_conf_max_tls_version(&peer->config, version);
    mbedtls_ssl_conf_groups(&peer->config, groups[0]);
    must(mbedtls_ssl_conf_own_cert(&peer->config, &shown->chain, &shown->key));
    if ((options & 8) != 0) {
        mbedtls_ssl_conf_authmode(&peer->config,
                                  options & 16 ? MBEDTLS_SSL_VERIFY_REQUIRED : MBEDTLS_SSL_VERIFY_OPTIONAL);
        mbedtls_ssl_conf_ca_chain(&peer->config, &root.chain, NULL);
    }
    if ((options & 32) != 0) {
        mbedtls_ssl_conf_session_tickets_cb(&peer->config, mbedtls_ssl_ticket_write, mbedtls_ssl_ticket_parse,
                                            &tickets);
    }
    if ((options & 64) != 0) {
        mbedtls_ssl_conf_session_cache(&peer->config, &cache, mbedtls_ssl_cache_get, mbedtls_ssl_cache_set);
    }
}

/* ---- the raw stream ---------------------------------------------------------------------------------------------- */

static sbs_status raw_open(void *ctx, const char *host, uint16_t port, sbs_now now) {
    tls_peer *peer = ctx;
    (void)host;
    (void)port;
    (void)now;
    if (peer->delay > 0) {
        peer->delay--;
        return SBS_PENDING;
    }
    if (fuzz_chance(peer->script, 32)) {
        return SBS_ERR_REFUSED;
    }

    peer->is_open = true;
    peer->ended = peer->broken = peer->is_up = peer->said_goodbye = peer->asked_twice = false;
    peer->to_client.len = peer->to_client.taken = peer->scanned = peer->page_sent = 0;
    peer->to_server.len = peer->to_server.taken = 0;
    peer->is_fresh = true;
    if (peer->lies_raw) {
        peer->changed = true;
        pipe_put(&peer->to_client, peer->script->data, peer->script->len);
        peer->script->len = 0;
        peer->ended = true;
    }
    return SBS_OK;
}

static sbs_status raw_send(void *ctx, const uint8_t *data, size_t len, size_t *out_sent) {
    tls_peer *peer = ctx;
    FUZZ_REQUIRE(peer->is_open && len > 0);
    if (peer->broken || fuzz_chance(peer->script, 64)) {
        return SBS_ERR_NETWORK;
    }
    if (fuzz_chance(peer->script, 32)) {
        return SBS_PENDING;
    }
    *out_sent = fuzz_chance(peer->script, 16) ? 1 + fuzz_below(peer->script, (uint32_t)len) : len;
    if (*out_sent <= sizeof peer->to_server.data - peer->to_server.len) {
        pipe_put(&peer->to_server, data, *out_sent);
    }
    return SBS_OK;
}

static sbs_status raw_receive(void *ctx, uint8_t *buffer, size_t size, size_t *out_len) {
    tls_peer *peer = ctx;
    FUZZ_REQUIRE(peer->is_open && size > 0);
    if (peer->delay > 0) {
        peer->delay--;
        return SBS_PENDING;
    }
    *out_len = pipe_take(&peer->to_client, buffer, size);
    peer->call_bytes += *out_len;
    if (*out_len > 0) {
        return SBS_OK;
    }
    if (peer->ended) {
        return SBS_END;
    }
    return peer->broken ? SBS_ERR_TRUNCATED : SBS_PENDING;
}

static void raw_close(void *ctx) {
    tls_peer *peer = ctx;
    peer->is_open = false;
}

static sbs_wait raw_waits_for(void *ctx) {
    (void)ctx;
    return (sbs_wait){.timeout_ms = 1, .events = SBS_WAIT_READ, .descriptor = -1};
}

static int32_t raw_last_code(void *ctx) {
    (void)ctx;
    return 104;
}

static const sbs_stream_ops raw_ops = {.open = raw_open,
                                       .send = raw_send,
                                       .receive = raw_receive,
                                       .close = raw_close,
                                       .waits_for = raw_waits_for,
                                       .last_code = raw_last_code};

void tls_peer_begin(tls_peer *peer, fuzz_input *script) {
    peer->stream = (sbs_stream){&raw_ops, peer};
    peer->script = script;
    peer->is_open = peer->changed = false;
    peer->delay = 0;
    mbedtls_ssl_init(&peer->ssl);
    mbedtls_ssl_config_init(&peer->config);
    mbedtls_ssl_cache_init(&cache);
    mbedtls_ssl_ticket_init(&tickets);
    must(mbedtls_ssl_ticket_setup(&tickets, RNG, MBEDTLS_CIPHER_AES_256_GCM, 86400));
    configure(peer);
    peer->page_len = fuzz_short(script) % sizeof peer->page;
    memset(peer->page, 'p', sizeof peer->page);
}

void tls_peer_end(tls_peer *peer) {
    mbedtls_ssl_free(&peer->ssl);
    mbedtls_ssl_config_free(&peer->config);
    mbedtls_ssl_cache_free(&cache);
    mbedtls_ssl_ticket_free(&tickets);
}
