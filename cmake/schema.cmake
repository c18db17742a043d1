# The migrations of schema/ become one C array per engine in the store library, so
# that a program never looks for files to know its schema.
set(SCHEMA_SOURCE)
foreach(engine sqlite postgresql)
  set(source ${CMAKE_BINARY_DIR}/generated/schema_${engine}.c)
  set(folder ${CMAKE_SOURCE_DIR}/schema/${engine})
  file(GLOB files CONFIGURE_DEPENDS ${folder}/*.sql)
  add_custom_command(
    OUTPUT ${source}
    COMMAND ${CMAKE_COMMAND} -DOUTPUT=${source} -DFOLDER=${folder} -DENGINE=${engine}
            -P ${CMAKE_SOURCE_DIR}/cmake/embed_schema.cmake
    DEPENDS ${files} ${CMAKE_SOURCE_DIR}/cmake/embed_schema.cmake
    COMMENT "Embedding schema/${engine}" VERBATIM)
  list(APPEND SCHEMA_SOURCE ${source})
endforeach()
