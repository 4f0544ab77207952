# The program. main.cc alone puts the rooms together.
add_executable(millrace-worker "${CMAKE_CURRENT_LIST_DIR}/main.cc")
target_link_libraries(millrace-worker PRIVATE millrace_options platform worker_agent worker_tasks CLI11::CLI11)
target_compile_definitions(millrace-worker PRIVATE MILLRACE_VERSION="${PROJECT_VERSION}")
