// Map outputs to processes on the same host: the descriptor itself travels over a Unix socket, after a check
// of the secret, the user and the attempt, and is mapped by the reader. docs/formats.md, "Shuffle socket".
// LocalBlockServer belongs to the agent and has one thread; LocalFetcher is the runners', any thread.
#pragma once

#include <memory>
#include <string>

#include "core/base/status.h"
#include "worker/shuffle/block_store.h"
#include "worker/shuffle/fetcher.h"

namespace millrace::shuffle {

class LocalBlockServer {
 public:
  // Listens on `socket_path` (made anew, 0600). The store must outlive the server.
  static StatusOr<std::unique_ptr<LocalBlockServer>> Start(const std::string& socket_path, std::string secret,
                                                           const BlockStore& store);
  LocalBlockServer(const LocalBlockServer&) = delete;
  LocalBlockServer& operator=(const LocalBlockServer&) = delete;
  // Ends the thread and removes the socket.
  ~LocalBlockServer();

 private:
  class Loop;
  explicit LocalBlockServer(std::unique_ptr<Loop> loop);
  std::unique_ptr<Loop> loop_;
};

class LocalFetcher : public Fetcher {
 public:
  explicit LocalFetcher(std::string secret) : secret_(std::move(secret)) {}
  StatusOr<BlockBytes> Fetch(const JobKey& job, std::int32_t stage, const MapOutput& source,
                             PartitionRange range) override;

 private:
  std::string secret_;
};

}  // namespace millrace::shuffle
