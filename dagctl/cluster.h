// A scheduler and workers as children on this machine: of `dagctl up`, until Ctrl-C, and of `dagctl jobs run
// --local` and `dags test`, for one job or run. One thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/status.h"
#include "core/model/dag.h"
#include "dagctl/children.h"
#include "dagctl/login.h"
#include "dagctl/rest_client.h"

namespace millrace::dagctl {

struct ClusterOptions {
  std::string state;
  std::string dags;         // "": "dags", unless there are bundles
  std::string root;   // where the workers' relative data paths lie
  std::string webui;  // folder of the built dashboard; "": none
  int workers = 2;
  int slots = 4;
  int port = 0;  // HTTP; 0: any free one
  int max_map_length = 0;  // 0: the scheduler's own
  std::string lineage_url;         // "": no lineage by it
  std::string lineage_connection;  // the same
  std::string lineage_namespace;   // "": the scheduler's own
  std::string dag_bundles;         // the file that lists them; "": none
};

// Starts all of them; answers as soon as the scheduler serves. CANCELLED when a stop was asked for meanwhile.
StatusOr<Login> StartCluster(const ClusterOptions& options, const Clock& clock, const StopSignals& signals,
                             Children& children);

// Until every worker has joined.
Status AwaitWorkers(const Login& login, int workers, const Clock& clock, const StopSignals& signals,
                    Children& children);

// Lets so much time pass; an error means: do not go on.
using Pass = std::function<Status(Duration)>;
// Until the workers have let go of what was cancelled, and of what it had staged; ten seconds at most.
void AwaitIdle(RestClient& client, const Pass& pass);

// A cluster in a private folder, which is gone when this is gone, with all processes.
class LocalCluster {
 public:
  LocalCluster(const Clock& clock, const StopSignals& signals)
      : clock_(clock), signals_(signals), children_(clock, signals) {}
  ~LocalCluster();
  LocalCluster(const LocalCluster&) = delete;
  LocalCluster& operator=(const LocalCluster&) = delete;

  // Ready for work when it answers. `dags` is what its DAG folder holds.
  StatusOr<Login> Start(const std::string& root, int workers, int slots,
                        const std::vector<DagFile>& dags = {});
  Children& children() { return children_; }

 private:
  const Clock& clock_;
  const StopSignals& signals_;
  Children children_;
  std::string folder_;
  std::string root_;
};

}  // namespace millrace::dagctl
