# ctest runs everything: unit and store suites (cmocka), lint, end to end.
find_program(PYTHON NAMES /usr/bin/python3 python3 REQUIRED)
pkg_check_modules(cmocka REQUIRED IMPORTED_TARGET cmocka)

set(TEST_ENVIRONMENT
  "ASAN_OPTIONS=handle_segv=2:handle_abort=2:detect_leaks=1:strict_string_checks=1"
  "UBSAN_OPTIONS=print_stacktrace=1"
  "TSAN_OPTIONS=handle_segv=2:second_deadlock_stack=1")

# tests/unit/test_X.c and tests/store/test_X.c: one program each.
function(add_suite folder)
  file(GLOB sources CONFIGURE_DEPENDS tests/${folder}/test_*.c)
  foreach(source ${sources})
    get_filename_component(name ${source} NAME_WE)
    string(REPLACE "test_" "" short ${name})
    add_executable(${name} ${source})
    target_include_directories(${name} PRIVATE tests/support)
    target_link_libraries(${name} PRIVATE build_flags flow app test_support PkgConfig::cmocka)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    target_compile_definitions(${name} PRIVATE SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    add_test(NAME ${folder}.${short} COMMAND ${name})
    set_tests_properties(${folder}.${short} PROPERTIES TIMEOUT 120 ENVIRONMENT "${TEST_ENVIRONMENT}")
  endforeach()
endfunction()

file(GLOB support CONFIGURE_DEPENDS tests/support/*.c)
if(support)
  add_library(test_support STATIC ${support})
  target_include_directories(test_support PUBLIC tests/support)
  target_link_libraries(test_support PRIVATE build_flags PUBLIC flow app foreign::sqlite)
else()
  add_library(test_support INTERFACE)
endif()
add_suite(unit)
add_suite(store)

if(FUZZERS)
  file(GLOB fuzzers CONFIGURE_DEPENDS tests/fuzz/fuzz_*.c)
  foreach(source ${fuzzers})
    get_filename_component(name ${source} NAME_WE)
    add_executable(${name} ${source})
    target_compile_options(${name} PRIVATE -fsanitize=fuzzer)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    target_link_libraries(${name} PRIVATE build_flags flow app)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    # Every kept input is an ordinary test; `./check full` also runs minutes of new ones.
    add_test(NAME fuzz.${name} COMMAND ${name} -runs=20000 -max_len=4096 -seed=1
             ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name})
    set_tests_properties(fuzz.${name} PROPERTIES TIMEOUT 120 ENVIRONMENT "${TEST_ENVIRONMENT}")
  endforeach()
endif()

foreach(lint layers banned functions)
  if(EXISTS ${CMAKE_SOURCE_DIR}/tests/lint/check_${lint}.py)
    add_test(NAME lint.${lint} COMMAND ${PYTHON} ${CMAKE_SOURCE_DIR}/tests/lint/check_${lint}.py ${CMAKE_SOURCE_DIR})
  endif()
endforeach()
