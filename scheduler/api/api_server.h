// The REST API, live events and the dashboard on one HTTP server: Airflow's API v2 on the wire, /millrace/v1
// beyond it. main.cc makes it, starts it once the loop runs, and hands it to the loop as the sink of the
// journal. Reads are answered from committed rows; changes go through the inbox and are answered when
// durable.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/status.h"
#include "scheduler/api/context.h"
#include "scheduler/api/view_handlers.h"
#include "scheduler/http/server.h"
#include "scheduler/sinks.h"

namespace millrace::api {

struct ApiOptions {
  http::ServerOptions server;
  std::string dashboard;  // the folder of its files; "" for none
  std::string version = "0.1.0";
  Duration patience = std::chrono::seconds(10);  // for the loop's answers
  RenderFields render = {};                      // without it task instances show no rendered fields
  JobLoader load_job = {};                       // without it no job can be sent
  std::optional<Credentials> credentials = {};   // without them there are no variables and connections
  Views views = {};
};

class RouteTable;

class ApiServer : public JournalSink {
 public:
  // Everything handed in outlives the server.
  ApiServer(ApiOptions options, Readers readers, Upkeep upkeep, Inbox& inbox, auth::Accounts& accounts,
            const Clock& clock, LogSink& log);
  ~ApiServer() override;
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

  Status Start();
  int port() const;
  void Stop();

  // On the loop's thread; counts, and rings a bell.
  void Committed(const std::shared_ptr<const Batch>& batch) override;

  // What is served, for tests that walk all of it.
  const RouteTable& routes() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace millrace::api
