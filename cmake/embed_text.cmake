# cmake -DOUTPUT=FILE -DINPUT=FILE -DSYMBOL=NAME -DHEADER=H -P embed_text.cmake
# Writes INPUT as `const char SYMBOL[]`, which HEADER declares.
file(READ ${INPUT} hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
file(WRITE ${OUTPUT} "#include \"${HEADER}\"\n\nconst char ${SYMBOL}[] = {${bytes}0};\n")
