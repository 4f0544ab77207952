# millrace_room(NAME LINK room... PRIVATE library...)
#
# One folder, one static library. NAME is the folder's path with '/' as '_' (scheduler/store -> scheduler_store).
# LINK names the rooms whose headers this room may include. PRIVATE names third-party libraries, which only .cc files may
# include. Sources are every *.cc beside the CMakeLists.txt except main.cc, which belongs to a program.
function(millrace_room name)
  cmake_parse_arguments(ARG "" "" "LINK;PRIVATE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cc")
  list(FILTER sources EXCLUDE REGEX "/main\\.cc$")
  if(sources)
    add_library(${name} STATIC ${sources})
    compiled_alone(${sources})
    target_link_libraries(${name} PUBLIC millrace_options ${ARG_LINK} PRIVATE ${ARG_PRIVATE})
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE millrace_options ${ARG_LINK})
  endif()
endfunction()

# millrace_test(NAME LABEL label... LINK library... [SOURCES file...] [TIMEOUT seconds])
#
# One GoogleTest program from every *_test.cc of the folder (or SOURCES); each TEST becomes a ctest with the given labels.
function(millrace_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "LABEL;LINK;SOURCES" ${ARGN})
  if(NOT ARG_SOURCES)
    file(GLOB ARG_SOURCES CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*_test.cc")
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  compiled_alone(${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE millrace_options ${ARG_LINK} GTest::gmock GTest::gtest GTest::gtest_main)
  # Unit tests' own text compiles in half the time so, a fifth of a cold build; the rooms under test keep both.
  if(ARG_LABEL STREQUAL "unit" AND NOT CMAKE_BUILD_TYPE STREQUAL "Release")
    target_compile_options(${name} PRIVATE -O0 -fno-sanitize=undefined)
  endif()
  foreach(label ${ARG_LABEL})
    if(TARGET tests_${label})
      add_dependencies(tests_${label} ${name})
    endif()
  endforeach()
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS "${ARG_LABEL}" TIMEOUT ${ARG_TIMEOUT})
endfunction()
