// The control stream's values on the wire and back (proto/worker.proto). Called by the gateway, the agent and
// the runner; any thread. As in job.h, what strangers send becomes values that their user checks.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/model/attempt.h"
#include "core/model/dag.h"
#include "core/model/effect.h"
#include "core/model/event.h"
#include "proto/convert/job.h"
#include "proto/worker.pb.h"

namespace millrace::convert {

// What the gateway adds to an assignment and only a runner sees: values of its connections, content of its
// files.
struct Enclosed {
  std::vector<std::pair<std::string, std::string>> connections;  // name -> URI; secret
  std::vector<DagFile> files;
  std::vector<std::string> secrets;  // texts that logs and answers must not show
  std::vector<std::pair<std::string, std::string>> withheld = {};  // connections that it may not have -> why
  friend bool operator==(const Enclosed& a, const Enclosed& b);
};

void ToWire(const Fence& from, v1::Fence* to);
Fence FromWire(const v1::Fence& from);

// dag_hash stays behind: the files travel themselves.
void ToWire(const Assignment& from, v1::Assignment* to);
void ToWire(const Enclosed& from, v1::Assignment* to);
Assignment FromWire(const v1::Assignment& from);
Enclosed EnclosedFromWire(const v1::Assignment& from);

void ToWire(const Report& from, v1::Report* to);
Report FromWire(const v1::Report& from);

// `stream` is the receiver's own handle.
void ToWire(const WorkerJoined& from, v1::Join* to);
WorkerJoined FromWire(const v1::Join& from, std::uint64_t stream);

// What a Welcome says beyond the engine's own: the gateway knows it from its options.
struct Terms {
  Duration heartbeat{0};
  Duration lease{0};
  std::string shuffle_secret;
};
void ToWire(const Welcome& from, const Terms& terms, v1::Welcome* to);
Welcome FromWire(const v1::Welcome& from);
Terms TermsFromWire(const v1::Welcome& from);

void ToWire(const StateRequest& from, v1::StateRequest* to);
StateRequest FromWire(const v1::StateRequest& from);
// The session stays behind: it is the stream's.
void ToWire(const StateAnswer& from, v1::StateAnswer* to);
StateAnswer FromWire(const v1::StateAnswer& from);

}  // namespace millrace::convert
