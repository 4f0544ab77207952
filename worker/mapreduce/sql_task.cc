#include "worker/mapreduce/sql_task.h"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <utility>

#include "platform/failpoint/failpoint.h"
#include "worker/mapreduce/inputs.h"
#include "worker/mapreduce/native.h"
#include "worker/mapreduce/output.h"
#include "worker/mapreduce/pairs.h"
#include "worker/mapreduce/turns.h"
#include "worker/sql/shuffle_copy.h"

namespace millrace::mapreduce {
namespace {

using sql::QuoteName;

constexpr std::uint64_t kScarceBytes = std::uint64_t{512} << 20;

// The views of what a task reads.
struct Views {
  InputViews inputs;
  std::vector<std::unique_ptr<sql::ShuffleInput>> shuffles;  // as in the work
  std::unique_ptr<sql::ShuffleInput> reduced;                // or what native code made of them
};

// Maps whose blocks turned out corrupt, as lost outputs.
void AddLost(std::vector<LostOutput>& lost, const TaskRead& read, const std::vector<std::int32_t>& corrupt) {
  for (const std::int32_t map : corrupt) {
    for (const MapOutput& source : read.sources) {
      if (source.map_index == map) lost.push_back({source.stage, map});
    }
  }
}

Status OpenShuffles(sql::Connection& connection, const StageTaskWork& work, Gathered gathered, Views& views,
                    std::vector<LostOutput>& lost) {
  for (std::size_t i = 0; i < work.reads.size(); ++i) {
    const TaskRead& read = work.reads[i];
    std::vector<std::int32_t> corrupt;
    StatusOr<std::unique_ptr<sql::ShuffleInput>> input =
        sql::OpenShuffleInput(connection, read.view, read.columns, std::move(gathered.reads[i]), &corrupt);
    AddLost(lost, read, corrupt);
    RETURN_IF_ERROR(input.status());
    views.shuffles.push_back(*std::move(input));
  }
  return OkStatus();
}

bool IsNative(const Step& step) { return !step.code.command.empty() || !step.code.library.empty(); }

// In place of the pairs that the task reads: what reduce makes of them, as the view of its step.
Status OpenReduced(sql::Connection& connection, const Site& site, const StageTaskWork& work,
                   const Gathered& gathered, ReducedPairs& reduced, Views& views,
                   std::vector<LostOutput>& lost) {
  ASSIGN_OR_RETURN(reduced, ReducePairs(site, work, gathered));
  lost = reduced.lost;
  if (!lost.empty()) return DataLoss("blocks of pairs are corrupt");
  const auto step = std::find_if(work.plan.steps.begin(), work.plan.steps.end(), &IsNative);
  ASSIGN_OR_RETURN(
      std::unique_ptr<sql::ShuffleInput> input,
      sql::OpenShuffleInput(connection, step->view, work.reads.front().columns, std::move(reduced.blocks)));
  views.reduced = std::move(input);
  return OkStatus();
}

// The stage's rows as lines of a file, and those through the author's code. Lines of text come from the
// splits as they are.
StatusOr<shuffle::FinishedOutput> MapRows(sql::Connection& connection, const Site& site,
                                          const StageTaskWork& work, std::int64_t& lines,
                                          std::vector<Counter>& counters) {
  const std::string& sql = CodeOf(work.plan, "map")->sql;
  if (sql.empty()) return MapByUserCode(site, work, {site.job, work.stage, work.index}, lines, counters);
  const std::string path = site.scratch + "/rows.txt";
  RETURN_IF_ERROR(connection
                      .Run("COPY (" + sql + ") TO " + sql::QuoteText(path) +
                           " (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER E'\\x01')")
                      .status());
  StageTaskWork of_lines{
      .stage = work.stage, .index = work.index, .plan = work.plan, .partitions = work.partitions};
  of_lines.splits.push_back({.input = "", .path = path});
  StatusOr<shuffle::FinishedOutput> output =
      MapByUserCode(site, of_lines, {site.job, work.stage, work.index}, lines, counters);
  std::remove(path.c_str());
  return output;
}

// Of splits, known of Parquet alone, whose splits are ranges of rows.
std::int64_t RowsOf(const StageTaskWork& work) {
  std::int64_t rows = 0;
  for (const Split& split : work.splits) {
    const auto is_input = [&](const InputFacts& input) {
      return input.name == split.input && input.format == "parquet";
    };
    if (std::any_of(work.inputs.begin(), work.inputs.end(), is_input)) rows += split.end - split.begin;
  }
  return rows;
}

// Its files beside those of other tasks of the job.
std::string TaskName(const StageTaskWork& work) {
  return std::to_string(work.stage) + "-" + std::to_string(work.index);
}

std::string Hex(const std::string& bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    hex += kDigits[static_cast<unsigned char>(c) >> 4];
    hex += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return hex;
}

StatusOr<shuffle::FinishedOutput> WriteShuffle(sql::Connection& connection, const Site& site,
                                               const StageTaskWork& work,
                                               std::function<StatusOr<bool>(std::uint64_t)> again,
                                               std::vector<std::string>& sample,
                                               std::vector<HeavyKey>& heavy) {
  const StagePlan& plan = work.plan;
  const std::string where = plan.filter.empty() ? "" : " WHERE " + plan.filter;
  sql::MapFragment fragment{.select = "SELECT * FROM " + QuoteName(plan.result) + where,
                            .keys = plan.keys,
                            .partitions = static_cast<std::uint32_t>(work.partitions),
                            .buffer_bytes = ShuffleBytes(site),
                            .memory_bytes = ShuffleBytes(site),
                            .folder = site.scratch};
  fragment.hash = plan.hash;
  fragment.scatter = plan.exchange == Exchange::kScatter;
  fragment.order = plan.order;
  fragment.bounds = work.bounds;
  fragment.salts = work.salts;
  fragment.salted_partitions = static_cast<std::uint32_t>(work.salted_partitions);
  fragment.replicates = work.replicates;
  fragment.again = std::move(again);
  fragment.sample = &sample;
  fragment.heavy = &heavy;
  ASSIGN_OR_RETURN(shuffle::FinishedOutput output,
                   sql::RunMapFragment(connection, fragment, {site.job, work.stage, work.index}, site.fence));
  for (std::string& value : sample) value = Hex(value);
  std::sort(sample.begin(), sample.end());
  return output;
}

// One task as it proceeds from turn to turn.
class SqlTask {
 public:
  SqlTask(sql::Connection& connection, const Site& site, const StageTaskWork& work, const Gathered& gathered)
      : connection_(connection), site_(site), work_(work), turns_(site, work, gathered) {}

  StatusOr<StageTaskOutput> Run(Gathered gathered);

 private:
  Status Open(Gathered gathered);
  // The views show the rows of the turn, and what is written beside its own rows is written.
  Status BeginTurn();
  StatusOr<bool> NextTurn(std::uint64_t bytes);
  Status EndTurn();
  Status WriteBlocks(StageTaskOutput& output);
  Status WriteFiles();
  StageTaskOutput Answer(StageTaskOutput output);

  sql::Connection& connection_;
  const Site& site_;
  const StageTaskWork& work_;
  Turns turns_;
  ReducedPairs reduced_;  // outlives its view
  Views views_;
  std::vector<LostOutput> lost_;
  std::vector<OutputFile> files_;  // of the stage's own rows
  std::vector<OutputFile> beside_;
  std::int64_t input_rows_ = 0;
  std::vector<std::string> sample_;
  std::vector<HeavyKey> heavy_;
};

Status SqlTask::Open(Gathered gathered) {
  if (CodeOf(work_.plan, "reduce") != nullptr)
    return OpenReduced(connection_, site_, work_, gathered, reduced_, views_, lost_);
  return OpenShuffles(connection_, work_, std::move(gathered), views_, lost_);
}

Status SqlTask::BeginTurn() {
  if (turns_.by_keys() > 1) {
    if (turns_.number() == 0)
      site_.Log("reads its partitions in " + std::to_string(turns_.by_keys()) + " turns");
    for (std::size_t i = 0; i < views_.shuffles.size(); ++i) {
      RETURN_IF_ERROR(views_.shuffles[i]->Narrow(turns_.Condition(work_.reads[i])));
    }
  }
  RETURN_IF_ERROR(RunSteps(connection_, work_.plan.steps));
  for (const SideOutput& side : work_.plan.sides) {
    RETURN_IF_ERROR(
        AddFiles(WriteSide(connection_, site_, side, PartName(work_.index) + turns_.Suffix()), beside_));
  }
  return OkStatus();
}

Status SqlTask::EndTurn() {
  if (turns_.by_keys() > 1) return OkStatus();  // what else is read is read on
  input_rows_ += views_.inputs.rows();
  return AddFiles(views_.inputs.WriteBadRows(site_, TaskName(work_) + turns_.Suffix()), beside_);
}

StatusOr<bool> SqlTask::NextTurn(std::uint64_t bytes) {
  RETURN_IF_ERROR(EndTurn());
  if (!turns_.Next(bytes)) {
    if (turns_.number() > 0 && turns_.by_keys() == 1)
      site_.Log("combined its splits in " + std::to_string(turns_.number() + 1) + " turns");
    return false;
  }
  if (turns_.by_keys() == 1) {
    views_.inputs = {};  // first, as the new ones have the same names
    ASSIGN_OR_RETURN(views_.inputs, CreateInputViews(connection_, site_.spec, work_.inputs, turns_.splits()));
  }
  RETURN_IF_ERROR(BeginTurn());
  return true;
}

Status SqlTask::WriteBlocks(StageTaskOutput& output) {
  const Fragment* map = CodeOf(work_.plan, "map");
  if (map == nullptr) {
    ASSIGN_OR_RETURN(output.blocks,
                     WriteShuffle(
                         connection_, site_, work_, [this](std::uint64_t bytes) { return NextTurn(bytes); },
                         sample_, heavy_));
    return OkStatus();
  }
  std::int64_t lines = 0;
  std::vector<Counter> counters;
  ASSIGN_OR_RETURN(output.blocks, MapRows(connection_, site_, work_, lines, counters));
  reduced_.counters.insert(reduced_.counters.end(), counters.begin(), counters.end());
  if (map->sql.empty()) input_rows_ += lines;  // that no SQL has read before
  ASSIGN_OR_RETURN(heavy_, HeavyPairs(output.blocks->heavy));
  return EndTurn();
}

Status SqlTask::WriteFiles() {
  for (bool more = true; more;) {
    if (!work_.plan.columns.empty()) {
      Failpoint("reduce.merged");
      RETURN_IF_ERROR(
          AddFiles(WriteOutput(connection_, site_, "FROM " + QuoteName(work_.plan.result), work_.plan.columns,
                               PartName(work_.index) + turns_.Suffix(), work_.plan.ordered),
                   files_));
    }
    ASSIGN_OR_RETURN(more, NextTurn(0));
  }
  return OkStatus();
}

StageTaskOutput SqlTask::Answer(StageTaskOutput output) {
  input_rows_ += RowsOf(work_) + reduced_.input_rows;
  for (const auto& input : views_.shuffles) input_rows_ += static_cast<std::int64_t>(input->rows());
  if (output.blocks) {
    MapResult result = ResultOf(site_, work_, *output.blocks);
    result.input_rows = input_rows_;
    result.sample = std::move(sample_);
    result.heavy = std::move(heavy_);
    result.files = std::move(beside_);
    result.counters = std::move(reduced_.counters);
    output.result = std::move(result);
    return output;
  }
  Failpoint("reduce.staged");
  files_.insert(files_.end(), beside_.begin(), beside_.end());
  output.result = ReduceResult{
      .files = std::move(files_), .input_rows = input_rows_, .counters = std::move(reduced_.counters)};
  return output;
}

StatusOr<StageTaskOutput> SqlTask::Run(Gathered gathered) {
  ASSIGN_OR_RETURN(views_.inputs, CreateInputViews(connection_, site_.spec, work_.inputs, turns_.splits()));
  StageTaskOutput output;
  Status ran = Open(std::move(gathered));
  if (ran.ok()) ran = BeginTurn();
  if (ran.ok()) ran = work_.plan.exchange == Exchange::kFiles ? WriteFiles() : WriteBlocks(output);
  if (ran.ok() && turns_.by_keys() > 1) {
    input_rows_ += views_.inputs.rows();
    ran = AddFiles(views_.inputs.WriteBadRows(site_, TaskName(work_)), beside_);
  }
  if (ran.ok()) return Answer(std::move(output));
  for (std::size_t i = 0; i < views_.shuffles.size(); ++i)
    AddLost(lost_, work_.reads[i], views_.shuffles[i]->corrupt_maps());
  if (lost_.empty()) return ran;
  StageTaskOutput gone;
  gone.result = ReduceResult{.lost_maps = std::move(lost_)};
  return gone;
}

}  // namespace

StatusOr<StageTaskOutput> RunSqlTask(const Site& site, const StageTaskWork& work, Gathered gathered) {
  // What a shuffle's buffers leave, for all attempts alike, so that instances serve one after the other;
  // where memory is scarce, a task that writes files is worth an instance of its own, with all of it.
  const bool scarce = site.memory_bytes != 0 && site.memory_bytes < kScarceBytes;
  ASSIGN_OR_RETURN(const std::unique_ptr<Database> database, scarce&& work.plan.exchange == Exchange::kFiles
                                                                 ? Database::OpenAlone(site)
                                                                 : Database::Open(site));
  SqlTask task(database->connection(), site, work, gathered);
  return task.Run(std::move(gathered));
}

}  // namespace millrace::mapreduce
