# SPDX-License-Identifier: Apache-2.0
# By these the phases of the short suite choose where they run the same programs again (ctest -L, -LE):
#   sweep  thousands of cuts, faults or keys of code that boards run on 32 bits, too
#   board  a board runs it, on 32 bits: tests/boards has the list of those that it does not
#   core   of the core, or of what is built on it alone: not of what fills in the ports
# The long suite leaves nothing out. Targets for the phases that run a part: tests_without_board, tests_of_core.
file(STRINGS boards/CMakeLists.txt tests_of_linux REGEX "^set\\(tests_of_linux ")
string(REGEX REPLACE "^set\\(tests_of_linux (.*)\\)$" "\\1" tests_of_linux "${tests_of_linux}")
string(REPLACE " " "|" tests_of_linux "${tests_of_linux}")
# On 32 bits these are more than a repetition, and a board takes too long for a part of them: calendars and limbs.
set(tests_of_word_size date rsa_public)
list(JOIN tests_of_word_size "|" tests_of_word_size)
set(tests_of_platform cli_ flash gateway golden libc linux modem pem_key pkcs11 rsa_public sqlite tls wipe)
list(JOIN tests_of_platform "|" tests_of_platform)
set(sweeps engine_flash engine_random flash_queue flash_queue_bounds flash_queue_drop flash_queue_limits flash_storage meter_cuts
           pem_key push_faults)

add_custom_target(tests_without_board)
add_custom_target(tests_of_core)
foreach(source ${unit_sources})
    get_filename_component(name "${source}" NAME_WE)
    string(REPLACE "test_" "" subject "${name}")
    set(labels "")
    if(subject IN_LIST sweeps)
        list(APPEND labels sweep)
    endif()
    if(NOT subject MATCHES "^(${tests_of_linux})" AND NOT subject MATCHES "^(${tests_of_word_size})$")
        list(APPEND labels board)
    endif()
    if(NOT subject MATCHES "^(${tests_of_platform})")
        list(APPEND labels core)
    endif()
    set_tests_properties(${name} PROPERTIES LABELS "${labels}")
    if(NOT "board" IN_LIST labels AND NOT "sweep" IN_LIST labels)
        add_dependencies(tests_without_board ${name})
    endif()
    if("core" IN_LIST labels AND NOT "sweep" IN_LIST labels)
        add_dependencies(tests_of_core ${name})
    endif()
endforeach()
