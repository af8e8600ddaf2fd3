# SPDX-License-Identifier: Apache-2.0
# What a consumer finds: find_package(sbs) and pkg-config. The Mbed TLS that the libraries were built with comes along,
# its headers in a folder of their own, so that it meets no other one on the system.
include(CMakePackageConfigHelpers)

get_property(libraries GLOBAL PROPERTY SBS_LIBRARIES)
install(TARGETS ${libraries} EXPORT sbs ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
get_property(header_folders GLOBAL PROPERTY SBS_HEADER_FOLDERS)
list(REMOVE_DUPLICATES header_folders)
foreach(folder ${header_folders})
    if(EXISTS "${folder}/sbs")
        install(DIRECTORY "${folder}/sbs" DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN *.h)
    endif()
endforeach()

# The configuration takes the place of Mbed TLS's default one, so that no consumer has to name it.
foreach(folder ${SBS_MBEDTLS_PUBLIC})
    install(DIRECTORY "${folder}/" DESTINATION ${sbs_private_include} FILES_MATCHING PATTERN *.h
            PATTERN mbedtls/mbedtls_config.h EXCLUDE PATTERN psa/crypto_config.h EXCLUDE)
endforeach()
file(GLOB mbedtls_config_parts platform/mbedtls/config/sbs_mbedtls_[cst]*.h platform/mbedtls/config/sbs_psa_crypto*.h)
install(FILES "${SBS_MBEDTLS_CONFIG_DIR}/${SBS_MBEDTLS_CONFIG}" ${mbedtls_config_parts}
        DESTINATION ${sbs_private_include})
file(GENERATE OUTPUT mbedtls_config.h
     CONTENT "/* SPDX-License-Identifier: Apache-2.0 */\n#include \"${SBS_MBEDTLS_CONFIG}\"\n")
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/mbedtls_config.h" DESTINATION ${sbs_private_include}/mbedtls)
if(SBS_MBEDTLS_SERIES EQUAL 4)
    install(FILES "${SBS_MBEDTLS_CONFIG_DIR}/${SBS_TF_PSA_CRYPTO_CONFIG}" DESTINATION ${sbs_private_include}/psa
            RENAME crypto_config.h)
endif()

set(package_folder "${CMAKE_INSTALL_LIBDIR}/cmake/sbs")
install(EXPORT sbs FILE sbsTargets.cmake NAMESPACE sbs:: DESTINATION ${package_folder})
configure_package_config_file(tools/cmake/sbsConfig.cmake.in sbsConfig.cmake INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(sbsConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/sbsConfig.cmake" "${CMAKE_CURRENT_BINARY_DIR}/sbsConfigVersion.cmake"
        DESTINATION ${package_folder})

# Relative, so that the installed tree can be moved and `cmake --install --prefix` is right.
file(RELATIVE_PATH sbs_prefix_from_pkgconfig "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" /prefix)
get_property(sbs_pc_requires GLOBAL PROPERTY SBS_PC_ZLIB)
foreach(name sbs-core sbs sbs-pkcs11)
    configure_file(tools/cmake/${name}.pc.in ${name}.pc @ONLY)
    install(FILES "${CMAKE_CURRENT_BINARY_DIR}/${name}.pc" DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()
if(NOT SBS_PACKAGE) # packages have folders of their own for them
    install(FILES LICENSE NOTICE DESTINATION ${CMAKE_INSTALL_DOCDIR})
endif()
