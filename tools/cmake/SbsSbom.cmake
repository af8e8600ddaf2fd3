# SPDX-License-Identifier: Apache-2.0
# The bill of materials of this build, beside it.
find_package(Python3 COMPONENTS Interpreter)
if(Python3_FOUND AND PROJECT_IS_TOP_LEVEL)
    set(lists tests/server/package-lock.json)
    if(EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/.deps/versions.json")
        list(APPEND lists .deps/versions.json)
    endif()
    add_custom_command(
        OUTPUT sbom.spdx.json
        COMMAND Python3::Interpreter tools/sbom --output "${CMAKE_CURRENT_BINARY_DIR}/sbom.spdx.json"
                --source "mbedtls=${SBS_MBEDTLS_DIR}"
        DEPENDS tools/sbom CMakeLists.txt ${lists}
        WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}"
        VERBATIM)
    add_custom_target(sbom ALL DEPENDS sbom.spdx.json)
endif()
