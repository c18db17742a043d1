# services/erp/openapi.json becomes a text of its program, as nginx's template
# does in the app library.
set(OPENAPI_FILE ${CMAKE_SOURCE_DIR}/services/erp/openapi.json)
set(OPENAPI_SOURCE ${CMAKE_BINARY_DIR}/generated/openapi_text.c)
add_custom_command(
  OUTPUT ${OPENAPI_SOURCE}
  COMMAND ${CMAKE_COMMAND} -DOUTPUT=${OPENAPI_SOURCE} -DINPUT=${OPENAPI_FILE} -DSYMBOL=openapi_text
          -DHEADER=openapi.h -P ${CMAKE_SOURCE_DIR}/cmake/embed_text.cmake
  DEPENDS ${OPENAPI_FILE} ${CMAKE_SOURCE_DIR}/cmake/embed_text.cmake
  COMMENT "Embedding services/erp/openapi.json" VERBATIM)
target_sources(ordergate-erp PRIVATE ${OPENAPI_SOURCE})
