# The loop and its inbox: they know the engine and the store's interface, nothing else.
add_library(scheduler_loop STATIC "${CMAKE_CURRENT_LIST_DIR}/loop.cc" "${CMAKE_CURRENT_LIST_DIR}/bounded_inbox.cc")
target_link_libraries(scheduler_loop PUBLIC millrace_options core_model scheduler_engine)

# The program. main.cc alone puts the rooms together.
add_executable(millrace-scheduler "${CMAKE_CURRENT_LIST_DIR}/main.cc")
target_link_libraries(millrace-scheduler PRIVATE millrace_options platform scheduler_loop scheduler_store scheduler_auth
  scheduler_gateway scheduler_api
  scheduler_dagbag scheduler_bundles CLI11::CLI11)
