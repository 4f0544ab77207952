#include "proto/convert/job.h"

#include <algorithm>
#include <utility>

#include "proto/convert/job_parts.h"

namespace millrace::convert {

void ToWire(const HeavyKey& from, v1::HeavyKey* to) {
  to->set_hash(from.hash);
  to->set_bytes(from.bytes);
  to->set_text(from.text);
}

void ToWire(const SaltedKey& from, v1::SaltedKey* to) {
  to->set_hash(from.hash);
  to->set_first(from.first);
  to->set_count(from.count);
}

void ToWire(const ByteRange& from, v1::ByteRange* to) {
  to->set_begin(from.begin);
  to->set_end(from.end);
}

void ToWire(const Counter& from, v1::Counter* to) {
  to->set_name(from.name);
  to->set_total(from.total);
}

void ToWire(const PublishedSide& from, v1::PublishedSide* to) {
  to->set_name(from.name);
  to->set_path(from.path);
  to->set_files(from.files);
  to->set_rows(from.rows);
  to->set_bytes(from.bytes);
}

void ToWire(const MapOutput& from, v1::MapOutput* to) {
  to->set_stage(from.stage);
  to->set_map_index(from.map_index);
  to->set_term(from.fence.term);
  to->set_counter(from.fence.counter);
  to->set_session(ToInt(from.session));
  to->set_shuffle_address(from.shuffle_address);
  to->set_shuffle_socket(from.shuffle_socket);
  to->set_host_identity(from.host_identity);
}

void ToWire(const OutputFile& from, v1::OutputFile* to) {
  to->set_path(from.path);
  to->set_bytes(from.bytes);
  to->set_rows(from.rows);
  to->set_checksum(from.checksum);
  to->set_output(from.output);
}

void ToWire(const TaskRead& from, v1::TaskRead* to) {
  to->set_view(from.view);
  ListToWire(from.columns, to->mutable_columns());
  to->set_partition_begin(from.partition_begin);
  to->set_partition_end(from.partition_end);
  ListToWire(from.sources, to->mutable_sources());
  ListToWire(from.cuts, to->mutable_cuts());
  to->set_hash(from.hash);
}

void ToWire(const StageTaskWork& from, v1::StageTaskWork* to) {
  to->set_stage(from.stage);
  to->set_index(from.index);
  ToWire(from.plan, to->mutable_plan());
  ListToWire(from.inputs, to->mutable_inputs());
  ListToWire(from.splits, to->mutable_splits());
  ListToWire(from.reads, to->mutable_reads());
  to->set_partitions(from.partitions);
  Copy(from.bounds, to->mutable_bounds());
  ListToWire(from.salts, to->mutable_salts());
  to->set_salted_partitions(from.salted_partitions);
  to->set_replicates(from.replicates);
}

void ToWire(const LostOutput& from, v1::LostOutput* to) {
  to->set_stage(from.stage);
  to->set_map_index(from.map_index);
}

void ToWire(const PublishWork& from, v1::PublishWork* to) {
  ListToWire(from.files, to->mutable_files());
  ListToWire(from.output, to->mutable_output());
  Copy(from.check_states, to->mutable_check_states());
  ListToWire(from.sides, to->mutable_sides());
}

Counter FromWire(const v1::Counter& from) { return {from.name(), from.total()}; }

PublishedSide FromWire(const v1::PublishedSide& from) {
  return {from.name(), from.path(), from.files(), from.rows(), from.bytes()};
}

OutputFile FromWire(const v1::OutputFile& from) {
  return {from.path(), from.bytes(), from.rows(), from.checksum(), from.output()};
}

MapOutput FromWire(const v1::MapOutput& from) {
  MapOutput to;
  to.stage = from.stage();
  to.map_index = from.map_index();
  to.fence = {from.term(), from.counter()};
  to.session = SessionId{from.session()};
  to.shuffle_address = from.shuffle_address();
  to.shuffle_socket = from.shuffle_socket();
  to.host_identity = from.host_identity();
  return to;
}

HeavyKey FromWire(const v1::HeavyKey& from) { return {from.hash(), from.bytes(), from.text()}; }

SaltedKey FromWire(const v1::SaltedKey& from) { return {from.hash(), from.first(), from.count()}; }

ByteRange FromWire(const v1::ByteRange& from) { return {from.begin(), from.end()}; }

TaskRead FromWire(const v1::TaskRead& from) {
  return {from.view(), ListFromWire(from.columns()), from.partition_begin(), from.partition_end(),
          ListFromWire(from.sources()), ListFromWire(from.cuts()), from.hash()};
}

StageTaskWork FromWire(const v1::StageTaskWork& from) {
  StageTaskWork to;
  to.stage = from.stage();
  to.index = from.index();
  to.plan = FromWire(from.plan());
  to.inputs = ListFromWire(from.inputs());
  to.splits = ListFromWire(from.splits());
  to.reads = ListFromWire(from.reads());
  to.partitions = from.partitions();
  to.bounds = Copy(from.bounds());
  to.salts = ListFromWire(from.salts());
  to.salted_partitions = from.salted_partitions();
  to.replicates = from.replicates();
  return to;
}

LostOutput FromWire(const v1::LostOutput& from) { return {from.stage(), from.map_index()}; }

PublishWork FromWire(const v1::PublishWork& from) {
  return {ListFromWire(from.files()), ListFromWire(from.output()), Copy(from.check_states()),
          ListFromWire(from.sides())};
}

MapResult FromWire(const v1::MapResult& from) {
  MapResult to;
  to.output = FromWire(from.output());
  to.partitions.resize(
      static_cast<std::size_t>(std::max(from.partition_bytes_size(), from.partition_rows_size())));
  for (int i = 0; i < from.partition_bytes_size(); ++i) {
    to.partitions[static_cast<std::size_t>(i)].bytes = from.partition_bytes(i);
  }
  for (int i = 0; i < from.partition_rows_size(); ++i) {
    to.partitions[static_cast<std::size_t>(i)].rows = from.partition_rows(i);
  }
  to.digest = from.digest();
  to.input_rows = from.input_rows();
  to.spilled_bytes = from.spilled_bytes();
  to.local_bytes = from.local_bytes();
  to.fetched_bytes = from.fetched_bytes();
  to.sample = Copy(from.sample());
  to.order_digest = from.order_digest();
  to.input_bytes = from.input_bytes();
  to.heavy = ListFromWire(from.heavy());
  to.files = ListFromWire(from.files());
  to.counters = ListFromWire(from.counters());
  return to;
}

ReduceResult FromWire(const v1::ReduceResult& from) {
  ReduceResult to;
  to.files = ListFromWire(from.files());
  to.check_state = from.check_state();
  to.input_rows = from.input_rows();
  to.local_bytes = from.local_bytes();
  to.fetched_bytes = from.fetched_bytes();
  to.lost_maps = ListFromWire(from.lost_maps());
  to.input_bytes = from.input_bytes();
  to.counters = ListFromWire(from.counters());
  return to;
}

namespace {

struct WorkToWire {
  v1::StageWork* to;
  void operator()(const PlanWork&) const { to->mutable_plan(); }
  void operator()(const StageTaskWork& from) const { ToWire(from, to->mutable_task()); }
  void operator()(const FusedWork& from) const { ToWire(from.plan, to->mutable_fused()->mutable_plan()); }
  void operator()(const PublishWork& from) const { ToWire(from, to->mutable_publish()); }
};

struct ResultToWire {
  v1::StageResult* to;
  void operator()(std::monostate) const { to->Clear(); }
  void operator()(const PlanResult& from) const { ToWire(from.plan, to->mutable_plan()->mutable_plan()); }
  void operator()(const MapResult& from) const {
    v1::MapResult* map = to->mutable_map();
    ToWire(from.output, map->mutable_output());
    for (const PartitionSize& size : from.partitions) {
      map->add_partition_bytes(size.bytes);
      map->add_partition_rows(size.rows);
    }
    map->set_digest(from.digest);
    map->set_input_rows(from.input_rows);
    map->set_spilled_bytes(from.spilled_bytes);
    map->set_local_bytes(from.local_bytes);
    map->set_fetched_bytes(from.fetched_bytes);
    Copy(from.sample, map->mutable_sample());
    map->set_order_digest(from.order_digest);
    map->set_input_bytes(from.input_bytes);
    ListToWire(from.heavy, map->mutable_heavy());
    ListToWire(from.files, map->mutable_files());
    ListToWire(from.counters, map->mutable_counters());
  }
  void operator()(const ReduceResult& from) const {
    v1::ReduceResult* reduce = to->mutable_reduce();
    ListToWire(from.files, reduce->mutable_files());
    reduce->set_check_state(from.check_state);
    reduce->set_input_rows(from.input_rows);
    reduce->set_local_bytes(from.local_bytes);
    reduce->set_fetched_bytes(from.fetched_bytes);
    ListToWire(from.lost_maps, reduce->mutable_lost_maps());
    reduce->set_input_bytes(from.input_bytes);
    ListToWire(from.counters, reduce->mutable_counters());
  }
  void operator()(const PublishResult& from) const {
    v1::PublishResult* publish = to->mutable_publish();
    publish->set_path(from.path);
    ListToWire(from.files, publish->mutable_files());
    publish->set_checks(from.checks);
    ListToWire(from.sides, publish->mutable_sides());
  }
};

}  // namespace

void ToWire(const JobKey& from, v1::JobKey* to) {
  to->set_run(ToInt(from.instance.run));
  to->set_index(from.instance.index);
  to->set_try_number(from.try_number);
}

void ToWire(const StageWork& from, v1::StageWork* to) {
  ToWire(from.job, to->mutable_job());
  to->set_folder(from.folder);
  std::visit(WorkToWire{to}, from.work);
}

void ToWire(const StageResult& from, v1::StageResult* to) { std::visit(ResultToWire{to}, from); }

JobKey FromWire(const v1::JobKey& from) { return {{RunKey{from.run()}, from.index()}, from.try_number()}; }

StageWork FromWire(const v1::StageWork& from) {
  StageWork to;
  to.job = FromWire(from.job());
  to.folder = from.folder();
  switch (from.work_case()) {
    case v1::StageWork::kTask:
      to.work = FromWire(from.task());
      break;
    case v1::StageWork::kFused:
      to.work = FusedWork{FromWire(from.fused().plan())};
      break;
    case v1::StageWork::kPublish:
      to.work = FromWire(from.publish());
      break;
    case v1::StageWork::kPlan:
    case v1::StageWork::WORK_NOT_SET:
      to.work = PlanWork{};
      break;
  }
  return to;
}

StageResult FromWire(const v1::StageResult& from) {
  switch (from.result_case()) {
    case v1::StageResult::kPlan:
      return PlanResult{FromWire(from.plan().plan())};
    case v1::StageResult::kMap:
      return FromWire(from.map());
    case v1::StageResult::kReduce:
      return FromWire(from.reduce());
    case v1::StageResult::kPublish:
      return PublishResult{from.publish().path(), ListFromWire(from.publish().files()),
                           from.publish().checks(), ListFromWire(from.publish().sides())};
    case v1::StageResult::RESULT_NOT_SET:
      break;
  }
  return std::monostate{};
}

}  // namespace millrace::convert
