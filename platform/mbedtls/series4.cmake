# SPDX-License-Identifier: Apache-2.0
# The sources of Mbed TLS 4 and of TF-PSA-Crypto within it, with the files that its own build generates (releases bring
# them). Nothing of ours is compiled into them: what library/ has is for 3.6, and mended or not needed on Linux.
file(GLOB mbedtls_sources CONFIGURE_DEPENDS "${SBS_MBEDTLS_DIR}/library/*.c"
     "${SBS_MBEDTLS_DIR}/tf-psa-crypto/core/*.c" "${SBS_MBEDTLS_DIR}/tf-psa-crypto/drivers/builtin/src/*.c")
set(mbedtls_definitions $<BUILD_INTERFACE:TF_PSA_CRYPTO_CONFIG_FILE="${SBS_TF_PSA_CRYPTO_CONFIG}">)
# The names of SHA-1: see CMakeLists.txt.
set_source_files_properties("${SBS_MBEDTLS_DIR}/library/x509_oid.c" PROPERTIES COMPILE_DEFINITIONS PSA_WANT_ALG_SHA_1=1)
