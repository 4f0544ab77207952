#include "worker/mapreduce/publish_task.h"

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "core/model/json.h"
#include "platform/failpoint/failpoint.h"
#include "worker/lake/path.h"
#include "worker/lake/publish.h"
#include "worker/lake/staging.h"
#include "worker/mapreduce/inputs.h"
#include "worker/mapreduce/output.h"
#include "worker/mapreduce/plan.h"
#include "worker/mapreduce/stage_cache.h"
#include "worker/quality/checks.h"

namespace millrace::mapreduce {
namespace {

constexpr const char* kOutputView = "output";

// Files lie in staging beneath their attempt's fence; in the output they do not.
std::string OutputName(const std::string& staged) { return staged.substr(staged.find('/') + 1); }

lake::StagedFile StagedFileOf(const Site& site, const OutputFile& file) {
  lake::StagedFile item{lake::StagingFolder(site.root, site.job_folder) + "/" + file.path, file};
  item.file.path = OutputName(file.path);
  item.file.output.clear();
  return item;
}

// Of the output, or of what is beside it.
std::vector<lake::StagedFile> StagedFiles(const Site& site, const PublishWork& work, const std::string& output = "") {
  std::vector<lake::StagedFile> staged;
  for (const OutputFile& file : work.files) {
    if (file.output == output) staged.push_back(StagedFileOf(site, file));
  }
  return staged;
}

lake::Manifest ManifestOf(const Site& site, const Publisher& publisher, const std::string& format) {
  return {.fence = site.fence,
          .scheduler = publisher.scheduler,
          .dag_id = publisher.dag_id,
          .run_id = publisher.run_id,
          .task_id = publisher.task_id,
          .format = format,
          .columns = {},
          .files = {}};
}

PublishedSide SideOf(std::string name, std::string path, const std::vector<lake::StagedFile>& staged) {
  PublishedSide side{.name = std::move(name), .path = std::move(path), .files = static_cast<std::int64_t>(staged.size())};
  for (const lake::StagedFile& item : staged) {
    side.rows += item.file.rows;
    side.bytes += item.file.bytes;
  }
  return side;
}

// What could not be read, of every input whose author says where it goes: also when that is nothing, so that an older run's is not
// taken for this one's.
Status PublishBadRows(const Site& site, const PublishWork& work, const Publisher& publisher, std::vector<PublishedSide>& sides) {
  std::unique_ptr<Database> database;
  for (const InputSpec& input : site.spec.inputs) {
    if (input.bad_rows_path.empty()) continue;
    if (database == nullptr) {
      ASSIGN_OR_RETURN(database, Database::Open(site));
    }
    ASSIGN_OR_RETURN(const std::string folder, lake::Beneath(site.root, input.bad_rows_path));
    ASSIGN_OR_RETURN(const std::vector<OutputFile> files, MergeBadRows(database->connection(), site, input, work.files));
    std::vector<lake::StagedFile> staged;
    for (const OutputFile& file : files) staged.push_back(StagedFileOf(site, file));
    lake::Manifest manifest = ManifestOf(site, publisher, "jsonl");
    manifest.columns = {{"input", "VARCHAR"}, {"path", "VARCHAR"}, {"offset", "BIGINT"}, {"reason", "VARCHAR"}, {"text", "VARCHAR"}};
    RETURN_IF_ERROR(lake::Publish(folder, std::move(manifest), staged));
    sides.push_back(SideOf(kBadRowsOf + input.name, folder, staged));
  }
  return OkStatus();
}

// The visible output is already this one: an earlier attempt published it and could not say so any more.
bool IsPublished(const lake::Manifest& manifest, const Publisher& publisher, const std::vector<lake::StagedFile>& staged) {
  return manifest.scheduler == publisher.scheduler && manifest.run_id == publisher.run_id && manifest.dag_id == publisher.dag_id && manifest.task_id == publisher.task_id &&
         std::equal(staged.begin(), staged.end(), manifest.files.begin(), manifest.files.end(),
                    [](const lake::StagedFile& item, const OutputFile& file) { return item.file == file; });
}

bool AllThere(const std::vector<lake::StagedFile>& staged) {
  return std::all_of(staged.begin(), staged.end(), [](const lake::StagedFile& item) {
    std::error_code ignored;
    return std::filesystem::exists(item.source, ignored);
  });
}

// Inputs that relationships name.
StatusOr<InputViews> CreateReferences(sql::Connection& connection, const Site& site) {
  InputViews views;
  for (const InputSpec& input : site.spec.inputs) {
    const auto names = [&](const CheckSpec& check) { return check.reference_input == input.name; };
    if (std::none_of(site.spec.checks.begin(), site.spec.checks.end(), names)) continue;
    ASSIGN_OR_RETURN(const InputFacts facts, FindInput(connection, site.root, input));
    RETURN_IF_ERROR(CreateInputView(connection, input, facts, {}, views));
  }
  return views;
}

// Native code may write bytes that are no UTF-8, which SQL refuses: for the checks they are question marks. Every line of these
// files ends with a newline.
std::string LinesOfBytes(const std::vector<std::string>& paths) {
  std::string list;
  for (const std::string& path : paths) list += (list.empty() ? "" : ", ") + sql::QuoteText(path);
  return "SELECT unnest(list_slice(string_split(decode(content, 'replace'), chr(10)), 1, -2)) AS line FROM read_blob([" + list + "])";
}

Status CreateOutputView(sql::Connection& connection, const Site& site, const PublishWork& work,
                        const std::vector<lake::StagedFile>& staged) {
  if (staged.empty()) return connection.CreateEmptyView(kOutputView, work.output);
  std::vector<std::string> paths;
  for (const lake::StagedFile& item : staged) paths.push_back(item.source);
  if (site.spec.output.format == "text" && site.spec.map.native()) return CreateView(connection, kOutputView, LinesOfBytes(paths));
  return CreateView(connection, kOutputView, "FROM " + ReadBack(site.spec.output.format, paths));
}

Status Keep(const Site& site, const SideOutput& side) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Database> database, Database::Open(site));
  ASSIGN_OR_RETURN(const sql::Result micros, database->connection().Run("SELECT epoch_us(now())"));
  const WallTime now = WallFromMicros(micros.Integer(0, 0));
  RETURN_IF_ERROR(KeepCached(site, side.view, side.path, now));
  for (const std::string& dropped : DropCached(site.root, LimitsOf(site.root), now)) site.Log("dropped " + dropped);
  return OkStatus();
}

// The rows of stages that are written, too.
Status PublishSides(const Site& site, const PublishWork& work, const Publisher& publisher, std::vector<PublishedSide>& sides) {
  for (const SideOutput& side : work.sides) {
    ASSIGN_OR_RETURN(const std::string folder, lake::Beneath(site.root, side.path));
    const std::vector<lake::StagedFile> staged = StagedFiles(site, work, side.name);
    lake::Manifest manifest = ManifestOf(site, publisher, side.format);
    manifest.columns = side.cached ? side.columns : WrittenColumns(side.columns);
    Status published = lake::Publish(folder, std::move(manifest), staged);
    if (published.ok() && side.cached) published = Keep(site, side);
    // Rows that are not kept are computed again; that is no reason to fail.
    if (!published.ok() && side.cached) site.Log(side.name + ": " + published.ToString());
    if (!published.ok() && side.cached) continue;
    RETURN_IF_ERROR(published);
    sides.push_back(SideOf(side.name, folder, staged));
  }
  return OkStatus();
}

StatusOr<std::vector<quality::CheckOutcome>> RunInlineChecks(const Site& site, const PublishWork& work,
                                                             const std::vector<lake::StagedFile>& staged) {
  if (site.spec.checks.empty()) return std::vector<quality::CheckOutcome>{};
  ASSIGN_OR_RETURN(const std::unique_ptr<Database> database, Database::Open(site));
  sql::Connection& connection = database->connection();
  ASSIGN_OR_RETURN(const InputViews references, CreateReferences(connection, site));
  RETURN_IF_ERROR(CreateOutputView(connection, site, work, staged));
  ASSIGN_OR_RETURN(const std::vector<Column> columns, connection.Describe(std::string("FROM ") + kOutputView));
  ASSIGN_OR_RETURN(const sql::Result now, connection.Run("SELECT epoch_us(now())"));
  return quality::RunChecks(connection,
                            {.relation = kOutputView,
                             .columns = columns,
                             .now = WallTime(std::chrono::microseconds(now.Integer(0, 0)))},
                            site.spec.checks);
}

Status FailedChecks(const std::vector<quality::CheckOutcome>& outcomes) {
  std::string names;
  for (const quality::CheckOutcome& outcome : outcomes) {
    if (outcome.passed || outcome.severity != Severity::kError) continue;
    names += (names.empty() ? "" : "; ") + outcome.name + (outcome.message.empty() ? "" : " (" + outcome.message + ")");
  }
  return InvalidArgument("the result was not published, as checks failed: " + names);
}

}  // namespace

StatusOr<PublishResult> RunPublishTask(const Site& site, const PublishWork& work, const Publisher& publisher) {
  ASSIGN_OR_RETURN(const std::string folder, lake::Beneath(site.root, site.spec.output.path));
  const std::vector<lake::StagedFile> staged = StagedFiles(site, work);
  PublishResult result{.path = folder};
  for (const lake::StagedFile& item : staged) result.files.push_back(item.file);

  if (!AllThere(staged)) {
    const StatusOr<lake::Manifest> visible = lake::ReadManifest(folder);
    if (!visible.ok() || !IsPublished(*visible, publisher, staged)) {
      return DataLoss("staged files of the job are gone: " + lake::StagingFolder(site.root, site.job_folder));
    }
    site.Log("this output was published before, as " + ToString(visible->fence));
    result.checks = visible->checks;
    return result;
  }

  ASSIGN_OR_RETURN(const std::vector<quality::CheckOutcome> outcomes, RunInlineChecks(site, work, staged));
  if (!outcomes.empty()) site.Log(quality::ToText(outcomes));
  if (!quality::Passed(outcomes)) return FailedChecks(outcomes);
  result.checks = ToJson(quality::ToValue(outcomes));
  // What is beside the output first: whoever sees the output sees that, too.
  RETURN_IF_ERROR(PublishSides(site, work, publisher, result.sides));
  RETURN_IF_ERROR(PublishBadRows(site, work, publisher, result.sides));
  lake::Manifest manifest = ManifestOf(site, publisher, site.spec.output.format);
  manifest.columns = work.output;
  manifest.checks = result.checks;
  RETURN_IF_ERROR(lake::Publish(folder, std::move(manifest), staged));
  // The output has names of its own for the files; what losers wrote goes with the folder.
  lake::DropStaging(site.root, site.job_folder);
  Failpoint("publish.dropped");
  return result;
}

}  // namespace millrace::mapreduce
