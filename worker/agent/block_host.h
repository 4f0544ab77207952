// The worker's side of the shuffle in the agent: keeps what runners hand over, serves it on the host and to
// other hosts, both behind the secret that comes with the Welcome. main.cc makes one; the pool and the agent
// call it from any thread.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "core/base/status.h"
#include "worker/agent/agent.h"
#include "worker/shuffle/block_store.h"
#include "worker/shuffle/grpc.h"
#include "worker/shuffle/local.h"

namespace millrace::agent {

class BlockHost final : public ShuffleHost {
 public:
  // Binds `listen` (host:port, port 0 for any) at once, because the address is part of the worker's offer;
  // until Open nobody can know the secret that it asks for.
  static StatusOr<std::unique_ptr<BlockHost>> Start(const std::string& listen, const std::string& socket_path,
                                                    shuffle::BlockStoreOptions options);

  const std::string& address() const { return address_; }

  Status Open(const std::string& secret) override;
  Status Keep(const v1::BlocksReady& blocks, runner::Descriptor descriptor) override;
  void Release(const JobKey& job) override { store_.DropJob(job); }

 private:
  BlockHost(const std::string& socket_path, shuffle::BlockStoreOptions options)
      : socket_path_(socket_path), store_(std::move(options)) {}

  const std::string socket_path_;
  std::string address_;
  shuffle::BlockStore store_;
  std::mutex mutex_;  // guards all below
  std::string secret_;
  std::unique_ptr<shuffle::GrpcBlockServer> remote_;
  std::unique_ptr<shuffle::LocalBlockServer> local_;
};

}  // namespace millrace::agent
