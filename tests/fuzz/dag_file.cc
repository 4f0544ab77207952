// A DAG file, YAML or JSON: DAGs or problems, each with a place.
#include "platform/zones.h"
#include "scheduler/dagbag/load.h"
#include "tests/fuzz/fuzz.h"

namespace {

class NoFiles final : public millrace::dagbag::FileReader {
 public:
  millrace::StatusOr<std::string> Read(std::string_view path) const override { return millrace::NotFound(std::string(path)); }
};

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const millrace::platform::TzdbZones zones;
  millrace::fuzz::Choices choices(data, size);
  const char* name = choices.Below(2) == 0 ? "fuzz.yaml" : "fuzz.json";
  const auto loaded = millrace::dagbag::LoadDagFile(name, choices.rest(), NoFiles(), zones);
  for (const millrace::Problem& problem : loaded.problems) {
    millrace::fuzz::Check(!problem.message.empty(), "a problem says what it is");
  }
  return 0;
}
