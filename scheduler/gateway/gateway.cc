#include "scheduler/gateway/gateway.h"

#include <grpc/support/time.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/resource_quota.h>

#include "scheduler/gateway/acceptor.h"
#include "scheduler/gateway/enclosures.h"
#include "scheduler/gateway/worker_service.h"

namespace millrace::gateway {
namespace {

constexpr int kMaxReceive = 4 << 20;
constexpr int kKeepaliveMillis = 10'000;
constexpr int kIdleMillis = 60'000;
constexpr int kStreamsAConnection = 16;

}  // namespace

struct Gateway::Serving {
  Serving(GatewayOptions given, GatewayParts given_parts)
      : options(std::move(given)),
        parts(given_parts),
        enclosures(parts.connections, parts.dags, parts.log),
        service(options, parts, enclosures),
        acceptor(options.max_connections, parts.log, [this](int listener, int socket) {
          grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters parameters;
          parameters.listener_fd = listener;
          parameters.fd = socket;
          connections->HandleNewConnection(&parameters);
        }) {}

  const GatewayOptions options;
  const GatewayParts parts;
  StoredEnclosures enclosures;
  WorkerServiceImpl service;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> connections;
  std::unique_ptr<grpc::Server> server;
  Acceptor acceptor;
};

Gateway::Gateway(GatewayOptions options, GatewayParts parts)
    : serving_(std::make_unique<Serving>(std::move(options), parts)) {}

Gateway::~Gateway() { Stop(); }

Status Gateway::Start() {
  RETURN_IF_ERROR(serving_->acceptor.Listen(serving_->options.address, serving_->options.port));
  grpc::ServerBuilder builder;
  builder.RegisterService(&serving_->service);
  builder.SetMaxReceiveMessageSize(kMaxReceive);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMillis);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveMillis);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 1000);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, kIdleMillis);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kStreamsAConnection);
  // A stream holds a thread while it lasts: two a worker, and some to spare.
  grpc::ResourceQuota quota;
  quota.SetMaxThreads(2 * serving_->options.max_connections + 16);
  builder.SetResourceQuota(quota);
  builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  serving_->connections = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
      grpc::InsecureServerCredentials());
  serving_->server = builder.BuildAndStart();
  if (serving_->server == nullptr) return Internal("the gRPC server cannot be started");
  serving_->acceptor.Run();
  return OkStatus();
}

int Gateway::port() const { return serving_->acceptor.port(); }

void Gateway::Stop() {
  serving_->acceptor.Stop();
  if (serving_->server == nullptr) return;
  serving_->service.CloseAll(true);
  serving_->server->Shutdown(gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_seconds(1, GPR_TIMESPAN)));
  serving_->server->Wait();
  serving_->server.reset();
}

void Gateway::Deliver(std::span<const Effect> effects) { serving_->service.Deliver(effects); }

void Gateway::Reset(const std::string& reason) {
  serving_->parts.log.Log(LogLevel::kWarning, "Workers must join again (reason=" + reason + ")");
  serving_->service.CloseAll(false);
}

}  // namespace millrace::gateway
