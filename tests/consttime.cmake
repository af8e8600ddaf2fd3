# SPDX-License-Identifier: Apache-2.0
# Branches and addresses that depend on secrets, looked for by valgrind at each optimisation level that ships. The core's
# own sources are compiled in, and without debug information: valgrind does not read all that compilers write.
find_program(valgrind valgrind)
find_path(valgrind_include valgrind/memcheck.h)
if(NOT valgrind OR NOT valgrind_include)
    message(STATUS "valgrind is not there: no tests of constant time")
    return()
endif()
foreach(level s 1 2 3)
    set(name consttime_O${level})
    add_executable(
        ${name} consttime/consttime.c ${PROJECT_SOURCE_DIR}/core/src/text/base64url.c ${PROJECT_SOURCE_DIR}/core/src/text/text.c
                ${PROJECT_SOURCE_DIR}/core/src/text/text_writer.c)
    target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/core/include" "${PROJECT_SOURCE_DIR}/core/src")
    target_link_libraries(${name} PRIVATE sbs_port sbs_warnings)
    target_compile_options(${name} PRIVATE -O${level} -g0)
    add_test(NAME ${name} COMMAND "${valgrind}" --quiet --log-file=${name}.log $<TARGET_FILE:${name}>)
    set_tests_properties(${name} PROPERTIES TIMEOUT 120)
endforeach()
