# SPDX-License-Identifier: Apache-2.0
# How our own code is compiled, and one function that makes a layer's library.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

add_library(sbs_warnings INTERFACE)
target_compile_options(
    sbs_warnings
    INTERFACE -Wall
              -Wextra
              -Wconversion
              -Wshadow
              -Wstrict-prototypes
              -Wmissing-prototypes
              -Wundef
              -Wvla)
# A warning of a compiler that we do not know stops our build, and nobody else's.
if(PROJECT_IS_TOP_LEVEL)
    target_compile_options(sbs_warnings INTERFACE -Werror)
endif()

# What the operating system's headers show beyond ISO C; the core does without.
add_library(sbs_posix INTERFACE)
target_compile_definitions(sbs_posix INTERFACE _POSIX_C_SOURCE=200809L _DEFAULT_SOURCE)

# On 32 bits, too, files and folders are as large as the file system has them.
if(SBS_ON_LINUX)
    add_compile_definitions(_FILE_OFFSET_BITS=64)
endif()

add_compile_options(-ffunction-sections -fdata-sections)
if(SBS_SANITIZE)
    add_compile_options(-fsanitize=${SBS_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${SBS_SANITIZE})
endif()
# Some 150 programs of tests are linked in a sixth of the time, where mold is. What ships is linked by the default linker.
find_program(SBS_MOLD mold)
mark_as_advanced(SBS_MOLD)
if(SBS_MOLD AND (SBS_SANITIZE OR SBS_COVERAGE))
    add_link_options(-fuse-ld=mold)
endif()
set(sbs_coverage_options --coverage -fprofile-abs-path)
if(SBS_COVERAGE)
    add_link_options(--coverage)
    if(NOT SBS_COVERAGE_OF)
        add_compile_options(${sbs_coverage_options})
    endif()
endif()

# sbs_install(TARGET...): libraries that SbsInstall.cmake installs, with the headers of the current folder.
function(sbs_install)
    set_property(GLOBAL APPEND PROPERTY SBS_LIBRARIES ${ARGN})
    set_property(GLOBAL APPEND PROPERTY SBS_HEADER_FOLDERS "${CMAKE_CURRENT_SOURCE_DIR}/include")
endfunction()

# sbs_add_layer(NAME): the library sbs_NAME, alias sbs::NAME, from src/*.c, the folders in src/, and include/ of the current folder.
function(sbs_add_layer name)
    file(GLOB sources CONFIGURE_DEPENDS src/*.c src/*/*.c)
    add_library(sbs_${name} STATIC ${sources})
    add_library(sbs::${name} ALIAS sbs_${name})
    set_target_properties(sbs_${name} PROPERTIES EXPORT_NAME ${name} POSITION_INDEPENDENT_CODE ${SBS_ON_LINUX})
    target_include_directories(
        sbs_${name} PUBLIC $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include>
                           $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    target_link_libraries(sbs_${name} PRIVATE $<BUILD_INTERFACE:sbs_warnings>)
    if(SBS_COVERAGE AND SBS_COVERAGE_OF STREQUAL name)
        target_compile_options(sbs_${name} PRIVATE ${sbs_coverage_options})
    endif()
    sbs_install(sbs_${name})
endfunction()
