// A plan of a job on the wire: inputs, splits, stages and their steps.
#include <algorithm>

#include "proto/convert/job_parts.h"

namespace millrace::convert {

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

void ToWire(const StageSalt& from, v1::StageSalt* to) {
  to->set_partitions(from.partitions);
  ListToWire(from.heavy, to->mutable_heavy());
  to->set_sampled_bytes(from.sampled_bytes);
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

Column FromWire(const v1::Column& from) { return {from.name(), from.type()}; }

Split FromWire(const v1::Split& from) {
  // A plan of an older program counts no files.
  return {from.input(), from.path(), from.begin(), from.end(), from.bytes(), std::max(1, from.files())};
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

Fragment FromWire(const v1::Fragment& from) {
  return {from.sql(), Copy(from.command()), from.library(), from.class_name()};
}

Step FromWire(const v1::Step& from) {
  return {from.name(), from.view(), FromWire(from.code()), from.kept()};
}

StageRead FromWire(const v1::StageRead& from) {
  return {from.view(), from.stage(), ListFromWire(from.columns()), from.group(), from.broadcast()};
}

StageCut FromWire(const v1::StageCut& from) {
  return {Copy(from.views()), ListFromWire(from.partial()), from.never(), from.bytes()};
}

StageSalt FromWire(const v1::StageSalt& from) {
  return {from.partitions(), ListFromWire(from.heavy()), from.sampled_bytes()};
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

}  // namespace millrace::convert
