// The workers' door: gRPC streams on one side, the loop's inbox and its effects on the other. Tokens are
// checked before anything is read; what comes in becomes events, effects go out in the order the loop gave
// them. To an assignment it adds what nothing else may hold: the values of the connections that it names, and
// its DAG version's files. Log chunks go to the log segments and never see the loop.
//
// main.cc owns one. Deliver and Reset are called on the loop's thread and only hand over; everything else
// happens on the gateway's threads. It decides nothing about sessions or attempts.
#pragma once

#include <memory>
#include <string>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/status.h"
#include "scheduler/auth/connections.h"
#include "scheduler/auth/identity.h"
#include "scheduler/inbox.h"
#include "scheduler/sinks.h"
#include "scheduler/store/logs.h"
#include "scheduler/store/reader.h"

namespace millrace::gateway {

struct GatewayOptions {
  std::string address = "127.0.0.1";             // numeric
  int port = 0;                                  // 0: any free one
  Duration heartbeat = std::chrono::seconds(3);  // told to workers; the engine's
  Duration lease = std::chrono::seconds(30);
  std::string shuffle_secret;
  int max_connections = 512;
};

// All of it outlives the gateway.
struct GatewayParts {
  const Clock& clock;
  LogSink& log;
  Inbox& inbox;
  auth::TokenVerifier& tokens;
  const auth::ConnectionSource& connections;
  store::DagReader& dags;
  store::LogWriter& logs;
};

class Gateway final : public EffectSink {
 public:
  Gateway(GatewayOptions options, GatewayParts parts);
  ~Gateway() override;

  // Listens and serves; from then on workers are let in.
  Status Start();
  // The port that Start got.
  int port() const;
  // Ends every stream and waits for the threads. Nothing is put into the inbox afterwards.
  void Stop();

  void Deliver(std::span<const Effect> effects) override;
  void Reset(const std::string& reason) override;

 private:
  struct Serving;
  std::unique_ptr<Serving> serving_;
};

}  // namespace millrace::gateway
