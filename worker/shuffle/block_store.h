// Keeps a worker's finished map outputs until their job ends: descriptors of sealed memfds up to a budget, of
// unlinked files beyond it. Nothing is fsynced: what is lost is made again, and says so. The agent owns one;
// its servers read from any thread. It knows no socket and no peer.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "core/base/status.h"
#include "worker/shuffle/descriptor.h"
#include "worker/shuffle/map_file.h"

namespace millrace::shuffle {

struct BlockStoreOptions {
  std::uint64_t memory_bytes = std::uint64_t{1} << 30;
  std::string folder;  // for files; must exist
};

// The answer for an output that is not here (any more): NOT_FOUND. Ordinary; its map is made again.
Status LostOutput(const OutputKey& key, Fence fence);

class BlockStore {
 public:
  explicit BlockStore(BlockStoreOptions options);

  // Takes over a finished output. A memfd that exceeds the budget is copied to a file. Repeats are harmless;
  // FAILED_PRECONDITION when a younger attempt's output is here already, ABORTED when the job has ended,
  // DATA_LOSS when the file is not that output.
  Status Put(const OutputKey& key, Fence fence, Descriptor file);
  // A descriptor of its own for the caller; NOT_FOUND unless this very attempt's output is here.
  StatusOr<Descriptor> Find(const OutputKey& key, Fence fence) const;
  // Frees a job's outputs and refuses later ones. What readers have mapped stays until they let go.
  void DropJob(const JobKey& job);

  struct Usage {
    std::uint64_t outputs = 0;
    std::uint64_t memory_bytes = 0;
    std::uint64_t file_bytes = 0;
  };
  Usage usage() const;

 private:
  struct Held {
    Fence fence;
    Descriptor file;
    bool in_memory = false;
    std::uint64_t bytes = 0;
  };
  void Count(const Held& held, bool add);

  BlockStoreOptions options_;
  mutable std::mutex mutex_;
  std::map<OutputKey, Held> outputs_;  // guarded by mutex_, as is what follows
  std::set<JobKey> ended_;             // the youngest ones
  Usage usage_;
};

}  // namespace millrace::shuffle
