add_library(docs_folder INTERFACE)
target_compile_definitions(docs_folder INTERFACE "MILLRACE_DOCS_FOLDER=\"${CMAKE_SOURCE_DIR}/docs\"")
set(extra docs_folder)
