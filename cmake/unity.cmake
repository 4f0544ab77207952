# A cold build in half the time (docs/decisions/0026-unity-builds.md): the sources of a room are compiled eight at a time, as one text
# each (CMake's unity builds). Two files of a room that have the same private name cannot share a text: the compiler says "redefinition"
# or "ambiguous". Give one of them a better name, or make what both wrote a function of the room; what waits for that is listed here,
# and compiled alone.
#
# -DMILLRACE_UNITY=OFF (the preset `fast`) compiles every file alone: it is the build that notices a missing include.
option(MILLRACE_UNITY "Compile the sources of a room eight at a time" ON)
if(MILLRACE_UNITY)
  set(CMAKE_UNITY_BUILD ON)
  set(CMAKE_UNITY_BUILD_BATCH_SIZE 8)
  # Of names at file scope only the build that compiles every file alone can tell.
  target_compile_options(millrace_options INTERFACE -Wno-shadow -Wno-subobject-linkage)
endif()

set(MILLRACE_ALONE
  scheduler/api/bulk_routes.cc scheduler/api/calendar_routes.cc scheduler/api/dag_routes.cc scheduler/api/hitl_routes.cc
  scheduler/api/input.cc scheduler/api/live_events.cc scheduler/api/millrace_routes.cc scheduler/api/notification_routes.cc
  scheduler/api/over_runs.cc scheduler/api/pool_routes.cc scheduler/api/rendered_fields.cc scheduler/api/run_routes.cc
  scheduler/api/task_instance_routes.cc scheduler/api/xcom_routes.cc
  scheduler/dagbag/schedule_reader.cc
  tests/unit/scheduler/api/xcom_routes_test.cc)

# compiled_alone(SOURCE...): keeps those of the list above out of the shared texts; called where their target is made.
function(compiled_alone)
  foreach(source ${ARGN})
    get_filename_component(path "${source}" ABSOLUTE)
    file(RELATIVE_PATH path "${CMAKE_SOURCE_DIR}" "${path}")
    if(path IN_LIST MILLRACE_ALONE)
      set_source_files_properties("${source}" PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
    endif()
  endforeach()
endfunction()
