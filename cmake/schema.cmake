# The migrations of schema/ become one C array in the store library, so that a
# program never looks for files to know its schema.
set(SCHEMA_SOURCE ${CMAKE_BINARY_DIR}/generated/schema_sqlite.c)
file(GLOB SCHEMA_FILES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/schema/sqlite/*.sql)
add_custom_command(
  OUTPUT ${SCHEMA_SOURCE}
  COMMAND ${CMAKE_COMMAND} -DOUTPUT=${SCHEMA_SOURCE} -DFOLDER=${CMAKE_SOURCE_DIR}/schema/sqlite
          -P ${CMAKE_SOURCE_DIR}/cmake/embed_schema.cmake
  DEPENDS ${SCHEMA_FILES} ${CMAKE_SOURCE_DIR}/cmake/embed_schema.cmake
  COMMENT "Embedding schema/sqlite" VERBATIM)
