# `cpack -G DEB` in the build directory: one Debian package of the programs, their
# units and texts. It packs what is built and builds nothing itself.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)
set(EXECUTABLE OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS ${EXECUTABLE})

get_target_property(PROGRAMS programs MANUALLY_ADDED_DEPENDENCIES)
list(REMOVE_ITEM PROGRAMS locale ordergate-supervisor) # systemd does its work
install(TARGETS ${PROGRAMS} RUNTIME DESTINATION bin)
if(TARGET locale)
  install(DIRECTORY ${CMAKE_BINARY_DIR}/share/locale DESTINATION share)
endif()
install(DIRECTORY ${CMAKE_SOURCE_DIR}/systemd/units/ ${CMAKE_SOURCE_DIR}/systemd/sockets/ DESTINATION /lib/systemd/system)
install(PROGRAMS ${CMAKE_SOURCE_DIR}/systemd/generator DESTINATION /lib/systemd/system-generators RENAME ordergate-generator)
install(PROGRAMS ${CMAKE_SOURCE_DIR}/systemd/init ${CMAKE_SOURCE_DIR}/systemd/edge
        ${CMAKE_SOURCE_DIR}/systemd/trouble ${CMAKE_SOURCE_DIR}/systemd/roll
        ${CMAKE_SOURCE_DIR}/systemd/reload ${CMAKE_SOURCE_DIR}/systemd/certificate
        DESTINATION lib/ordergate)
install(FILES ${CMAKE_SOURCE_DIR}/systemd/sysusers.conf DESTINATION lib/sysusers.d RENAME ordergate.conf)
install(FILES ${CMAKE_SOURCE_DIR}/systemd/tmpfiles.conf DESTINATION lib/tmpfiles.d RENAME ordergate.conf)
install(FILES ${CMAKE_SOURCE_DIR}/systemd/journald.conf DESTINATION lib/systemd/journald.conf.d RENAME ordergate.conf)
install(FILES ${CMAKE_SOURCE_DIR}/packaging/ordergate.conf DESTINATION /etc/ordergate)
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE DESTINATION share/doc/ordergate RENAME copyright)

# preinst migrates the store before it lets anything be replaced.
add_custom_command(TARGET ordergatectl POST_BUILD VERBATIM
  COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/control
  COMMAND ${CMAKE_STRIP} -o ${CMAKE_BINARY_DIR}/control/ordergatectl $<TARGET_FILE:ordergatectl>)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME ordergate)
set(CPACK_PACKAGE_VENDOR "Ordergate")
set(CPACK_PACKAGE_CONTACT "Ordergate <root@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "order gateway between marketplaces, stores and an ERP")
set(CPACK_PACKAGE_DESCRIPTION "Takes a marketplace's orders as webhooks, gives them to the pickers of the stores, tells the
marketplace about each step, makes the sales documents and raises alerts.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS
    "nginx-light | nginx, systemd (>= 252), init-system-helpers, openssl, ca-certificates, tzdata, fonts-dejavu-core, util-linux")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "systemd-timesyncd | time-daemon")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    "${CMAKE_SOURCE_DIR}/packaging/conffiles;${CMAKE_SOURCE_DIR}/packaging/preinst;${CMAKE_BINARY_DIR}/control/ordergatectl;${CMAKE_SOURCE_DIR}/packaging/postinst;${CMAKE_SOURCE_DIR}/packaging/prerm;${CMAKE_SOURCE_DIR}/packaging/postrm")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_OUTPUT_FILE_PREFIX ${CMAKE_BINARY_DIR}/package)
include(CPack)
