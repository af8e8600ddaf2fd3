# SPDX-License-Identifier: Apache-2.0
# Debian packages (tools/package): sbs, libsbs-dev, sbs-gateway. Each installed file belongs to the component that its
# install() names, by default to libsbs-dev.
set(package_sources "${PROJECT_SOURCE_DIR}/boards/raspberry-pi/package")
set(package_made "${CMAKE_BINARY_DIR}/package")
string(TIMESTAMP package_date "%a, %d %b %Y %H:%M:%S +0000" UTC)

# The changelog of the packages is one line: what changed stands in CHANGELOG.md, which comes along.
function(sbs_package_documents component package)
    file(CONFIGURE OUTPUT "${package_made}/${package}.changelog" @ONLY NEWLINE_STYLE UNIX CONTENT
         "@package@ (@PROJECT_VERSION@) unstable; urgency=medium\n\n  * See CHANGELOG.md.\n\n -- The libsbs authors <@SBS_PACKAGE_CONTACT@>  @package_date@\n")
    add_custom_command(
        OUTPUT "${package_made}/${package}/changelog.gz"
        COMMAND ${CMAKE_COMMAND} -E make_directory "${package_made}/${package}"
        COMMAND gzip -9nc "${package_made}/${package}.changelog" > "${package_made}/${package}/changelog.gz"
        DEPENDS "${package_made}/${package}.changelog" VERBATIM)
    set_property(GLOBAL APPEND PROPERTY SBS_PACKAGE_MADE "${package_made}/${package}/changelog.gz")
    install(FILES "${package_made}/${package}/changelog.gz" "${package_sources}/copyright" "${PROJECT_SOURCE_DIR}/NOTICE"
            DESTINATION share/doc/${package} COMPONENT ${component})
endfunction()

# DEBEMAIL is where Debian's own tools look for it.
set(contact "libsbs@localhost")
if(DEFINED ENV{DEBEMAIL})
    set(contact "$ENV{DEBEMAIL}")
endif()
set(SBS_PACKAGE_CONTACT "${contact}" CACHE STRING "Address of who makes the packages, as their maintainer")

# sbs_package_man(COMPONENT PAGE SECTION): a page of the manual, compressed.
function(sbs_package_man component page section)
    add_custom_command(
        OUTPUT "${package_made}/${page}.gz"
        COMMAND gzip -9nc "${PROJECT_SOURCE_DIR}/docs/man/${page}" > "${package_made}/${page}.gz"
        DEPENDS "${PROJECT_SOURCE_DIR}/docs/man/${page}" VERBATIM)
    set_property(GLOBAL APPEND PROPERTY SBS_PACKAGE_MADE "${package_made}/${page}.gz")
    install(FILES "${package_made}/${page}.gz" DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section} COMPONENT ${component})
endfunction()
sbs_package_man(command sbs.1 1)

sbs_package_documents(command sbs)
sbs_package_documents(dev libsbs-dev)
install(FILES tools/completion/sbs.bash DESTINATION share/bash-completion/completions RENAME sbs COMPONENT command)
install(FILES docs/command-line.md docs/errors.md CHANGELOG.md DESTINATION share/doc/sbs COMPONENT command)
install(FILES examples/device.conf examples/crontab examples/systemd/sbs-queue-push.service DESTINATION share/doc/sbs/examples
        COMPONENT command)

if(TARGET sbs-gateway)
    sbs_package_documents(gateway sbs-gateway)
    sbs_package_man(gateway sbs-gateway.8 8)
    install(FILES ${package_sources}/sbs-gateway.service DESTINATION lib/systemd/system COMPONENT gateway)
    install(FILES ${package_sources}/sysusers.conf DESTINATION lib/sysusers.d RENAME sbs-gateway.conf COMPONENT gateway)
    install(FILES ${package_sources}/tmpfiles.conf DESTINATION lib/tmpfiles.d RENAME sbs-gateway.conf COMPONENT gateway)
    install(FILES ${package_sources}/gateway.conf DESTINATION /etc/sbs-gateway COMPONENT gateway)
    install(DIRECTORY DESTINATION /etc/sbs-gateway/conf.d COMPONENT gateway)
    install(FILES docs/gateway.md SECURITY.md CHANGELOG.md DESTINATION share/doc/sbs-gateway COMPONENT gateway)
endif()
get_property(package_files GLOBAL PROPERTY SBS_PACKAGE_MADE)
add_custom_target(sbs_package_documents ALL DEPENDS ${package_files})

set(CPACK_GENERATOR DEB)
# CPack puts the project's summary before each description, unless it is the one of its own.
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_NAME} built using CMake")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_SET_DESTDIR ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_COMPONENTS_ALL command dev)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_VERSION "${PROJECT_VERSION}")
set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE "${SBS_PACKAGE_ARCHITECTURE}")
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "The libsbs authors <${SBS_PACKAGE_CONTACT}>")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_PACKAGE_DIRECTORY "${CMAKE_BINARY_DIR}/packages")
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
                                                WORLD_READ WORLD_EXECUTE)
# What bookworm has, and what is newer: an older C library or SQLite was never tried.
set(package_libraries "libc6 (>= 2.36), libsqlite3-0 (>= 3.40), zlib1g (>= 1:1.2.11)")

set(CPACK_DEBIAN_COMMAND_PACKAGE_NAME sbs)
set(CPACK_DEBIAN_COMMAND_PACKAGE_SECTION net)
set(CPACK_DEBIAN_COMMAND_PACKAGE_DEPENDS "${package_libraries}")
set(CPACK_DEBIAN_COMMAND_PACKAGE_RECOMMENDS "ca-certificates")
set(CPACK_COMPONENT_COMMAND_DESCRIPTION
    "SMART Backend Services client that pushes FHIR Observations\nIt makes and registers a key, gets access tokens by signed assertions, and\nkeeps measurements in a durable queue until the server has stored each once.")

set(CPACK_DEBIAN_DEV_PACKAGE_NAME libsbs-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "libc6-dev, libsqlite3-dev, zlib1g-dev")
set(CPACK_COMPONENT_DEV_DESCRIPTION
    "library for devices that push FHIR Observations (development files)\nHeaders and static libraries of libsbs: SMART Backend Services in C, with\nports for Linux and for microcontrollers.")

if(TARGET sbs-gateway)
    list(APPEND CPACK_COMPONENTS_ALL gateway)
    set(CPACK_DEBIAN_GATEWAY_PACKAGE_NAME sbs-gateway)
    set(CPACK_DEBIAN_GATEWAY_PACKAGE_SECTION net)
    set(CPACK_DEBIAN_GATEWAY_PACKAGE_DEPENDS "${package_libraries}, init-system-helpers (>= 1.54), systemd | systemd-standalone-sysusers, systemd | systemd-standalone-tmpfiles")
    set(CPACK_DEBIAN_GATEWAY_PACKAGE_RECOMMENDS "ca-certificates")
    set(CPACK_DEBIAN_GATEWAY_PACKAGE_CONTROL_EXTRA
        "${package_made}/preinst;${package_made}/postinst;${package_made}/prerm;${package_made}/postrm;${package_sources}/conffiles")
    foreach(script preinst postinst prerm postrm)
        configure_file("${package_sources}/sbs-gateway.${script}" "${package_made}/${script}" COPYONLY
                       FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
    endforeach()
    set(CPACK_COMPONENT_GATEWAY_DESCRIPTION
        "gateway that brings measurements of devices to a FHIR server\nDevices without OAuth or a good network hand it FHIR Observations. It says\nyes when they are on its disk, and forwards each one once as one SMART\nBackend Services client.")
endif()
include(CPack)
