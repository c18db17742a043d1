# The libraries that others keep. Their headers are system headers, so that our
# warnings stay about our code.
find_package(PkgConfig REQUIRED)
function(add_foreign name module)
  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${module})
  add_library(foreign::${name} ALIAS PkgConfig::${name})
endfunction()

add_foreign(cjson libcjson)
add_foreign(sqlite sqlite3)
add_foreign(microhttpd libmicrohttpd)
add_foreign(curl libcurl)
add_foreign(openssl openssl)
add_foreign(confuse libconfuse)
add_foreign(systemd libsystemd)
