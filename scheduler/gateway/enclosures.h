// What an assignment is handed beyond the engine's word: connection values and files of its DAG version.
// Writing threads of all streams; versions looked up lately are kept.
#pragma once

#include <list>
#include <mutex>
#include <string>

#include "core/base/log.h"
#include "scheduler/auth/connections.h"
#include "scheduler/gateway/connection.h"
#include "scheduler/store/reader.h"

namespace millrace::gateway {

class StoredEnclosures final : public Enclosures {
 public:
  StoredEnclosures(const auth::ConnectionSource& connections, store::DagReader& dags, LogSink& log)
      : connections_(connections), dags_(dags), log_(log) {}
  // What cannot be found is left out: the task kind then says what is missing.
  convert::Enclosed For(const Assignment& assignment) override;

 private:
  DagPtr Version(const std::string& dag_id, const std::string& hash);

  const auth::ConnectionSource& connections_;
  store::DagReader& dags_;
  LogSink& log_;
  std::mutex mutex_;
  std::list<DagPtr> recent_;  // guarded; most recent first
};

}  // namespace millrace::gateway
