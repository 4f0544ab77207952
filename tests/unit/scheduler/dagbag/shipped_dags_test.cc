// Every file of the DAG folder that ships is loaded as the scheduler loads it.
#include <gtest/gtest.h>

#include <filesystem>

#include "platform/zones.h"
#include "scheduler/dagbag/folder_reader.h"
#include "scheduler/dagbag/load.h"

namespace millrace::dagbag {
namespace {

TEST(ShippedDags, HaveNoProblems) {
  const FolderReader reader(MILLRACE_DAG_FOLDER);
  const platform::TzdbZones zones;
  int loaded = 0;
  for (const auto& entry : std::filesystem::directory_iterator(MILLRACE_DAG_FOLDER)) {
    const std::string name = entry.path().filename().string();
    if (!entry.is_regular_file() || !IsDagFileName(name)) continue;
    const LoadResult result = LoadDagFile(name, reader.Read(name).value(), reader, zones);
    for (const Problem& problem : result.problems) {
      ADD_FAILURE() << name << ":" << problem.where.line << ":" << problem.where.column << ": " << problem.message;
    }
    EXPECT_FALSE(result.dags.empty()) << name;
    ++loaded;
  }
  EXPECT_GE(loaded, 3);
}

}  // namespace
}  // namespace millrace::dagbag
