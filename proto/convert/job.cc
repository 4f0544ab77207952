#include "proto/convert/job.h"

#include <algorithm>
#include <utility>

namespace millrace::convert {
namespace {

template <typename Strings>
std::vector<std::string> Copy(const Strings& from) {
  return {from.begin(), from.end()};
}

template <typename Strings>
void Copy(const std::vector<std::string>& from, Strings* to) {
  to->Assign(from.begin(), from.end());
}

// Declared first, so that the list functions find them.
void ToWire(const Column& from, v1::Column* to);
void ToWire(const Split& from, v1::Split* to);
void ToWire(const InputFacts& from, v1::InputFacts* to);
void ToWire(const OutputFile& from, v1::OutputFile* to);
void ToWire(const LostOutput& from, v1::LostOutput* to);
void ToWire(const TaskRead& from, v1::TaskRead* to);
void ToWire(const StagePlan& from, v1::StagePlan* to);
void ToWire(const StageRead& from, v1::StageRead* to);
void ToWire(const Step& from, v1::Step* to);
void ToWire(const MapOutput& from, v1::MapOutput* to);
void ToWire(const HeavyKey& from, v1::HeavyKey* to);
void ToWire(const SaltedKey& from, v1::SaltedKey* to);
void ToWire(const ByteRange& from, v1::ByteRange* to);
void ToWire(const SideOutput& from, v1::SideOutput* to);
void ToWire(const CachedStage& from, v1::CachedStage* to);
void ToWire(const Counter& from, v1::Counter* to);
void ToWire(const PublishedSide& from, v1::PublishedSide* to);
Column FromWire(const v1::Column& from);
Split FromWire(const v1::Split& from);
InputFacts FromWire(const v1::InputFacts& from);
OutputFile FromWire(const v1::OutputFile& from);
LostOutput FromWire(const v1::LostOutput& from);
TaskRead FromWire(const v1::TaskRead& from);
StagePlan FromWire(const v1::StagePlan& from);
StageRead FromWire(const v1::StageRead& from);
Step FromWire(const v1::Step& from);
MapOutput FromWire(const v1::MapOutput& from);
HeavyKey FromWire(const v1::HeavyKey& from);
SaltedKey FromWire(const v1::SaltedKey& from);
ByteRange FromWire(const v1::ByteRange& from);
SideOutput FromWire(const v1::SideOutput& from);
CachedStage FromWire(const v1::CachedStage& from);
Counter FromWire(const v1::Counter& from);
PublishedSide FromWire(const v1::PublishedSide& from);

template <typename Model, typename Wire>
void ListToWire(const std::vector<Model>& from, Wire* to) {
  to->Reserve(static_cast<int>(from.size()));
  for (const Model& one : from) ToWire(one, to->Add());
}

template <typename Wire>
auto ListFromWire(const Wire& from) {
  std::vector<decltype(FromWire(*from.begin()))> to;
  to.reserve(static_cast<std::size_t>(from.size()));
  for (const auto& one : from) to.push_back(FromWire(one));
  return to;
}

void ToWire(const Column& from, v1::Column* to) {
  to->set_name(from.name);
  to->set_type(from.type);
}

void ToWire(const Split& from, v1::Split* to) {
  to->set_input(from.input);
  to->set_path(from.path);
  to->set_begin(from.begin);
  to->set_end(from.end);
  to->set_bytes(from.bytes);
  to->set_files(from.files);
}

void ToWire(const CsvDialect& from, v1::CsvDialect* to) {
  to->set_delimiter(from.delimiter);
  to->set_quote(from.quote);
  to->set_escape(from.escape);
  to->set_comment(from.comment);
  to->set_date_format(from.date_format);
  to->set_timestamp_format(from.timestamp_format);
  to->set_null_text(from.null_text);
  to->set_skip(from.skip);
  to->set_header(from.header);
}

void ToWire(const InputFacts& from, v1::InputFacts* to) {
  to->set_name(from.name);
  to->set_format(from.format);
  to->set_broadcast(from.broadcast);
  ListToWire(from.columns, to->mutable_columns());
  Copy(from.paths, to->mutable_paths());
  to->set_bytes(from.bytes);
  to->set_rows(from.rows);
  ToWire(from.csv, to->mutable_csv());
  to->set_own_reader(from.own_reader);
  to->set_reader_reason(from.reader_reason);
  Copy(from.path_columns, to->mutable_path_columns());
  to->set_pruned_files(from.pruned_files);
}

void ToWire(const Fragment& from, v1::Fragment* to) {
  to->set_sql(from.sql);
  Copy(from.command, to->mutable_command());
  to->set_library(from.library);
  to->set_class_name(from.class_name);
}

void ToWire(const Step& from, v1::Step* to) {
  to->set_name(from.name);
  to->set_view(from.view);
  ToWire(from.code, to->mutable_code());
  to->set_kept(from.kept);
}

void ToWire(const StageRead& from, v1::StageRead* to) {
  to->set_view(from.view);
  to->set_stage(from.stage);
  ListToWire(from.columns, to->mutable_columns());
  to->set_group(from.group);
  to->set_broadcast(from.broadcast);
}

void ToWire(const StageJoin& from, v1::StageJoin* to) {
  to->set_type(from.type);
  to->set_strategy(from.strategy);
  to->set_left(from.left);
  to->set_right(from.right);
}

void ToWire(const StageCut& from, v1::StageCut* to) {
  Copy(from.views, to->mutable_views());
  ListToWire(from.partial, to->mutable_partial());
  to->set_never(from.never);
  to->set_bytes(from.bytes);
}

void ToWire(const HeavyKey& from, v1::HeavyKey* to) {
  to->set_hash(from.hash);
  to->set_bytes(from.bytes);
  to->set_text(from.text);
}

void ToWire(const StageSalt& from, v1::StageSalt* to) {
  to->set_partitions(from.partitions);
  ListToWire(from.heavy, to->mutable_heavy());
  to->set_sampled_bytes(from.sampled_bytes);
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

void ToWire(const SideOutput& from, v1::SideOutput* to) {
  to->set_name(from.name);
  to->set_view(from.view);
  ListToWire(from.columns, to->mutable_columns());
  to->set_path(from.path);
  to->set_format(from.format);
  Copy(from.partition_by, to->mutable_partition_by());
  to->set_file_bytes(from.file_bytes);
  to->set_cached(from.cached);
}

void ToWire(const CachedStage& from, v1::CachedStage* to) {
  to->set_stage(from.stage);
  to->set_path(from.path);
  to->set_hit(from.hit);
  to->set_bytes(from.bytes);
  to->set_age_seconds(from.age_seconds);
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

void ToWire(const StagePlan& from, v1::StagePlan* to) {
  to->set_name(from.name);
  Copy(from.inputs, to->mutable_inputs());
  Copy(from.broadcast, to->mutable_broadcast());
  ListToWire(from.reads, to->mutable_reads());
  ListToWire(from.steps, to->mutable_steps());
  to->set_result(from.result);
  ListToWire(from.columns, to->mutable_columns());
  to->set_exchange(static_cast<v1::Exchange>(from.exchange));
  Copy(from.keys, to->mutable_keys());
  to->set_hash(from.hash);
  to->set_filter(from.filter);
  to->set_order(from.order);
  to->set_partitions(from.partitions);
  to->set_ordered(from.ordered);
  ToWire(from.join, to->mutable_join());
  ToWire(from.cut, to->mutable_cut());
  ToWire(from.salt, to->mutable_salt());
  ListToWire(from.sides, to->mutable_sides());
}

void ToWire(const JobPlan& from, v1::JobPlan* to) {
  ListToWire(from.inputs, to->mutable_inputs());
  ListToWire(from.splits, to->mutable_splits());
  ListToWire(from.stages, to->mutable_stages());
  ListToWire(from.fused, to->mutable_fused());
  to->set_ordered(from.ordered);
  ListToWire(from.output, to->mutable_output());
  to->set_partitions(from.partitions);
  to->set_mode(from.mode);
  to->set_input_bytes(from.input_bytes);
  ListToWire(from.cached, to->mutable_cached());
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

Column FromWire(const v1::Column& from) { return {from.name(), from.type()}; }

Split FromWire(const v1::Split& from) {
  // A plan of an older program counts no files.
  return {from.input(), from.path(), from.begin(), from.end(), from.bytes(), std::max(1, from.files())};
}

Fragment FromWire(const v1::Fragment& from) {
  return {from.sql(), Copy(from.command()), from.library(), from.class_name()};
}

SideOutput FromWire(const v1::SideOutput& from) {
  SideOutput to;
  to.name = from.name();
  to.view = from.view();
  to.columns = ListFromWire(from.columns());
  to.path = from.path();
  to.format = from.format();
  to.partition_by = Copy(from.partition_by());
  to.file_bytes = from.file_bytes();
  to.cached = from.cached();
  return to;
}

CachedStage FromWire(const v1::CachedStage& from) {
  return {from.stage(), from.path(), from.hit(), from.bytes(), from.age_seconds()};
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

CsvDialect FromWire(const v1::CsvDialect& from) {
  CsvDialect to;
  to.delimiter = from.delimiter();
  to.quote = from.quote();
  to.escape = from.escape();
  to.comment = from.comment();
  to.date_format = from.date_format();
  to.timestamp_format = from.timestamp_format();
  to.null_text = from.null_text();
  to.skip = from.skip();
  to.header = from.header();
  return to;
}

InputFacts FromWire(const v1::InputFacts& from) {
  InputFacts to;
  to.name = from.name();
  to.format = from.format();
  to.broadcast = from.broadcast();
  to.columns = ListFromWire(from.columns());
  to.paths = Copy(from.paths());
  to.bytes = from.bytes();
  to.rows = from.rows();
  to.csv = FromWire(from.csv());
  to.own_reader = from.own_reader();
  to.reader_reason = from.reader_reason();
  to.path_columns = Copy(from.path_columns());
  to.pruned_files = from.pruned_files();
  return to;
}

Step FromWire(const v1::Step& from) {
  return {from.name(), from.view(), FromWire(from.code()), from.kept()};
}

StageRead FromWire(const v1::StageRead& from) {
  return {from.view(), from.stage(), ListFromWire(from.columns()), from.group(), from.broadcast()};
}

// A value that this program does not know is not one that its scheduler sends.
Exchange FromWire(v1::Exchange from) {
  switch (from) {
    case v1::EXCHANGE_HASH:
      return Exchange::kHash;
    case v1::EXCHANGE_SCATTER:
      return Exchange::kScatter;
    case v1::EXCHANGE_RANGE:
      return Exchange::kRange;
    default:
      return Exchange::kFiles;
  }
}

StageCut FromWire(const v1::StageCut& from) {
  return {Copy(from.views()), ListFromWire(from.partial()), from.never(), from.bytes()};
}

HeavyKey FromWire(const v1::HeavyKey& from) { return {from.hash(), from.bytes(), from.text()}; }

StageSalt FromWire(const v1::StageSalt& from) {
  return {from.partitions(), ListFromWire(from.heavy()), from.sampled_bytes()};
}

SaltedKey FromWire(const v1::SaltedKey& from) { return {from.hash(), from.first(), from.count()}; }

ByteRange FromWire(const v1::ByteRange& from) { return {from.begin(), from.end()}; }

StagePlan FromWire(const v1::StagePlan& from) {
  StagePlan to;
  to.name = from.name();
  to.inputs = Copy(from.inputs());
  to.broadcast = Copy(from.broadcast());
  to.reads = ListFromWire(from.reads());
  to.steps = ListFromWire(from.steps());
  to.result = from.result();
  to.columns = ListFromWire(from.columns());
  to.exchange = FromWire(from.exchange());
  to.keys = Copy(from.keys());
  to.hash = from.hash();
  to.filter = from.filter();
  to.order = from.order();
  to.partitions = from.partitions();
  to.ordered = from.ordered();
  to.join = {from.join().type(), from.join().strategy(), from.join().left(), from.join().right()};
  to.cut = FromWire(from.cut());
  to.salt = FromWire(from.salt());
  to.sides = ListFromWire(from.sides());
  return to;
}

JobPlan FromWire(const v1::JobPlan& from) {
  JobPlan to;
  to.inputs = ListFromWire(from.inputs());
  to.splits = ListFromWire(from.splits());
  to.stages = ListFromWire(from.stages());
  to.fused = ListFromWire(from.fused());
  to.ordered = from.ordered();
  to.output = ListFromWire(from.output());
  to.partitions = from.partitions();
  to.mode = from.mode();
  to.input_bytes = from.input_bytes();
  to.cached = ListFromWire(from.cached());
  return to;
}

TaskRead FromWire(const v1::TaskRead& from) {
  return {from.view(), ListFromWire(from.columns()), from.partition_begin(), from.partition_end(),
          ListFromWire(from.sources()), ListFromWire(from.cuts())};
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
