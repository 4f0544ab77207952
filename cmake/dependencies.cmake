# Third-party libraries. Debian's come from apt; libduckdb, SQLite's amalgamation, cpp-httplib's header and the sample data
# are laid out by scripts/setup.sh below MILLRACE_DEPS (build/deps unless the environment says otherwise).
if(DEFINED ENV{MILLRACE_DEPS})
  set(MILLRACE_DEPS "$ENV{MILLRACE_DEPS}" CACHE PATH "where scripts/setup.sh put what apt does not have")
else()
  set(MILLRACE_DEPS "${CMAKE_SOURCE_DIR}/build/deps" CACHE PATH "where scripts/setup.sh put what apt does not have")
endif()

find_package(Threads REQUIRED)
find_package(Protobuf 3.21 REQUIRED)
find_package(gRPC 1.51 CONFIG REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(yaml-cpp 0.7 REQUIRED)
find_package(Boost 1.74 REQUIRED)
find_package(fmt 9.1 REQUIRED)
find_package(spdlog 1.10 REQUIRED)
find_package(CLI11 2.1 REQUIRED)
find_package(CURL 7.88 REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium>=1.0.18)
pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET libxxhash>=0.8)
pkg_check_modules(lz4 REQUIRED IMPORTED_TARGET liblz4>=1.9)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd>=1.5)
pkg_check_modules(zlib REQUIRED IMPORTED_TARGET zlib>=1.2.13)
pkg_check_modules(zip REQUIRED IMPORTED_TARGET libzip>=1.7.3)
pkg_check_modules(prometheus REQUIRED IMPORTED_TARGET prometheus-cpp-core>=1.0.1)
pkg_check_modules(simdjson REQUIRED IMPORTED_TARGET simdjson>=3.0.1)
find_package(GTest 1.12 REQUIRED)
find_package(benchmark 1.7 REQUIRED)
include(GoogleTest)

foreach(needed duckdb/lib/libduckdb.so duckdb/include/duckdb.h sqlite/sqlite3.c sqlite/sqlite3.h httplib/httplib.h)
  if(NOT EXISTS "${MILLRACE_DEPS}/${needed}")
    message(FATAL_ERROR "${MILLRACE_DEPS}/${needed} is missing: run scripts/setup.sh first")
  endif()
endforeach()

add_library(duckdb SHARED IMPORTED GLOBAL)
set_target_properties(duckdb PROPERTIES IMPORTED_LOCATION "${MILLRACE_DEPS}/duckdb/lib/libduckdb.so" IMPORTED_NO_SONAME OFF)
target_include_directories(duckdb SYSTEM INTERFACE "${MILLRACE_DEPS}/duckdb/include")

# SQLite from its amalgamation: Debian 12's own (3.40.1) can corrupt a WAL database (docs/decisions).
add_library(sqlite STATIC "${MILLRACE_DEPS}/sqlite/sqlite3.c")
target_include_directories(sqlite SYSTEM PUBLIC "${MILLRACE_DEPS}/sqlite")
target_compile_definitions(sqlite PRIVATE SQLITE_THREADSAFE=2 SQLITE_DEFAULT_MEMSTATUS=0 SQLITE_DQS=0
  SQLITE_OMIT_DEPRECATED SQLITE_OMIT_LOAD_EXTENSION SQLITE_OMIT_SHARED_CACHE SQLITE_MAX_EXPR_DEPTH=100)
target_compile_options(sqlite PRIVATE -O2 -w)
target_link_libraries(sqlite PUBLIC Threads::Threads ${CMAKE_DL_LIBS} m)

add_library(httplib INTERFACE)
target_include_directories(httplib SYSTEM INTERFACE "${MILLRACE_DEPS}/httplib")
target_link_libraries(httplib INTERFACE Threads::Threads)
# GCC 12 under sanitizers takes std::regex, which httplib.h uses, for uninitialized, also through a system header.
target_compile_options(httplib INTERFACE -Wno-maybe-uninitialized)

# The Node that runs Vite, and npm for its packages: the one that scripts/setup.sh brought where the machine's is too old.
find_program(MILLRACE_NODE node PATHS "${MILLRACE_DEPS}/node/bin" NO_DEFAULT_PATH)
find_program(MILLRACE_NODE node)
