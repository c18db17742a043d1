# The libraries that others keep. Their headers are system headers, so that our
# warnings stay about our code.
find_package(PkgConfig REQUIRED)
function(add_foreign name module)
  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${module})
  add_library(foreign::${name} ALIAS PkgConfig::${name})
endfunction()

add_foreign(cjson libcjson)
add_foreign(sqlite sqlite3)
add_foreign(pq libpq)
add_foreign(microhttpd libmicrohttpd)
add_foreign(curl libcurl)
add_foreign(openssl openssl)
add_foreign(confuse libconfuse)
add_foreign(systemd libsystemd)

# Debian's libzint has no pkg-config file.
find_library(ZINT_LIBRARY zint REQUIRED)
find_path(ZINT_FOLDER zint.h REQUIRED)
add_library(foreign_zint INTERFACE)
target_include_directories(foreign_zint SYSTEM INTERFACE ${ZINT_FOLDER})
target_link_libraries(foreign_zint INTERFACE ${ZINT_LIBRARY})
add_library(foreign::zint ALIAS foreign_zint)
add_foreign(xml2 libxml-2.0)
add_foreign(pango pangocairo)
add_foreign(cairo cairo-pdf)
