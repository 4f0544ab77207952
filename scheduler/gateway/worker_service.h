// WorkerService on gRPC's threads: one a stream reads, one a control stream writes. See gateway.h.
#pragma once

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "proto/worker.grpc.pb.h"
#include "scheduler/gateway/connection.h"
#include "scheduler/gateway/gateway.h"

namespace millrace::gateway {

class WorkerServiceImpl final : public v1::WorkerService::Service {
 public:
  WorkerServiceImpl(const GatewayOptions& options, const GatewayParts& parts, Enclosures& enclosures);

  grpc::Status Control(grpc::ServerContext* context,
                       grpc::ServerReaderWriter<v1::SchedulerMessage, v1::WorkerMessage>* stream) override;
  grpc::Status Logs(grpc::ServerContext* context,
                    grpc::ServerReaderWriter<v1::LogAck, v1::LogChunk>* stream) override;

  // The loop's thread.
  void Deliver(std::span<const Effect> effects);
  // Ends all streams; later ones are refused when `for_good`.
  void CloseAll(bool for_good);

 private:
  using ControlStream = grpc::ServerReaderWriter<v1::SchedulerMessage, v1::WorkerMessage>;

  grpc::Status CheckToken(const grpc::ServerContext& context) const;
  void ReadControl(ControlStream& stream, Connection& connection);
  void WriteControl(grpc::ServerContext& context, ControlStream& stream, Connection& connection);
  bool KnowsSession(SessionId session);
  // Already safe: a worker whose acknowledgement was lost sends its chunks again.
  bool IsRepeated(SessionId session, std::uint64_t number);
  bool KeepTrying(const grpc::ServerContext& context);

  const GatewayOptions& options_;
  const GatewayParts& parts_;
  Enclosures& enclosures_;
  const convert::Terms terms_;

  std::mutex mutex_;  // guards all below
  std::uint64_t next_stream_ = 1;
  bool stopped_ = false;
  std::condition_variable stopped_changed_;
  std::map<std::uint64_t, Connection*> connections_;  // each lives on its handler's stack
  std::map<SessionId, Connection*> sessions_;
  std::set<grpc::ServerContext*> contexts_;
  std::map<SessionId, std::uint64_t> safe_chunks_;  // the last number
};

}  // namespace millrace::gateway
