#include "dagctl/up.h"

#include <filesystem>
#include <iostream>

#include "dagctl/rest_client.h"

namespace millrace::dagctl {
namespace {

constexpr Duration kAliveLook = std::chrono::seconds(1);

Status Serve(const ClusterOptions& options, const Clock& clock, const StopSignals& signals,
             Children& children) {
  ASSIGN_OR_RETURN(const Login login, StartCluster(options, clock, signals, children));
  RETURN_IF_ERROR(RestClient(login.url, "").Get("/api/v2/monitor/health").status());
  std::cout << "Dashboard: " << login.url << "\nLogin:     admin, password in " << options.state
            << "/admin.password\nLogs:      " << options.state << "/*.log\nStop with Ctrl-C.\n"
            << std::flush;
  while (!signals.Asked(kAliveLook)) RETURN_IF_ERROR(children.CheckAlive());
  return OkStatus();
}

}  // namespace

Status Up(ClusterOptions options, const Clock& clock) {
  options.state = std::filesystem::absolute(options.state).string();
  const StopSignals signals;
  Children children(clock, signals);
  const Status status = Serve(options, clock, signals, children);
  if (status.ok() || status.code() == Code::kCancelled) return status;
  return {status.code(), status.message() + " (logs: " + options.state + "/*.log)"};
}

}  // namespace millrace::dagctl
