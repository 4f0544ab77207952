// A partitioner: words go by their first letter.
#include "worker/mapreduce/api/mapreduce.h"

namespace {

class FirstLetter : public millrace::api::Partitioner {
 public:
  std::uint32_t Partition(std::string_view key, std::uint32_t partitions) override {
    return key.empty() ? 0 : static_cast<unsigned char>(key.front()) % partitions;
  }
};

}  // namespace

MILLRACE_PARTITIONER(FirstLetter);
