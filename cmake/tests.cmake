# ctest runs everything: unit and store suites (cmocka), lint, end to end.
find_program(PYTHON NAMES /usr/bin/python3 python3 REQUIRED)
pkg_check_modules(cmocka REQUIRED IMPORTED_TARGET cmocka)

set(TEST_ENVIRONMENT
  "ASAN_OPTIONS=handle_segv=2:handle_abort=2:detect_leaks=1:strict_string_checks=1"
  "LSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/support/leaks.txt:print_suppressions=0"
  "UBSAN_OPTIONS=print_stacktrace=1"
  "TSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/support/races.txt:handle_segv=2:second_deadlock_stack=1:die_after_fork=0")

# tests/unit/LAYER/test_X.c and tests/store/test_X.c: one program each.
function(add_suite folder)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS tests/${folder}/test_*.c)
  foreach(source ${sources})
    get_filename_component(name ${source} NAME_WE)
    string(REPLACE "test_" "" short ${name})
    add_executable(${name} ${source})
    target_include_directories(${name} PRIVATE tests/support)
    target_link_libraries(${name} PRIVATE build_flags flow app test_support PkgConfig::cmocka)
    if(source MATCHES "/document/")
      target_link_libraries(${name} PRIVATE document)
    endif()
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    target_compile_definitions(${name} PRIVATE SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    add_test(NAME ${folder}.${short} COMMAND ${name})
    set_tests_properties(${folder}.${short} PROPERTIES TIMEOUT 600 LABELS ${folder} ENVIRONMENT "${TEST_ENVIRONMENT}")
  endforeach()
endfunction()

file(GLOB support CONFIGURE_DEPENDS tests/support/*.c)
if(support)
  add_library(test_support STATIC ${support})
  target_include_directories(test_support PUBLIC tests/support)
  target_link_libraries(test_support PRIVATE build_flags PUBLIC flow app foreign::sqlite foreign::pq)
else()
  add_library(test_support INTERFACE)
endif()
add_suite(unit)
add_suite(store)
# The store suites once more, on PostgreSQL: all but those about a file. A sanitizer looks for faults of threads and memory:
# there the suites of who has them on this engine, the driver, the writer and the queue.
file(GLOB store_suites RELATIVE ${CMAKE_SOURCE_DIR}/tests/store CONFIGURE_DEPENDS tests/store/test_*.c)
list(FILTER store_suites EXCLUDE REGEX "test_(backup|checkpoint|faults|plans|power_cut|queue_cost|wal_file|wal_model)\\.c")
if(SANITIZE)
  list(FILTER store_suites INCLUDE REGEX "test_(postgres|statements|writer|queue|queue_losses)\\.c")
endif()
set(on_postgres ${PYTHON} -B ${CMAKE_SOURCE_DIR}/tests/support/on_postgres.py)
add_test(NAME postgresql.start COMMAND ${on_postgres} --start)
add_test(NAME postgresql.stop COMMAND ${on_postgres} --stop)
set_tests_properties(postgresql.start PROPERTIES FIXTURES_SETUP postgresql)
set_tests_properties(postgresql.stop PROPERTIES FIXTURES_CLEANUP postgresql)
set_tests_properties(postgresql.start postgresql.stop PROPERTIES TIMEOUT 300 ENVIRONMENT "ORDERGATE_BUILD=${CMAKE_BINARY_DIR}")
foreach(suite ${store_suites})
  string(REGEX REPLACE "^test_(.*)\\.c$" "\\1" short ${suite})
  add_test(NAME store.${short}.postgresql COMMAND ${on_postgres} $<TARGET_FILE:test_${short}>)
  set_tests_properties(store.${short}.postgresql PROPERTIES TIMEOUT 600 LABELS store SKIP_RETURN_CODE 77
                       FIXTURES_REQUIRED postgresql
                       ENVIRONMENT "ORDERGATE_BUILD=${CMAKE_BINARY_DIR};${TEST_ENVIRONMENT}")
endforeach()
# What is not called is not linked, but for this one, which asks the engine about every statement.
target_link_options(test_statements PRIVATE -Wl,--whole-archive $<TARGET_FILE:store> -Wl,--no-whole-archive)
# The same program with many more moments.
add_test(NAME store.full_power_cut COMMAND test_power_cut)
set_tests_properties(store.full_power_cut PROPERTIES TIMEOUT 900 LABELS "full"
                     ENVIRONMENT "ORDERGATE_POWER_CUTS=2000;${TEST_ENVIRONMENT}")

if(FUZZERS)
  file(GLOB fuzzers CONFIGURE_DEPENDS tests/fuzz/fuzz_*.c)
  foreach(source ${fuzzers})
    get_filename_component(name ${source} NAME_WE)
    add_executable(${name} ${source})
    target_compile_options(${name} PRIVATE -fsanitize=fuzzer)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    target_link_libraries(${name} PRIVATE build_flags flow app)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    # Every kept input is an ordinary test; `./check full` also runs minutes of new ones. New inputs go into the
    # first folder named, which is never the kept one.
    file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz/${name})
    add_test(NAME fuzz.${name} COMMAND ${name} -runs=20000 -max_len=4096 -seed=1
             ${CMAKE_BINARY_DIR}/fuzz/${name} ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name})
    set_tests_properties(fuzz.${name} PROPERTIES TIMEOUT 600 LABELS fuzz ENVIRONMENT "${TEST_ENVIRONMENT}")
  endforeach()
endif()

# Rules of ours, and tools of others; a tool that is not installed is skipped.
foreach(lint layers banned functions cases engines texts)
  if(EXISTS ${CMAKE_SOURCE_DIR}/tests/lint/check_${lint}.py)
    add_test(NAME lint.${lint} COMMAND ${PYTHON} -B ${CMAKE_SOURCE_DIR}/tests/lint/check_${lint}.py ${CMAKE_SOURCE_DIR})
    set_tests_properties(lint.${lint} PROPERTIES LABELS lint)
  endif()
endforeach()
foreach(tool format shell cppcheck tidy)
  add_test(NAME static.${tool} COMMAND ${PYTHON} -B ${CMAKE_SOURCE_DIR}/tests/lint/run_tool.py ${tool}
           ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/build/asan)
  set_tests_properties(static.${tool} PROPERTIES TIMEOUT 1200 LABELS static SKIP_RETURN_CODE 77)
endforeach()
set_tests_properties(static.cppcheck static.tidy PROPERTIES RUN_SERIAL ON) # they use every processor

# What makes a machine and its store behave badly for e2e tests. A sanitizer's
# runtime wants to be loaded before everything else.
if(NOT SANITIZE)
  foreach(library bad_machine bad_store)
    add_library(${library} SHARED tests/preload/${library}.c)
    target_link_libraries(${library} PRIVATE ${CMAKE_DL_LIBS})
    set_target_properties(${library} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  endforeach()
endif()

# pytest files, one test each; a file that waits long is several, which run at the
# same time (tests/e2e/conftest.py). Where time limits are promises, the machine has
# little else to do.
set(TIMED_TESTS up supervisor life kill intake faults rolling full_kill full_faults)
set(PARTS_notifier 4)
set(PARTS_kill 2)
set(PARTS_scheduler 2)
function(add_pytests folder prefix)
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/test_*.py)
  foreach(source ${sources})
    get_filename_component(name ${source} NAME_WE)
    string(REGEX REPLACE "^test_" "" short ${name})
    set(parts 1)
    if(DEFINED PARTS_${short})
      set(parts ${PARTS_${short}})
    endif()
    foreach(part RANGE 1 ${parts})
      add_pytest(${folder} ${source} ${prefix} ${short} ${part} ${parts} ${ARGN})
    endforeach()
  endforeach()
endfunction()
function(add_pytest folder source prefix short part parts)
  set(test ${prefix}.${short})
  if(parts GREATER 1)
    set(test ${prefix}.${short}.${part})
  endif()
  set(labels ${prefix})
  if(short MATCHES "^full_")
    set(labels ${prefix} full)
  endif()
  add_one_pytest(${test} ${folder} "${labels}" ${short} ${part} ${parts} "" ${ARGN} ${source})
endfunction()
# What is added to the environment is a list; the rest are words for pytest.
function(add_one_pytest test folder labels short part parts environment)
  add_test(NAME ${test} COMMAND ${PYTHON} -B -m pytest -p no:cacheprovider -q ${ARGN}
           WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}/${folder})
  set_tests_properties(${test} PROPERTIES TIMEOUT 600 LABELS "${labels}"
                       ENVIRONMENT "ORDERGATE_BUILD=${CMAKE_BINARY_DIR};ORDERGATE_PART=${part}/${parts};${environment};${TEST_ENVIRONMENT}")
  if(short IN_LIST TIMED_TESTS)
    set_tests_properties(${test} PROPERTIES PROCESSORS 2)
  endif()
endfunction()
add_pytests(tests/e2e e2e)
# Eighteen troubles of five machines, one after another, in some five minutes.
set_tests_properties(e2e.full_hosts PROPERTIES TIMEOUT 2400 RUN_SERIAL ON)
# The same with every store in PostgreSQL: each file when all is run, and what stands for
# them in the fast suite. tests/e2e/engines.py says what is about one engine.
set(ON_SERVER "ORDERGATE_TEST_STORE=postgresql")
file(GLOB sources CONFIGURE_DEPENDS tests/e2e/test_*.py)
list(FILTER sources EXCLUDE REGEX "test_(full_failover|full_hosts|full_statements|hosts|pooler|postgres|restore|schemas|store_move)\\.py")
foreach(source ${sources})
  string(REGEX REPLACE "^.*/test_(.*)\\.py$" "\\1" short ${source})
  set(labels e2e full)
  if(short STREQUAL "acceptance")
    set(labels e2e)
  endif()
  add_one_pytest(e2e.${short}.postgresql tests/e2e "${labels}" ${short} 1 1 ${ON_SERVER} ${source})
endforeach()
add_one_pytest(e2e.chosen.postgresql tests/e2e e2e chosen 1 1 ${ON_SERVER}
  test_intake.py::test_without_the_store_everything_is_503_and_nothing_acknowledged_is_lost
  test_assembly.py::test_nothing_is_answered_before_it_is_in_the_store
  test_assembly.py::test_a_page_has_at_most_a_thousand_orders_and_pages_join_without_gap
  test_telegram.py::test_messages_arrive_and_move_to_the_archive
  test_scheduler.py::test_a_standby_takes_over_at_once_when_the_active_one_dies
  test_kill.py::test_workers_killed_inside_of_their_transactions_lose_nothing)
add_pytests(tests/emulators/tests emulators)
add_pytests(tests/model model)
add_pytests(tests/packaging packaging)
# A Debian, and for the upgrade a build of the version before.
set_tests_properties(packaging.full_install packaging.full_upgrade PROPERTIES TIMEOUT 2400)
add_pytests(tests/vm vm -s) # their figures are printed
# vm.full_image builds the image twice, the others boot it in an emulator, one at a time.
# Without such a machine they say "skipped: why", and so does ./check.
file(GLOB vm_tests CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/vm/test_*.py)
foreach(source ${vm_tests})
  get_filename_component(name ${source} NAME_WE)
  string(REGEX REPLACE "^test_" "vm." test ${name})
  set_tests_properties(${test} PROPERTIES TIMEOUT 5400 RUN_SERIAL ON FIXTURES_REQUIRED vm_image
                       SKIP_REGULAR_EXPRESSION "skipped: ")
endforeach()
set_tests_properties(vm.full_image PROPERTIES TIMEOUT 2400 FIXTURES_REQUIRED "" FIXTURES_SETUP vm_image)
