add_library(mapreduce_test_data INTERFACE)
target_compile_definitions(mapreduce_test_data INTERFACE "MILLRACE_SAMPLE_DATA=\"${MILLRACE_DEPS}/vega-datasets\""
  "MILLRACE_WORD_COUNT=\"$<TARGET_FILE:word_count>\"" "MILLRACE_WORD_COUNT_SCRIPTS=\"${CMAKE_SOURCE_DIR}/dags/word_count\"")
add_dependencies(mapreduce_test_data word_count)
# The whole job in one process: the scheduler decides, the worker works.
set(extra mapreduce_test_data scheduler_jobs)
# Whole jobs of hundreds of thousands of rows, under sanitizers and beside other tests.
set(timeout 300)
