# SPDX-License-Identifier: Apache-2.0
# Made by tools/source-list. For builds that are not ours: include() it and compile what you need of it. Each layer has
#   SBS_LAYER_SOURCES   its files
#   SBS_LAYER_INCLUDES  folders of its public headers
# SBS_FLASH_ITS_SOURCES keep PSA's keys on flash, by functions that a platform may have already.
# and core needs SBS_CORE_PRIVATE_INCLUDES, jsmn.h and the PSA Crypto API (psa/crypto.h) besides.
set(sbs_here "${CMAKE_CURRENT_LIST_DIR}")

set(SBS_PORT_INCLUDES
    "${sbs_here}/port/include")

set(SBS_CORE_INCLUDES
    "${sbs_here}/core/include")

set(SBS_CORE_PRIVATE_INCLUDES
    "${sbs_here}/core/src")

set(SBS_CORE_SOURCES
    "${sbs_here}/core/src/fhir/bundle.c"
    "${sbs_here}/core/src/fhir/capability.c"
    "${sbs_here}/core/src/fhir/confirm.c"
    "${sbs_here}/core/src/fhir/device.c"
    "${sbs_here}/core/src/fhir/fhir.c"
    "${sbs_here}/core/src/fhir/identity.c"
    "${sbs_here}/core/src/fhir/location.c"
    "${sbs_here}/core/src/fhir/observation.c"
    "${sbs_here}/core/src/fhir/outcome.c"
    "${sbs_here}/core/src/fhir/outcome_xml.c"
    "${sbs_here}/core/src/fhir/searchset.c"
    "${sbs_here}/core/src/http/http_fields.c"
    "${sbs_here}/core/src/http/http_reader.c"
    "${sbs_here}/core/src/http/http_request.c"
    "${sbs_here}/core/src/http/http_request_body.c"
    "${sbs_here}/core/src/http/http_request_reader.c"
    "${sbs_here}/core/src/http/http_value.c"
    "${sbs_here}/core/src/http/message.c"
    "${sbs_here}/core/src/http/retry.c"
    "${sbs_here}/core/src/jose/alg.c"
    "${sbs_here}/core/src/jose/assertion.c"
    "${sbs_here}/core/src/jose/jwk.c"
    "${sbs_here}/core/src/jose/psa_key.c"
    "${sbs_here}/core/src/jose/spki.c"
    "${sbs_here}/core/src/json/decimal.c"
    "${sbs_here}/core/src/json/json_flat.c"
    "${sbs_here}/core/src/json/json_grammar.c"
    "${sbs_here}/core/src/json/json_reader.c"
    "${sbs_here}/core/src/json/json_string.c"
    "${sbs_here}/core/src/json/json_writer.c"
    "${sbs_here}/core/src/json/lookup.c"
    "${sbs_here}/core/src/push/batch.c"
    "${sbs_here}/core/src/push/push.c"
    "${sbs_here}/core/src/push/push_build.c"
    "${sbs_here}/core/src/push/push_judge.c"
    "${sbs_here}/core/src/push/push_settle.c"
    "${sbs_here}/core/src/push/push_state.c"
    "${sbs_here}/core/src/push/push_table.c"
    "${sbs_here}/core/src/push/push_wait.c"
    "${sbs_here}/core/src/smart/client.c"
    "${sbs_here}/core/src/smart/client_answer.c"
    "${sbs_here}/core/src/smart/client_discovery.c"
    "${sbs_here}/core/src/smart/client_key.c"
    "${sbs_here}/core/src/smart/client_recall.c"
    "${sbs_here}/core/src/smart/client_refusal.c"
    "${sbs_here}/core/src/smart/client_resource.c"
    "${sbs_here}/core/src/smart/client_statement.c"
    "${sbs_here}/core/src/smart/client_token.c"
    "${sbs_here}/core/src/smart/client_try.c"
    "${sbs_here}/core/src/smart/client_wipe.c"
    "${sbs_here}/core/src/smart/discovery.c"
    "${sbs_here}/core/src/smart/exchange.c"
    "${sbs_here}/core/src/smart/oauth_error.c"
    "${sbs_here}/core/src/smart/room.c"
    "${sbs_here}/core/src/smart/scope.c"
    "${sbs_here}/core/src/smart/token.c"
    "${sbs_here}/core/src/text/ascii.c"
    "${sbs_here}/core/src/text/backoff.c"
    "${sbs_here}/core/src/text/base64url.c"
    "${sbs_here}/core/src/text/crc32.c"
    "${sbs_here}/core/src/text/date.c"
    "${sbs_here}/core/src/text/form.c"
    "${sbs_here}/core/src/text/status.c"
    "${sbs_here}/core/src/text/text.c"
    "${sbs_here}/core/src/text/text_writer.c"
    "${sbs_here}/core/src/text/url.c"
    "${sbs_here}/core/src/text/url_resolve.c"
    "${sbs_here}/core/src/text/utf8.c")

set(SBS_FLASH_INCLUDES
    "${sbs_here}/platform/flash/include")

set(SBS_FLASH_SOURCES
    "${sbs_here}/platform/flash/src/flash_format.c"
    "${sbs_here}/platform/flash/src/flash_log.c"
    "${sbs_here}/platform/flash/src/flash_log_mount.c"
    "${sbs_here}/platform/flash/src/flash_log_read.c"
    "${sbs_here}/platform/flash/src/flash_queue.c"
    "${sbs_here}/platform/flash/src/flash_queue_bits.c"
    "${sbs_here}/platform/flash/src/flash_queue_find.c"
    "${sbs_here}/platform/flash/src/flash_queue_meta.c"
    "${sbs_here}/platform/flash/src/flash_queue_missing.c"
    "${sbs_here}/platform/flash/src/flash_queue_state.c"
    "${sbs_here}/platform/flash/src/flash_queue_walk.c"
    "${sbs_here}/platform/flash/src/flash_storage.c")

set(SBS_FLASH_ITS_SOURCES
    "${sbs_here}/platform/flash/its/flash_its.c")

set(SBS_FREERTOS_INCLUDES
    "${sbs_here}/platform/freertos/include")

set(SBS_FREERTOS_SOURCES
    "${sbs_here}/platform/freertos/src/freertos_clock.c"
    "${sbs_here}/platform/freertos/src/freertos_heap.c"
    "${sbs_here}/platform/freertos/src/freertos_lock.c"
    "${sbs_here}/platform/freertos/src/freertos_task.c"
    "${sbs_here}/platform/freertos/src/freertos_threading.c")

set(SBS_LWIP_INCLUDES
    "${sbs_here}/platform/lwip/include")

set(SBS_LWIP_SOURCES
    "${sbs_here}/platform/lwip/src/lwip_clock.c"
    "${sbs_here}/platform/lwip/src/lwip_frames.c"
    "${sbs_here}/platform/lwip/src/lwip_lookup.c"
    "${sbs_here}/platform/lwip/src/lwip_net.c"
    "${sbs_here}/platform/lwip/src/lwip_random.c"
    "${sbs_here}/platform/lwip/src/lwip_stream.c"
    "${sbs_here}/platform/lwip/src/lwip_time.c")

set(SBS_MBEDTLS_INCLUDES
    "${sbs_here}/platform/mbedtls/include")

set(SBS_MBEDTLS_SOURCES
    "${sbs_here}/platform/mbedtls/src/mbedtls_platform.c"
    "${sbs_here}/platform/mbedtls/src/mbedtls_series.c"
    "${sbs_here}/platform/mbedtls/src/pem_key.c"
    "${sbs_here}/platform/mbedtls/src/pem_key_write.c"
    "${sbs_here}/platform/mbedtls/src/tls_constraints.c"
    "${sbs_here}/platform/mbedtls/src/tls_explain.c"
    "${sbs_here}/platform/mbedtls/src/tls_explain_words.c"
    "${sbs_here}/platform/mbedtls/src/tls_identity.c"
    "${sbs_here}/platform/mbedtls/src/tls_server.c"
    "${sbs_here}/platform/mbedtls/src/tls_session.c"
    "${sbs_here}/platform/mbedtls/src/tls_stream.c"
    "${sbs_here}/platform/mbedtls/src/tls_trust.c"
    "${sbs_here}/platform/mbedtls/src/tls_verify.c")

set(SBS_MODEM_INCLUDES
    "${sbs_here}/platform/modem/include")

set(SBS_MODEM_SOURCES
    "${sbs_here}/platform/modem/src/modem_command.c"
    "${sbs_here}/platform/modem/src/modem_quectel.c"
    "${sbs_here}/platform/modem/src/modem_simcom.c"
    "${sbs_here}/platform/modem/src/modem_stream.c"
    "${sbs_here}/platform/modem/src/modem_text.c")
