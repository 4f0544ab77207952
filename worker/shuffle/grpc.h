// Map outputs over the network: proto/shuffle.proto. GrpcBlockServer belongs to the agent and has gRPC's
// threads; GrpcFetcher is the runners', any thread. Slices of 256 KiB, at most 48 MiB of them under way at
// either end.
#pragma once

#include <memory>
#include <string>

#include "core/base/status.h"
#include "worker/shuffle/block_store.h"
#include "worker/shuffle/fetcher.h"

namespace millrace::shuffle {

class GrpcBlockServer {
 public:
  // `address` is host:port, port 0 for any. Only a loopback address: the connection is not encrypted, and the
  // secret would travel in the clear. The store must outlive the server.
  static StatusOr<std::unique_ptr<GrpcBlockServer>> Start(const std::string& address, std::string secret,
                                                          const BlockStore& store);
  GrpcBlockServer(const GrpcBlockServer&) = delete;
  GrpcBlockServer& operator=(const GrpcBlockServer&) = delete;
  // Cancels what is under way.
  ~GrpcBlockServer();

  // host:port, as fetchers dial it.
  const std::string& address() const { return address_; }

 private:
  class Service;
  GrpcBlockServer(std::unique_ptr<Service> service, std::string address);
  std::unique_ptr<Service> service_;
  std::string address_;
};

class GrpcFetcher : public Fetcher {
 public:
  explicit GrpcFetcher(std::string secret);
  ~GrpcFetcher() override;
  StatusOr<BlockBytes> Fetch(const JobKey& job, std::int32_t stage, const MapOutput& source,
                             PartitionRange range) override;

 private:
  class Peers;
  std::string secret_;
  std::unique_ptr<Peers> peers_;
};

}  // namespace millrace::shuffle
