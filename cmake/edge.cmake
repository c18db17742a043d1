# nginx/ordergate.conf.in becomes a text in the app library, as the migrations
# do in the store: a program never looks for it.
set(EDGE_TEMPLATE ${CMAKE_SOURCE_DIR}/nginx/ordergate.conf.in)
set(EDGE_SOURCE ${CMAKE_BINARY_DIR}/generated/edge_template.c)
add_custom_command(
  OUTPUT ${EDGE_SOURCE}
  COMMAND ${CMAKE_COMMAND} -DOUTPUT=${EDGE_SOURCE} -DINPUT=${EDGE_TEMPLATE} -DSYMBOL=edge_template
          -DHEADER=app/edge/edge_private.h -P ${CMAKE_SOURCE_DIR}/cmake/embed_text.cmake
  DEPENDS ${EDGE_TEMPLATE} ${CMAKE_SOURCE_DIR}/cmake/embed_text.cmake
  COMMENT "Embedding nginx/ordergate.conf.in" VERBATIM)
target_sources(app PRIVATE ${EDGE_SOURCE})
target_link_libraries(app PRIVATE foreign::openssl) # its self-made certificate
