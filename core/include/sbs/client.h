/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file client.h
 * The client: discovery, token life-cycle and FHIR requests, as one state machine that never blocks.
 *
 *     start ──▶ [DELAY] ──▶ PREPARE ─┬─▶ DISCOVERY ─┐
 *                  ▲           ▲     ├─▶ SIGN ──▶ TOKEN ─┐
 *                  │           └─────┴────────◀─────────┘
 *                  │                 └─▶ RESOURCE ──▶ finished
 *                  └── retry (back-off, Retry-After) ◀─┘  401: token dropped, PREPARE again, once
 *
 * The loop is three lines on every platform: sample the clocks, sbs_client_poll(), wait for what it says. One request
 * at a time, at most one connection open, at most one cryptographic operation in a poll. Not thread-safe: one client
 * belongs to one task.
 */
#ifndef SBS_CLIENT_H
#define SBS_CLIENT_H

#include "sbs/assertion.h"
#include "sbs/discovery.h"
#include "sbs/exchange.h"
#include "sbs/retry.h"
#include "sbs/scope.h"
#include "sbs/token.h"
#include "sbs/version.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sbs_client;

/** Configuration. Everything it points to stays the caller's and must outlive the client. Zero means the default. */
typedef struct sbs_client_config {
    const char *fhir_base;    /**< absolute URL; may be NULL if token_url is set and only tokens are asked for */
    const char *token_url;    /**< fixed token endpoint; NULL: found by discovery */
    const char *client_id;    /**< 0x20-0x7E, not empty, any length */
    const char *scope;        /**< space-separated SMART scopes; required by SMART Backend Services */
    const char *aud;          /**< the assertion's aud as a literal (an issuer, say); NULL: the token URL */
    const char *kid;          /**< for SBS_KID_LITERAL */
    const char *typ;          /**< header typ; NULL: "JWT" */
    const char *user_agent;   /**< NULL: "libsbs/VERSION" */
    const char *token_origin; /**< pin from an earlier run ("https://host:port"); NULL: pinned at the first success */
    /** What a gateway gave this device: sent as it is with each FHIR request (RFC 6750, its b64token), in place of a
     *  token. Nothing is discovered, signed or asked for then, and client_id, scope and key are not looked at; a
     *  refusal of it is SBS_ERR_UNAUTHORIZED, at once. NULL: SMART Backend Services. */
    const char *bearer;
    sbs_kid_method kid_method;
    /** Reads algorithm and size from the public key, and computes the kid where kid_method asks for that:
     *  sbs_client_read_key. NULL: alg and key_bits below say it, and kid_method is SBS_KID_LITERAL or SBS_KID_NONE (or
     *  the profile is the seed's, which has no kid). A program that does not name the function does not pay for it
     *  (1.3 KB with what computes a kid). Returns SBS_OK, SBS_PENDING (it is asked again), or why the key is of no use.
     */
    sbs_status (*read_key)(struct sbs_client *client);
    sbs_alg alg;       /**< of the key, where read_key is NULL; 0 beside it */
    uint16_t key_bits; /**< of the same, of the modulus for RSA; else 0. A key that is another one is SBS_ERR_CRYPTO */
    sbs_profile profile;
    uint32_t lifetime_s; /**< of the assertion: exp - iat, 1 to 300; default 240 (seed: 300). iat is now in the seed's
                              profile; in SMART's it stands SBS_ASSERTION_BACKDATE_S in the past, but no more than half
                              of the lifetime, as many servers refuse a second ahead of their own clock */
    const sbs_key *key;
    const sbs_stream *stream;       /**< secured; used for https */
    const sbs_stream *plain_stream; /**< used for http URLs: with a bearer those of any host, who shares its network can
                                          read and change all then; without one those that plain_host takes, for tests.
                                          NULL: http is refused */
    bool (*plain_host)(const sbs_url *url); /**< sbs_url_is_loopback; NULL: without a bearer http is refused. A program
                                               that does not name the function does not pay for it */
    void *work;                             /**< work buffer, see SBS_CLIENT_WORK_SIZE */
    size_t work_size;
    uint32_t connect_timeout_ms;  /**< default 30 000 */
    uint32_t exchange_timeout_ms; /**< of an exchange, and of a key that answers "not yet"; default 60 000 */
    uint32_t discovery_ttl_ms;    /**< default 86 400 000 */
    uint32_t first_delay_max_ms;  /**< random delay before the first request after init; default none */
    uint32_t retry_wait_max_ms;   /**< a longer wait ends the request with SBS_ERR_BUSY instead; default 3 600 000 */
    uint64_t body_max;     /**< most bytes of any answer's body; default 16 MiB; of a token's SBS_TOKEN_RESPONSE_MAX */
    uint16_t max_attempts; /**< tries of one request, the first included; default 5 */
    bool keep_open_while_signing; /**< keep an idle connection while the assertion is signed, and ask for the token over
                                     it: for a stream that cannot be opened again. Needs the memory for both, and an
                                     answer that nobody asked for might be taken for the token's */
    bool any_scope;               /**< send requests that the granted scope does not seem to cover, or that no one can
                                       tell because it is not in SMART's form */
    /** Where else the token URL may stand: sbs_client_oauth_uris, which returns the discovery's status; NULL: nowhere.
     */
    sbs_status (*oauth_uris)(struct sbs_client *client, sbs_status status);
    /** Reads what the body of a refusal says: sbs_client_read_refusal. NULL: nobody does. Then the HTTP status, an
     * OAuth error of the token endpoint and the words of the answer's head count alone: an OperationOutcome that asks
     * for a new token, speaks of rights or says "later" is not understood, nor a web page told from the server's own
     * word. The push engine demands it. A program that does not name the function does not pay for it (1 KB). @p words:
     *  they are wanted, too, and not only whose they are. */
    sbs_outcome_hint (*read_refusal)(struct sbs_client *client, bool words);
    /** Finds what a server says in any JSON: sbs_words_read; NULL: an OperationOutcome and an OAuth error are read, and
     *  of other JSON the words are its text, of at most @p size bytes with the NUL. A program that does not name the
     *  function does not pay for it. */
    sbs_status (*read_words)(const sbs_flat *doc, char *out_text, size_t size, bool *out_transient);
    /** Finds what a server says in XML, which nobody asked for: sbs_xml_words_read; NULL: nobody does, and then XML is
     *  taken for a web page. A program that does not name the function does not pay for it. */
    sbs_xml_kind (*read_xml)(sbs_text body, char *out_text, size_t size);
    /** Says which buffer was too small, and for how many bytes if that is known, or which host and port could not be
     *  reached: sbs_room_words; NULL: nobody does. A
     *  program that does not name the function does not pay for it. */
    void (*room_words)(const struct sbs_client *client, char *out_text, size_t size);
    /** Wipes no more of a large work buffer than a request that went well has used: sbs_client_wipe_used; NULL: all of
     *  it is wiped after each request. A program that does not name the function does not pay for it. */
    bool (*wipe_rest)(struct sbs_client *client, sbs_status status);
    sbs_backoff backoff;
    char *words; /**< memory for the server's words in sbs_detail; NULL: SBS_DETAIL_TEXT_SIZE bytes in the client */
    size_t words_size; /**< of them, with the NUL; at least 1 */
    /** Undoes a content coding that a server applied although none was asked for; NULL: such a body cannot be read. The
     *  coded body stands in the first @p len bytes of @p body, the plain one takes their place and sets @p out_len.
     *  SBS_ERR_BUFFER if it does not fit @p size bytes, SBS_ERR_HTTP if it is malformed, SBS_ERR_UNSUPPORTED. */
    sbs_status (*decode)(void *ctx, sbs_http_coding coding, char *body, size_t len, size_t size, size_t *out_len);
    void (*work_hook)(
        void *ctx,
        bool begin); /**< called before and after each piece of work that may take long (watchdog); may be NULL */
    void *hook_ctx;  /**< of both hooks */
} sbs_client_config;

/** A work buffer that suffices for these lengths (bytes): the token request for any RSA key up to 4096 bits, a token of
 *  @p token_len in an answer of @p answer_len, a discovery document of @p answer_len with up to answer_len / 20 values.
 */
#define SBS_CLIENT_WORK_SIZE(client_id_len, url_len, scope_len, token_len, answer_len)                                 \
    ((url_len) + (token_len) + (scope_len) + 2048u +                                                                   \
     ((6u * (client_id_len) + 3u * (url_len) + 3u * (scope_len)) > (2u * (answer_len))                                 \
          ? (6u * (client_id_len) + 3u * (url_len) + 3u * (scope_len))                                                 \
          : (2u * (answer_len))))

typedef enum sbs_interaction {
    SBS_DISCOVER, /**< only find the token endpoint */
    SBS_TOKEN,    /**< only make sure that there is a token */
    SBS_READ,     /**< GET: read or search */
    SBS_CREATE,   /**< POST [base]/Type */
    SBS_UPDATE,   /**< PUT [base]/Type/id */
    SBS_BUNDLE    /**< POST [base]: batch or transaction */
} sbs_interaction;

/** A request. Spans and buffers stay the caller's and must stay in place until the request is finished. */
typedef struct sbs_request {
    sbs_interaction interaction;
    sbs_text target; /**< READ: path below the base with its encoded query; CREATE: type; UPDATE: "Type/id" */
    sbs_text body;   /**< JSON */
    sbs_text fields; /**< of a write: further lines of its head, each with CRLF, as they are to be sent; absent: none */
    sbs_text if_none_exist; /**< CREATE: encoded search parameters without '?' (R4 http.html, conditional create);
                               absent or not empty */
    sbs_text if_match;      /**< UPDATE: an ETag as the server sent it */
    /** CREATE with a search: the identifier that the search names. A 200 with a resource that has another one is
     *  SBS_ERR_AMBIGUOUS: it was not stored. Value absent: not compared; system absent: any. */
    sbs_text identifier_system, identifier_value;
    sbs_text accept; /**< absent: application/fhir+json */
    char *response;  /**< where the body of a 2xx answer goes; NULL: it is not wanted. READ and BUNDLE end with
                        SBS_ERR_BUFFER if it does not fit; that of a CREATE or an UPDATE is left out then, for what
                        counts  is whether it was stored */
    size_t response_size;
    bool without_token;     /**< send no Authorization (metadata) */
    bool repeatable;        /**< BUNDLE: the caller promises that a repeat does no harm */
    bool if_none_match_any; /**< UPDATE: only if the server holds nothing there, `If-None-Match: *` (RFC 9110 13.1.2) */
    uint16_t max_attempts;  /**< 0: the client's */
} sbs_request;

/** Where something happened. */
typedef enum sbs_step { SBS_STEP_NONE, SBS_STEP_DISCOVERY, SBS_STEP_SIGN, SBS_STEP_TOKEN, SBS_STEP_RESOURCE } sbs_step;

/** "discovery", "signing", "token request", "FHIR request"; "" for none. */
const char *sbs_step_text(sbs_step step);

/** The last failure in detail; kept until the next one or the next start. Holds no secret; the server's words may name
 *  what was sent, words that repeat a part of the token, or a JSON Web Token, are left out. */
typedef struct sbs_detail {
    sbs_step step;
    sbs_status status;
    uint16_t http_status; /**< 0: no answer */
    sbs_oauth_error oauth;
    int32_t platform_code;      /**< the stream's own code, 0 if none */
    uint32_t retry_after_s;     /**< what the server asked for, 0 if nothing */
    uint16_t attempts;          /**< tries made */
    bool outcome_unknown;       /**< this or an earlier try of a write may have been stored, and its answer did not
                                   come; it stays set when a later try succeeds */
    bool asked_to_wait;         /**< the answer had a Retry-After, also one of 0 or in the past */
    bool transient;             /**< the server's words or status hint that a retry may help */
    bool page;                  /**< the answer's body is a web page: something before the FHIR server spoke */
    sbs_fault fault;            /**< of a FHIR request: whose fault it is by what the answer says, which counts where
                                     its HTTP status speaks of the item or of none (sbs_http_meaning_of); else
                                     SBS_FAULT_NONE */
    int32_t clock_difference_s; /**< refused by the token endpoint, whose clock (or that of the discovery's server)
                               is so many seconds ahead of this machine's, behind if negative; 0: by less than
                               can be told, or not known */
    const char *text; /**< the server's words, where it redirects to, or what its answer lacks: one sanitised line, ""
                         if none; in the configuration's words or in the client */
} sbs_detail;

/** The answer to a finished request. */
typedef struct sbs_response {
    uint16_t http_status; /**< of a request that failed: the one of sbs_detail */
    const char *id;     /**< id of a Location that names what was written, "" if none; after a 201 also the id that the
                           server gave instead of an update's own */
    const char *etag;   /**< "" if none */
    size_t body_len;    /**< bytes in the request's response buffer; 0 if the body of a write did not fit */
    int64_t date_utc_s; /**< the server's own time (Date); SBS_UTC_UNKNOWN if it told none */
} sbs_response;

/** The token at hand; spans into the work buffer, valid until the next poll. */
typedef struct sbs_token_view {
    sbs_text access_token;
    sbs_text scope;         /**< granted; the requested one if the server named none */
    uint32_t expires_in_s;  /**< as granted */
    uint64_t expires_at_ms; /**< monotonic */
} sbs_token_view;

/** What is kept of a token response, in the work buffer. A member of this list is all that one more span needs. */
enum { SBS_KEPT_TOKEN, SBS_KEPT_SCOPE, SBS_KEPT_COUNT };

typedef struct sbs_client {
    /* Small and often used members come first: their offsets fit the short Thumb encodings. */
    struct {
        uint8_t state, sign_step;
        uint8_t kid_len;
        bool contacted;
        bool token_is_new; /* it was fetched for this try */
        uint8_t cuts;      /* kept connections that ended in a row without a byte of an answer */
        sbs_detail detail;
        struct { /* what a request does at most once */
            bool reauthenticated, rediscovered, reconnected;
            bool date_asked;        /* a document was asked for, and told its Date or had none */
            uint16_t corrected_for; /* the refusal that the clock was corrected for; 0: not yet */
        } once;
        sbs_alg alg;
        uint16_t attempt, pin_port;
        const sbs_client_config *config;
        size_t url_len;                /* discovered token URL at the start of work, with its NUL */
        size_t kept_len;               /* all of the kept spans behind it */
        sbs_text kept[SBS_KEPT_COUNT]; /* absent: there is none, and of the scope that none was granted */
        size_t key_bits;
        char *said; /* where the server's words of the detail go: the configuration's memory, or words below */
        size_t said_size;
        sbs_now now;
        sbs_wait wait;
        sbs_writer writer;
        uint32_t token_lifetime_s;
        uint64_t sent_ms; /* when the request under way was about to be sent */
        uint64_t token_expires_ms, token_renew_ms;
        uint64_t discovered_ms;
        uint64_t resume_ms;
        int32_t clock_offset_s, offset_before_s;
        sbs_now date; /* a server's Date, by the monotonic clock when it came: a wall clock that is set does no harm */
        uint32_t date_took_ms; /* so long after its request was sent */
        sbs_url base, token_url;
        sbs_request request;
        sbs_exchange exchange;
        char kid[SBS_KID_THUMBPRINT_LEN + 1];
        sbs_assertion assertion;
        char pin_host[SBS_HOST_SIZE];
        char words[SBS_DETAIL_TEXT_SIZE];
    } priv;
} sbs_client;

/**
 * Checks the configuration and clears the state. Opens nothing. SBS_ERR_ARGUMENT, SBS_ERR_URL (fhir_base, token_url or
 * token_origin is no absolute https URL), SBS_ERR_BUFFER (work is smaller than SBS_EXCHANGE_SCRATCH_MIN).
 */
SBS_NODISCARD sbs_status sbs_client_init(sbs_client *client, const sbs_client_config *config);

/** Closes the connection and wipes token, assertion and work buffer. The key is not touched. */
void sbs_client_deinit(sbs_client *client);

/** Starts a request. SBS_ERR_STATE while one is under way; SBS_ERR_ARGUMENT or SBS_ERR_URL if it is not well-formed. */
SBS_NODISCARD sbs_status sbs_client_start(sbs_client *client, const sbs_request *request);

/**
 * Does a bounded piece of work. SBS_PENDING: call again as @p out_wait says. Otherwise the request is finished: SBS_OK,
 * or an error with sbs_client_detail(); the next request may be started. SBS_ERR_STATE if none is under way.
 */
SBS_NODISCARD sbs_status sbs_client_poll(sbs_client *client, sbs_now now, sbs_wait *out_wait);

/** True while the next poll hands the first byte of the FHIR request to the stream: there is a token, and a connection
 *  (a kept one that turns out to be given up is opened anew instead).
 *  What must be on record before something is sent is put there now. A request that the client repeats by itself comes
 *  here again. */
bool sbs_client_is_about_to_send(const sbs_client *client);

/**
 * For sbs_client_config.oauth_uris; not to be called. Where there is no smart-configuration (404, 410 or no JSON), the
 * token URL is looked for in the server's CapabilityStatement, as servers of before SMART 2 have it there (SMART App
 * Launch 1.0, extension oauth-uris). It obeys the rules of a discovered one. The statement has to fit into the work
 * buffer with its JSON tokens, and may have megabytes: for programs with the memory. A program that does not name this
 * function does not pay for it. Returns what became of the discovery, as sbs_client_poll() does.
 */
SBS_NODISCARD sbs_status sbs_client_oauth_uris(struct sbs_client *client, sbs_status status);

/** For sbs_client_config.read_key; not to be called. Statuses of the key's public_key, SBS_ERR_KEY, SBS_ERR_CRYPTO. */
SBS_NODISCARD sbs_status sbs_client_read_key(struct sbs_client *client);

/**
 * For sbs_client_config.read_refusal; not to be called. Finds the words of a body, those of its JSON (by read_words,
 * else an OperationOutcome's), else its plain text, and what they hint at; notes in the detail whether it is a web
 * page, and then whose fault it is.
 */
sbs_outcome_hint sbs_client_read_refusal(struct sbs_client *client, bool words);

/**
 * For sbs_client_config.room_words; not to be called. "work buffer: no room for 3000 bytes" or "response buffer: ..."
 * in the detail of SBS_ERR_BUFFER: of the answer's body or the request's head. The number is missing where the server
 * did not tell it, or a part of an answer is at fault. Words that do not fit @p size, at least 1, are left out.
 */
void sbs_room_words(const struct sbs_client *client, char *out_text, size_t size);

/**
 * For sbs_client_config.wipe_rest; not to be called. Wipes the answer's body, which is all that is left in the work
 * buffer of a request that went well at its first try. False after any other: all is to be wiped.
 */
bool sbs_client_wipe_used(struct sbs_client *client, sbs_status status);

/** Gives up the request under way, closing its connection if something was sent. The token stays. */
void sbs_client_cancel(sbs_client *client);

/** The last failure; never NULL. */
const sbs_detail *sbs_client_detail(const sbs_client *client);

/** True if @p text, of a server, repeats a part of the token at hand, or holds what looks like a JSON Web Token: it
 * must not be shown. */
bool sbs_client_is_secret(const sbs_client *client, const char *text);

/** What time it is by the last Date of a server that TLS vouches for, carried on by the monotonic clock;
 * SBS_UTC_UNKNOWN: none told one. */
int64_t sbs_client_server_time(const sbs_client *client, sbs_now now);

/** The answer to the request that finished last. */
sbs_response sbs_client_response(const sbs_client *client);

/** The token at hand. SBS_ERR_NOT_FOUND if there is none or it has expired at @p now. */
SBS_NODISCARD sbs_status sbs_client_token(const sbs_client *client, sbs_now now, sbs_token_view *out_token);

/** Wipes the token: the next request fetches one. While a request is under way the token counts as expired at once, and
 *  is wiped before the next one is fetched. */
void sbs_client_drop_token(sbs_client *client);

/**
 * True if a request is under way whose next poll would begin to fetch a token: there was none, its time is over, or the
 * server refused it. A program with several clients of one configuration may hand it the token of another one then, by
 * sbs_client_recall(), so that one token request serves all. Only a program that names this function pays for it.
 */
bool sbs_client_lacks_token(const sbs_client *client, sbs_now now);

/** What another client with the same configuration knew. Spans are copied. */
typedef struct sbs_client_memory {
    sbs_text token_url;    /**< as discovered; absent: not known */
    uint32_t discovered_s; /**< so many seconds ago */
    sbs_text access_token; /**< absent: there is none */
    sbs_text scope;        /**< as granted; absent: the server named none */
    uint32_t lifetime_s;   /**< of the token, as granted */
    uint32_t expires_in_s; /**< what is left of it */
} sbs_client_memory;

/**
 * Takes what another client knew, in place of a discovery and a token request: one of an earlier run, or one beside it.
 * @p now: the present. The token URL
 * obeys the rules of a discovered one; it pins no host: that is done by the first token that it gives. Where
 * config.token_url is set, memory.token_url is not looked at. A token that would be renewed by now is left out. Only a
 * program that names this function pays for it.
 * @return SBS_OK; SBS_ERR_STATE while a request is under way, unless sbs_client_lacks_token(), or with a bearer;
 * SBS_ERR_URL; SBS_ERR_ARGUMENT (a token or scope with characters that none has); SBS_ERR_BUFFER (no room in the work
 * buffer). After an error nothing is known.
 */
SBS_NODISCARD sbs_status sbs_client_recall(sbs_client *client, const sbs_client_memory *memory, sbs_now now);

/** The token URL is looked for anew before the next token is asked for; the token at hand stays. Only a program that
 *  names this function pays for it. @p now: the present. */
void sbs_client_doubt_token_url(sbs_client *client, sbs_now now);

/** The token endpoint in use; absent before discovery. Persist its origin as the pin of the next run. */
sbs_text sbs_client_token_url(const sbs_client *client);

/** Seconds added to the local clock because a server's authenticated Date differed (at most one day) when the token
 *  endpoint refused, and the token endpoint then did not. */
int64_t sbs_client_clock_offset(const sbs_client *client);

#ifdef __cplusplus
}
#endif
#endif
