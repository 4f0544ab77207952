add_library(shipped_dags INTERFACE)
target_compile_definitions(shipped_dags INTERFACE "MILLRACE_DAG_FOLDER=\"${CMAKE_SOURCE_DIR}/dags\"")
set(extra platform shipped_dags PkgConfig::zlib)  # real zones
