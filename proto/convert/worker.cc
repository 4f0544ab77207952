#include "proto/convert/worker.h"

#include <algorithm>
#include <memory>

namespace millrace::convert {
namespace {

v1::Outcome OutcomeToWire(Outcome outcome) {
  switch (outcome) {
    case Outcome::kSuccess:
      return v1::OUTCOME_SUCCESS;
    case Outcome::kFailed:
      return v1::OUTCOME_FAILED;
    case Outcome::kFailFinal:
      return v1::OUTCOME_FAIL_FINAL;
    case Outcome::kSkipped:
      return v1::OUTCOME_SKIPPED;
    case Outcome::kKilled:
      return v1::OUTCOME_KILLED;
    case Outcome::kLost:
      return v1::OUTCOME_LOST;
    case Outcome::kNotYet:
      return v1::OUTCOME_NOT_YET;
  }
  return v1::OUTCOME_FAILED;
}

// A number of a newer version must not become a success.
Outcome OutcomeFromWire(v1::Outcome outcome) {
  switch (outcome) {
    case v1::OUTCOME_SUCCESS:
      return Outcome::kSuccess;
    case v1::OUTCOME_FAIL_FINAL:
      return Outcome::kFailFinal;
    case v1::OUTCOME_SKIPPED:
      return Outcome::kSkipped;
    case v1::OUTCOME_KILLED:
      return Outcome::kKilled;
    case v1::OUTCOME_LOST:
      return Outcome::kLost;
    case v1::OUTCOME_NOT_YET:
      return Outcome::kNotYet;
    default:
      return Outcome::kFailed;
  }
}

v1::StateOp OpToWire(StateOp op) {
  switch (op) {
    case StateOp::kGet:
      return v1::STATE_OP_GET;
    case StateOp::kSet:
      return v1::STATE_OP_SET;
    case StateOp::kDelete:
      return v1::STATE_OP_DELETE;
    case StateOp::kClear:
      return v1::STATE_OP_CLEAR;
  }
  return v1::STATE_OP_GET;
}

// A number of a newer version must not change anything.
StateOp OpFromWire(v1::StateOp op) {
  switch (op) {
    case v1::STATE_OP_SET:
      return StateOp::kSet;
    case v1::STATE_OP_DELETE:
      return StateOp::kDelete;
    case v1::STATE_OP_CLEAR:
      return StateOp::kClear;
    default:
      return StateOp::kGet;
  }
}

// Protobuf maps have no order of their own; values made from them do.
template <typename Map>
std::vector<std::pair<std::string, std::string>> Sorted(const Map& from) {
  std::vector<std::pair<std::string, std::string>> to(from.begin(), from.end());
  std::sort(to.begin(), to.end());
  return to;
}

}  // namespace

bool operator==(const Enclosed& a, const Enclosed& b) {
  const auto same = [](const DagFile& x, const DagFile& y) {
    return x.path == y.path && x.content == y.content;
  };
  return a.connections == b.connections && a.secrets == b.secrets && a.withheld == b.withheld &&
         std::equal(a.files.begin(), a.files.end(), b.files.begin(), b.files.end(), same);
}

void ToWire(const Fence& from, v1::Fence* to) {
  to->set_term(from.term);
  to->set_counter(from.counter);
}

Fence FromWire(const v1::Fence& from) { return {from.term(), from.counter()}; }

void ToWire(const Assignment& from, v1::Assignment* to) {
  ToWire(from.fence, to->mutable_fence());
  to->set_run(ToInt(from.instance.run));
  to->set_index(from.instance.index);
  to->set_dag_id(from.dag_id);
  to->set_run_id(from.run_id);
  to->set_task_id(from.task_id);
  to->set_try_number(from.try_number);
  to->set_kind(from.kind);
  to->set_with(from.with);
  to->set_context(from.context);
  for (const auto& [name, value] : from.environment) (*to->mutable_environment())[name] = value;
  for (const std::string& name : from.connections) (*to->mutable_connections())[name];
  for (const std::string& path : from.files) to->add_files()->set_path(path);
  to->set_timeout_micros(from.timeout.count());
  to->set_kill_grace_micros(from.kill_grace.count());
  to->set_slots(from.slots);
  if (from.stage != nullptr) ToWire(*from.stage, to->mutable_stage());
  for (const std::string& secret : from.secrets) to->add_secrets(secret);
}

void ToWire(const Enclosed& from, v1::Assignment* to) {
  to->clear_connections();
  to->clear_files();
  for (const auto& [name, value] : from.connections) (*to->mutable_connections())[name] = value;
  for (const DagFile& file : from.files) {
    v1::File* added = to->add_files();
    added->set_path(file.path);
    added->set_content(file.content);
  }
  for (const std::string& secret : from.secrets) to->add_secrets(secret);
  for (const auto& [name, reason] : from.withheld) (*to->mutable_withheld())[name] = reason;
}

Assignment FromWire(const v1::Assignment& from) {
  Assignment to;
  to.fence = FromWire(from.fence());
  to.instance = {RunKey{from.run()}, from.index()};
  to.dag_id = from.dag_id();
  to.run_id = from.run_id();
  to.task_id = from.task_id();
  to.try_number = from.try_number();
  to.kind = from.kind();
  to.with = from.with();
  to.context = from.context();
  to.environment = Sorted(from.environment());
  for (const auto& [name, value] : Sorted(from.connections())) to.connections.push_back(name);
  for (const v1::File& file : from.files()) to.files.push_back(file.path());
  to.timeout = Duration(from.timeout_micros());
  to.kill_grace = Duration(from.kill_grace_micros());
  to.slots = from.slots();
  if (from.has_stage()) to.stage = std::make_shared<const StageWork>(FromWire(from.stage()));
  to.secrets.assign(from.secrets().begin(), from.secrets().end());
  return to;
}

Enclosed EnclosedFromWire(const v1::Assignment& from) {
  Enclosed to;
  to.connections = Sorted(from.connections());
  for (const v1::File& file : from.files()) to.files.push_back({file.path(), file.content()});
  to.secrets.assign(from.secrets().begin(), from.secrets().end());
  to.withheld = Sorted(from.withheld());
  return to;
}

void ToWire(const Report& from, v1::Report* to) {
  to->set_sequence(from.sequence);
  ToWire(from.fence, to->mutable_fence());
  to->set_ended(from.ended);
  to->set_outcome(OutcomeToWire(from.outcome));
  if (from.exit_code) to->set_exit_code(*from.exit_code);
  to->set_message(from.message);
  to->set_result(from.result);
  to->set_error_class(from.error_class);
  to->set_started_at(ToMicros(from.started_at));
  to->set_ended_at(ToMicros(from.ended_at));
  if (from.stage.index() != 0) ToWire(from.stage, to->mutable_stage());
  for (const XComValue& xcom : from.xcoms) {
    v1::XCom* wire = to->add_xcoms();
    wire->set_key(xcom.key);
    wire->set_json(xcom.json);
  }
}

Report FromWire(const v1::Report& from) {
  Report to;
  to.sequence = from.sequence();
  to.fence = FromWire(from.fence());
  to.ended = from.ended();
  to.outcome = OutcomeFromWire(from.outcome());
  if (from.has_exit_code()) to.exit_code = from.exit_code();
  to.message = from.message();
  to.result = from.result();
  to.error_class = from.error_class();
  to.started_at = WallFromMicros(from.started_at());
  to.ended_at = WallFromMicros(from.ended_at());
  if (from.has_stage()) to.stage = FromWire(from.stage());
  for (const v1::XCom& xcom : from.xcoms()) to.xcoms.push_back({xcom.key(), xcom.json()});
  return to;
}

void ToWire(const WorkerJoined& from, v1::Join* to) {
  to->set_name(from.offer.name);
  to->set_hostname(from.offer.hostname);
  to->set_slots(from.offer.slots);
  to->mutable_labels()->Assign(from.offer.labels.begin(), from.offer.labels.end());
  to->set_version(from.offer.version);
  to->set_shuffle_address(from.offer.shuffle_address);
  to->set_shuffle_socket(from.offer.shuffle_socket);
  to->set_host_identity(from.offer.host_identity);
  to->set_engine_version(from.offer.engine_version);
  to->set_pid(from.offer.pid);
  to->set_memory_bytes(from.offer.memory_bytes);
  to->set_session(ToInt(from.resumed));
  for (const Fence& fence : from.inventory) ToWire(fence, to->add_inventory());
  for (const Report& report : from.reports) ToWire(report, to->add_reports());
  for (const StageAttempt& attempt : from.stages) {
    v1::StageAttempt* stage = to->add_stages();
    ToWire(attempt.fence, stage->mutable_fence());
    ToWire(attempt.job, stage->mutable_job());
    stage->set_stage(attempt.stage);
    stage->set_index(attempt.index);
  }
}

WorkerJoined FromWire(const v1::Join& from, std::uint64_t stream) {
  WorkerJoined to;
  to.stream = stream;
  to.offer.name = from.name();
  to.offer.hostname = from.hostname();
  to.offer.slots = from.slots();
  to.offer.labels = {from.labels().begin(), from.labels().end()};
  to.offer.version = from.version();
  to.offer.shuffle_address = from.shuffle_address();
  to.offer.shuffle_socket = from.shuffle_socket();
  to.offer.host_identity = from.host_identity();
  to.offer.engine_version = from.engine_version();
  to.offer.pid = from.pid();
  to.offer.memory_bytes = from.memory_bytes();
  to.resumed = SessionId{from.session()};
  for (const v1::Fence& fence : from.inventory()) to.inventory.push_back(FromWire(fence));
  for (const v1::Report& report : from.reports()) to.reports.push_back(FromWire(report));
  for (const v1::StageAttempt& stage : from.stages()) {
    to.stages.push_back({FromWire(stage.fence()), FromWire(stage.job()), stage.stage(), stage.index()});
  }
  return to;
}

void ToWire(const Welcome& from, const Terms& terms, v1::Welcome* to) {
  to->set_session(ToInt(from.session));
  to->set_term(from.term);
  to->set_refused(from.refused);
  for (const Fence& fence : from.kill) ToWire(fence, to->add_kill());
  to->set_acknowledged(from.acknowledged);
  to->set_heartbeat_micros(terms.heartbeat.count());
  to->set_lease_micros(terms.lease.count());
  to->set_shuffle_secret(terms.shuffle_secret);
}

Welcome FromWire(const v1::Welcome& from) {
  Welcome to;
  to.session = SessionId{from.session()};
  to.term = from.term();
  to.refused = from.refused();
  for (const v1::Fence& fence : from.kill()) to.kill.push_back(FromWire(fence));
  to.acknowledged = from.acknowledged();
  return to;
}

Terms TermsFromWire(const v1::Welcome& from) {
  return {Duration(from.heartbeat_micros()), Duration(from.lease_micros()), from.shuffle_secret()};
}

void ToWire(const StateRequest& from, v1::StateRequest* to) {
  ToWire(from.fence, to->mutable_fence());
  to->set_id(from.id);
  to->set_op(OpToWire(from.op));
  to->set_dataset(from.dataset);
  to->set_key(from.key);
  to->set_json(from.json);
  to->set_retention_micros(from.retention.count());
}

StateRequest FromWire(const v1::StateRequest& from) {
  return {FromWire(from.fence()), from.id(),   OpFromWire(from.op()),
          from.dataset(),         from.key(),  from.json(),
          Duration(from.retention_micros())};
}

void ToWire(const StateAnswer& from, v1::StateAnswer* to) {
  ToWire(from.fence, to->mutable_fence());
  to->set_id(from.id);
  to->set_found(from.found);
  to->set_json(from.json);
  to->set_error(from.error);
}

StateAnswer FromWire(const v1::StateAnswer& from) {
  return {SessionId{}, FromWire(from.fence()), from.id(), from.found(), from.json(), from.error()};
}

}  // namespace millrace::convert
