// How a reduce task gets at blocks, wherever they are. Reduce stage tasks call it from any thread;
// implementations are peers and pass one contract: LocalFetcher (same host), GrpcFetcher (any host),
// HostFetcher (chooses).
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "core/base/status.h"
#include "core/model/job.h"
#include "worker/shuffle/map_file.h"

namespace millrace::shuffle {

class Fetcher {
 public:
  virtual ~Fetcher() = default;
  // The blocks of `range` of one map output, whole, partition after partition; their checksums are for the
  // reader to verify. NOT_FOUND and DATA_LOSS: the output is lost, its map must be made again. UNAVAILABLE:
  // the worker does not answer; to try again, and then to take for lost. UNAUTHENTICATED: the secret is
  // wrong.
  virtual StatusOr<BlockBytes> Fetch(const JobKey& job, std::int32_t stage, const MapOutput& source,
                                     PartitionRange range) = 0;
};

// Local when the output is on this host and its socket answers, else remote.
class HostFetcher : public Fetcher {
 public:
  // `local` null: everything is fetched remotely, also from this host.
  HostFetcher(std::string host_identity, Fetcher* local, Fetcher& remote)
      : host_identity_(std::move(host_identity)), local_(local), remote_(remote) {}
  StatusOr<BlockBytes> Fetch(const JobKey& job, std::int32_t stage, const MapOutput& source,
                             PartitionRange range) override;
  std::uint64_t local_bytes() const { return local_bytes_; }
  std::uint64_t fetched_bytes() const { return fetched_bytes_; }

 private:
  std::string host_identity_;
  Fetcher* local_;
  Fetcher& remote_;
  std::atomic<std::uint64_t> local_bytes_ = 0;
  std::atomic<std::uint64_t> fetched_bytes_ = 0;
};

// Equal without telling, by the time it takes, how much of a secret was right.
bool SecretsMatch(std::string_view a, std::string_view b);

}  // namespace millrace::shuffle
