# SPDX-License-Identifier: Apache-2.0
# sbs_wrap(TEST FUNCTION...): the test's own __wrap_FUNCTION stands between the library and PSA or the system. Boards
# build no tests of Linux.
function(sbs_wrap test)
    if(NOT TARGET ${test})
        return()
    endif()
    list(TRANSFORM ARGN PREPEND "LINKER:--wrap=")
    target_link_options(${test} PRIVATE ${ARGN})
endfunction()

sbs_wrap(test_assertion psa_generate_random)
sbs_wrap(test_push_looks psa_hash_setup)
sbs_wrap(test_push_bad psa_generate_random)
sbs_wrap(test_push_wait psa_generate_random)
sbs_wrap(test_client_chance psa_generate_random)
sbs_wrap(test_forward_push malloc)
sbs_wrap(test_jwk psa_hash_setup psa_hash_update psa_hash_finish)
sbs_wrap(test_client_edges psa_generate_random psa_hash_setup)
