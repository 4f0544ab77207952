#include "worker/shuffle/fetcher.h"

#include <utility>

namespace millrace::shuffle {

StatusOr<BlockBytes> HostFetcher::Fetch(const JobKey& job, std::int32_t stage, const MapOutput& source,
                                        PartitionRange range) {
  const bool here = !host_identity_.empty() && source.host_identity == host_identity_;
  if (local_ != nullptr && here && !source.shuffle_socket.empty()) {
    auto blocks = local_->Fetch(job, stage, source, range);
    if (blocks.ok()) local_bytes_ += blocks->bytes().size();
    // A socket in another container's file system, say: the worker may still answer on its address.
    if (blocks.ok() || blocks.status().code() != Code::kUnavailable || source.shuffle_address.empty())
      return blocks;
  }
  auto blocks = remote_.Fetch(job, stage, source, range);
  if (blocks.ok()) fetched_bytes_ += blocks->bytes().size();
  return blocks;
}

bool SecretsMatch(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned char difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned char>(a[i] ^ b[i]);
  return difference == 0;
}

}  // namespace millrace::shuffle
