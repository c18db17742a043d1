# cmake -DOUTPUT=FILE -DFOLDER=DIR -DENGINE=NAME -P embed_schema.cmake
# Writes every NNNN_name.sql of FOLDER, in order, as rows of migrations_ENGINE[].
file(GLOB files ${FOLDER}/*.sql)
list(SORT files)
foreach(path ${files})
  get_filename_component(name ${path} NAME_WE)
  string(REGEX MATCH "^0*([0-9]+)_(.*)$" matched ${name})
  if(NOT matched)
    message(FATAL_ERROR "schema: ${path} is not named NNNN_name.sql")
  endif()
  set(number ${CMAKE_MATCH_1})
  set(title ${CMAKE_MATCH_2})
  # Lists and semicolons do not mix in CMake, so read the bytes as hex.
  file(READ ${path} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(APPEND arrays "static const unsigned char sql_${number}[] = {${bytes}0};\n")
  string(APPEND rows "\t{${number}, \"${title}\", (const char *)sql_${number}},\n")
endforeach()
file(WRITE ${OUTPUT} "#include <stddef.h>\n\n#include \"store/engine/migrate.h\"\n\n${arrays}\n"
  "const struct migration migrations_${ENGINE}[] = {\n${rows}\t{0, NULL, NULL},\n};\n")
