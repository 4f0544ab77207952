set(extra platform)  # real zones
set_property(SOURCE "${CMAKE_CURRENT_LIST_DIR}/golden_test.cc" "${CMAKE_CURRENT_LIST_DIR}/golden_slow.cc" APPEND PROPERTY COMPILE_DEFINITIONS
  MILLRACE_GOLDEN="${CMAKE_CURRENT_LIST_DIR}/golden.txt")
millrace_test(slow_core_calendar LABEL slow LINK core_calendar platform TIMEOUT 1800
  SOURCES "${CMAKE_CURRENT_LIST_DIR}/minute_scan_slow.cc" "${CMAKE_CURRENT_LIST_DIR}/golden_slow.cc")
add_executable(calendar_dump EXCLUDE_FROM_ALL "${CMAKE_CURRENT_LIST_DIR}/calendar_dump.cc")
target_link_libraries(calendar_dump PRIVATE millrace_options core_calendar platform)
