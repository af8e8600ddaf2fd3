# SPDX-License-Identifier: Apache-2.0
# The conformance suite as a library for hosts and boards.
add_library(sbs_port_suite STATIC EXCLUDE_FROM_ALL
            "${CMAKE_CURRENT_LIST_DIR}/port_flash.c" "${CMAKE_CURRENT_LIST_DIR}/port_key.c"
            "${CMAKE_CURRENT_LIST_DIR}/port_queue.c" "${CMAKE_CURRENT_LIST_DIR}/port_queue_power.c" "${CMAKE_CURRENT_LIST_DIR}/port_queue_rig.c"
            "${CMAKE_CURRENT_LIST_DIR}/port_report.c" "${CMAKE_CURRENT_LIST_DIR}/port_storage.c"
            "${CMAKE_CURRENT_LIST_DIR}/port_stream.c")
target_include_directories(sbs_port_suite PUBLIC "${CMAKE_CURRENT_LIST_DIR}")
target_link_libraries(sbs_port_suite PUBLIC sbs_core PRIVATE sbs_warnings)
