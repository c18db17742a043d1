# po/LANGUAGE.po -> build/share/locale/LANGUAGE/LC_MESSAGES/ordergate.mo, where
# app/locale.c looks from build/bin and build/tests. Without msgfmt (package
# gettext) the programs speak English.
find_program(MSGFMT msgfmt)
file(GLOB CATALOGUES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/po/*.po)
if(CATALOGUES AND NOT MSGFMT)
  message(WARNING "msgfmt is missing (package gettext): texts stay English")
elseif(CATALOGUES)
  foreach(po ${CATALOGUES})
    get_filename_component(language ${po} NAME_WE)
    set(folder ${CMAKE_BINARY_DIR}/share/locale/${language}/LC_MESSAGES)
    add_custom_command(
      OUTPUT ${folder}/ordergate.mo
      COMMAND ${CMAKE_COMMAND} -E make_directory ${folder}
      COMMAND ${MSGFMT} --check-format --check-domain -o ${folder}/ordergate.mo ${po}
      DEPENDS ${po} VERBATIM)
    list(APPEND CATALOGUE_FILES ${folder}/ordergate.mo)
  endforeach()
  add_custom_target(locale ALL DEPENDS ${CATALOGUE_FILES})
endif()
