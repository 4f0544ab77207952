#include "scheduler/store/rows.h"

#include <charconv>
#include <sstream>

#include "core/model/codec.h"
#include "core/model/json.h"
#include "scheduler/store/schema.h"

namespace millrace::store {

std::int64_t PackKey(const TaskInstanceKey& key) { return (ToInt(key.run) << kIndexBits) | key.index; }

TaskInstanceKey UnpackKey(std::int64_t key) {
  return {RunKey{key >> kIndexBits}, static_cast<std::int32_t>(key & kMaxIndex)};
}

namespace {

// "3,4": what a branch did not choose.
std::string Text(const std::vector<std::int32_t>& numbers) {
  std::string text;
  for (const std::int32_t number : numbers) text += (text.empty() ? "" : ",") + std::to_string(number);
  return text;
}

std::vector<std::int32_t> Numbers(const std::string& text) {
  std::vector<std::int32_t> numbers;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    std::int32_t number = 0;
    const auto read = std::from_chars(at, end, number);
    if (read.ec != std::errc()) break;
    numbers.push_back(number);
    at = read.ptr == end ? end : read.ptr + 1;
  }
  return numbers;
}

// A JSON object; a row that names nothing readable was triggered by no task.
std::optional<TriggeringTask> ReadTriggeringTask(const std::string& text) {
  const StatusOr<Value> value = text.empty() ? NotFound("none") : ParseJson(text);
  if (!value.ok() || !value->is_map()) return std::nullopt;
  TriggeringTask task;
  for (const auto& [name, to] : {std::pair("dag_id", &task.dag_id), std::pair("run_id", &task.run_id),
                                 std::pair("task_id", &task.task_id)}) {
    if (const Value* member = value->Find(name); member != nullptr && member->is_string()) *to = member->as_string();
  }
  if (const Value* index = value->Find("map_index"); index != nullptr && index->is_int())
    task.map_index = static_cast<std::int32_t>(index->as_int());
  return task;
}

std::string WrittenTriggeringTask(const TriggeringTask& task) {
  Value value = Value::Map{{"dag_id", task.dag_id}, {"run_id", task.run_id}, {"task_id", task.task_id}};
  if (task.map_index >= 0) value.Set("map_index", task.map_index);
  return ToJson(value);
}

void BindOrNull(Statement& statement, int index, const std::string& text) {
  text.empty() ? statement.BindNull(index) : statement.Bind(index, text);
}

// A JSON list of names.
std::vector<std::string> ReadIds(const std::string& text) {
  std::vector<std::string> ids;
  const StatusOr<Value> value = ParseJson(text);
  if (!value.ok() || !value->is_list()) return ids;
  for (const Value& id : value->as_list()) {
    if (id.is_string()) ids.push_back(id.as_string());
  }
  return ids;
}

std::optional<std::vector<std::string>> ReadFormerTasks(const Statement& row) {
  if (row.IsNull(19)) return std::nullopt;
  return ReadIds(row.Text(19));
}

std::string WrittenIds(const std::vector<std::string>& ids) {
  return ToJson(Value(Value::List(ids.begin(), ids.end())));
}

// Microseconds with spaces between them.
std::vector<Duration> ReadRuntimes(const std::string& text) {
  std::vector<Duration> runtimes;
  std::istringstream stream(text);
  for (std::int64_t micros = 0; stream >> micros;) runtimes.emplace_back(micros);
  return runtimes;
}

}  // namespace

DagRow ReadDag(const Statement& row) {
  return {.dag_id = row.Text(0),
          .version = static_cast<std::int32_t>(row.Int(1)),
          .paused = row.Int(2) != 0,
          .stale = row.Int(3) != 0,
          .cursor = row.Time(4),
          .cursor_logical_date = row.Time(5),
          .next_logical_date = row.Time(6),
          .next_run_after = row.Time(7),
          .next_interval_start = row.Time(9),
          .next_interval_end = row.Time(10),
          .runtimes = ReadRuntimes(row.Text(11)),
          .failures = static_cast<std::int32_t>(row.Int(12)),
          .deleted = row.Int(13) != 0,
          .paused_tasks = row.IsNull(14) ? std::vector<std::string>() : ReadIds(row.Text(14)),
          .team = row.Text(15)};
}

UserRecord ReadUser(const Statement& row) {
  return {
      .name = row.Text(0), .password_hash = row.Text(1), .role = row.Text(2), .teams = ReadIds(row.Text(3))};
}

void BindUser(Statement& statement, const UserRecord& row) {
  statement.Bind(1, row.name);
  statement.Bind(2, row.password_hash);
  statement.Bind(3, row.role);
  statement.Bind(4, WrittenIds(row.teams));
}

void BindDag(Statement& statement, const DagRow& row, WallTime parsed_at) {
  std::string runtimes;
  for (const Duration runtime : row.runtimes) runtimes += std::to_string(runtime.count()) + " ";
  statement.Bind(1, row.dag_id);
  statement.Bind(2, std::int64_t{row.version});
  statement.Bind(3, std::int64_t{row.paused});
  statement.Bind(4, std::int64_t{row.stale});
  statement.Bind(5, row.cursor);
  statement.Bind(6, row.cursor_logical_date);
  statement.Bind(7, row.next_logical_date);
  statement.Bind(8, row.next_run_after);
  statement.Bind(9, ToMicros(parsed_at));
  statement.Bind(10, row.next_interval_start);
  statement.Bind(11, row.next_interval_end);
  statement.Bind(12, runtimes);
  statement.Bind(13, std::int64_t{row.failures});
  statement.Bind(14, std::int64_t{row.deleted});
  row.paused_tasks.empty() ? statement.BindNull(15) : statement.Bind(15, WrittenIds(row.paused_tasks));
  statement.Bind(16, row.team);
}

DatasetEvent ReadDatasetEvent(const Statement& row) {
  return {.id = row.Int(0),
          .dataset = row.Text(1),
          .at = WallFromMicros(row.Int(2)),
          .dag_id = row.Text(3),
          .run_id = row.Text(4),
          .task_id = row.Text(5),
          .map_index = static_cast<std::int32_t>(row.Int(6)),
          .extra = row.Text(7),
          .partition_key = row.Text(8),
          .aliases = row.IsNull(9) ? std::vector<std::string>() : ReadIds(row.Text(9))};
}

void BindDatasetEvent(Statement& statement, const DatasetEvent& event) {
  statement.Bind(1, event.id);
  statement.Bind(2, event.dataset);
  statement.Bind(3, ToMicros(event.at));
  statement.Bind(4, event.dag_id);
  statement.Bind(5, event.run_id);
  statement.Bind(6, event.task_id);
  statement.Bind(7, std::int64_t{event.map_index});
  statement.Bind(8, event.extra);
  BindOrNull(statement, 9, event.partition_key);
  event.aliases.empty() ? statement.BindNull(10) : statement.Bind(10, WrittenIds(event.aliases));
}

Run ReadRun(const Statement& row) {
  return {.key = RunKey{row.Int(0)},
          .dag_id = row.Text(1),
          .run_id = row.Text(2),
          .type = static_cast<RunType>(row.Int(3)),
          .state = static_cast<RunState>(row.Int(4)),
          .version = static_cast<std::int32_t>(row.Int(5)),
          .logical_date = row.Time(6),
          .interval_start = row.Time(7),
          .interval_end = row.Time(8),
          .run_after = WallFromMicros(row.Int(9)),
          .queued_at = WallFromMicros(row.Int(10)),
          .started_at = row.Time(11),
          .ended_at = row.Time(12),
          .conf = row.Text(13),
          .triggered_by = row.Text(14),
          .note = row.Text(15),
          .missed_deadlines = static_cast<std::int32_t>(row.Int(16)),
          .retries = static_cast<std::int32_t>(row.Int(20)),
          .max_retries = static_cast<std::int32_t>(row.Int(21)),
          .retry_at = row.Time(22),
          .backfill = row.Int(17),
          .triggering_task = ReadTriggeringTask(row.Text(18)),
          .former_tasks = ReadFormerTasks(row),
          .partition_key = row.Text(23),
          .partition_date = row.Time(24)};
}

void BindRun(Statement& statement, const Run& run) {
  statement.Bind(1, ToInt(run.key));
  statement.Bind(2, run.dag_id);
  statement.Bind(3, run.run_id);
  statement.Bind(4, static_cast<std::int64_t>(run.type));
  statement.Bind(5, static_cast<std::int64_t>(run.state));
  statement.Bind(6, std::int64_t{run.version});
  statement.Bind(7, run.logical_date);
  statement.Bind(8, run.interval_start);
  statement.Bind(9, run.interval_end);
  statement.Bind(10, ToMicros(run.run_after));
  statement.Bind(11, ToMicros(run.queued_at));
  statement.Bind(12, run.started_at);
  statement.Bind(13, run.ended_at);
  statement.Bind(14, run.conf);
  statement.Bind(15, run.triggered_by);
  statement.Bind(16, run.note);
  statement.Bind(17, std::int64_t{run.missed_deadlines});
  run.backfill == 0 ? statement.BindNull(18) : statement.Bind(18, run.backfill);
  run.triggering_task ? statement.Bind(19, WrittenTriggeringTask(*run.triggering_task)) : statement.BindNull(19);
  run.former_tasks ? statement.Bind(20, WrittenIds(*run.former_tasks)) : statement.BindNull(20);
  statement.Bind(21, std::int64_t{run.retries});
  statement.Bind(22, std::int64_t{run.max_retries});
  statement.Bind(23, run.retry_at);
  BindOrNull(statement, 24, run.partition_key);
  statement.Bind(25, run.partition_date);
}

Backfill ReadBackfill(const Statement& row) {
  return {.id = row.Int(0),
          .dag_id = row.Text(1),
          .from = WallFromMicros(row.Int(2)),
          .to = WallFromMicros(row.Int(3)),
          .reprocess = static_cast<Reprocess>(row.Int(4)),
          .run_backwards = row.Int(5) != 0,
          .latest_version = row.Int(6) != 0,
          .max_active_runs = static_cast<std::int32_t>(row.Int(7)),
          .conf = row.Text(8),
          .user = row.Text(9),
          .paused = row.Int(10) != 0,
          .cancelled = row.Int(11) != 0,
          .created_at = WallFromMicros(row.Int(12)),
          .updated_at = WallFromMicros(row.Int(13)),
          .completed_at = row.Time(14),
          .cursor = row.Time(15),
          .dates = static_cast<std::int32_t>(row.Int(16)),
          .made = static_cast<std::int32_t>(row.Int(17)),
          .skipped = static_cast<std::int32_t>(row.Int(18)),
          .after = row.Int(19)};
}

PoolRow ReadPoolRow(const Statement& row) {
  return {.name = row.Text(0),
          .slots = static_cast<std::int32_t>(row.Int(1)),
          .description = row.Text(2),
          .include_deferred = row.Int(3) != 0,
          .team = row.Text(4)};
}

void BindBackfill(Statement& statement, const Backfill& backfill) {
  statement.Bind(1, backfill.id);
  statement.Bind(2, backfill.dag_id);
  statement.Bind(3, ToMicros(backfill.from));
  statement.Bind(4, ToMicros(backfill.to));
  statement.Bind(5, static_cast<std::int64_t>(backfill.reprocess));
  statement.Bind(6, std::int64_t{backfill.run_backwards});
  statement.Bind(7, std::int64_t{backfill.latest_version});
  statement.Bind(8, std::int64_t{backfill.max_active_runs});
  statement.Bind(9, backfill.conf);
  statement.Bind(10, backfill.user);
  statement.Bind(11, std::int64_t{backfill.paused});
  statement.Bind(12, std::int64_t{backfill.cancelled});
  statement.Bind(13, ToMicros(backfill.created_at));
  statement.Bind(14, ToMicros(backfill.updated_at));
  statement.Bind(15, backfill.completed_at);
  statement.Bind(16, backfill.cursor);
  statement.Bind(17, std::int64_t{backfill.dates});
  statement.Bind(18, std::int64_t{backfill.made});
  statement.Bind(19, std::int64_t{backfill.skipped});
  statement.Bind(20, backfill.after);
}

TaskInstance ReadTaskInstance(const Statement& row) {
  TaskInstance instance = {.key = UnpackKey(row.Int(0)),
          .state = static_cast<TaskState>(row.Int(1)),
          .try_number = static_cast<std::int32_t>(row.Int(2)),
          .max_tries = static_cast<std::int32_t>(row.Int(3)),
          .lost = static_cast<std::int32_t>(row.Int(4)),
          .rescheduled = static_cast<std::int32_t>(row.Int(24)),
          .fence = {static_cast<std::uint32_t>(row.Int(5)), static_cast<std::uint64_t>(row.Int(6))},
          .session = SessionId{static_cast<std::uint64_t>(row.Int(7))},
          .scheduled_at = row.Time(8),
          .queued_at = row.Time(9),
          .started_at = row.Time(10),
          .ended_at = row.Time(11),
          .due_at = row.Time(12),
          .worker = row.Text(13),
          .reason = row.Text(14),
          .map_index = row.IsNull(15) ? -1 : static_cast<std::int32_t>(row.Int(15)),
          .mapped_task = row.IsNull(16) ? -1 : static_cast<std::int32_t>(row.Int(16)),
          .map_value = row.Text(17),
          .skips = Numbers(row.Text(18)),
          .waits_for = RunKey{row.Int(19)},
          .wait = row.Text(20),
          .waits_since = row.Time(21),
          .loop = row.Text(26),
          .cache_key = row.Text(22),
          .rendered_map_index = row.Text(23)};
  if (!row.IsNull(25)) instance.weight = static_cast<std::int32_t>(row.Int(25));
  return instance;
}

void BindTaskInstance(Statement& statement, const TaskInstance& instance) {
  statement.Bind(1, PackKey(instance.key));
  statement.Bind(2, static_cast<std::int64_t>(instance.state));
  statement.Bind(3, std::int64_t{instance.try_number});
  statement.Bind(4, std::int64_t{instance.max_tries});
  statement.Bind(5, std::int64_t{instance.lost});
  statement.Bind(6, std::int64_t{instance.fence.term});
  statement.Bind(7, static_cast<std::int64_t>(instance.fence.counter));
  statement.Bind(8, static_cast<std::int64_t>(ToInt(instance.session)));
  statement.Bind(9, instance.scheduled_at);
  statement.Bind(10, instance.queued_at);
  statement.Bind(11, instance.started_at);
  statement.Bind(12, instance.ended_at);
  statement.Bind(13, instance.due_at);
  instance.worker.empty() ? statement.BindNull(14) : statement.Bind(14, instance.worker);
  instance.reason.empty() ? statement.BindNull(15) : statement.Bind(15, instance.reason);
  for (const int column : {16, 17, 18, 19, 20}) statement.BindNull(column);
  if (instance.map_index >= 0) {
    statement.Bind(16, std::int64_t{instance.map_index});
    statement.Bind(18, instance.map_value);
  }
  if (instance.mapped_task >= 0) statement.Bind(17, std::int64_t{instance.mapped_task});
  if (!instance.skips.empty()) statement.Bind(19, Text(instance.skips));
  ToInt(instance.waits_for) == 0 ? statement.BindNull(20) : statement.Bind(20, ToInt(instance.waits_for));
  instance.wait.empty() ? statement.BindNull(21) : statement.Bind(21, instance.wait);
  statement.Bind(22, instance.waits_since);
  instance.cache_key.empty() ? statement.BindNull(23) : statement.Bind(23, instance.cache_key);
  instance.rendered_map_index.empty() ? statement.BindNull(24) : statement.Bind(24, instance.rendered_map_index);
  instance.rescheduled == 0 ? statement.BindNull(25) : statement.Bind(25, std::int64_t{instance.rescheduled});
  instance.weight ? statement.Bind(26, std::int64_t{*instance.weight}) : statement.BindNull(26);
  instance.loop.empty() ? statement.BindNull(27) : statement.Bind(27, instance.loop);
}

XComRow ReadXCom(const Statement& row) {
  return {.instance = UnpackKey(row.Int(0)), .key = row.Text(1), .json = row.Text(2), .at = WallFromMicros(row.Int(3))};
}

TaskStateRow ReadTaskState(const Statement& row) {
  return {.instance = UnpackKey(row.Int(0)),
          .key = row.Text(1),
          .json = row.Text(2),
          .at = WallFromMicros(row.Int(3)),
          .expires_at = row.Time(4)};
}

DatasetStateRow ReadDatasetState(const Statement& row) {
  return {.dataset = row.Text(0),
          .key = row.Text(1),
          .json = row.Text(2),
          .at = WallFromMicros(row.Int(3)),
          .dag_id = row.Text(4),
          .run_id = row.Text(5),
          .task_id = row.Text(6),
          .map_index = static_cast<std::int32_t>(row.Int(7))};
}

VariableRecord ReadVariable(const Statement& row) {
  return {.key = row.Text(0), .sealed = row.Text(1), .description = row.Text(2), .team = row.Text(3)};
}

void BindVariable(Statement& statement, const VariableRecord& row) {
  statement.Bind(1, row.key);
  statement.Bind(2, row.sealed);
  statement.Bind(3, row.description);
  statement.Bind(4, row.team);
}

ConnectionRecord ReadConnection(const Statement& row) {
  ConnectionRecord record{.id = row.Text(0),
                          .type = row.Text(1),
                          .description = row.Text(2),
                          .host = row.Text(3),
                          .login = row.Text(4),
                          .schema = row.Text(5),
                          .port = std::nullopt,
                          .sealed = row.Text(7),
                          .team = row.Text(8)};
  if (!row.IsNull(6)) record.port = static_cast<std::int32_t>(row.Int(6));
  return record;
}

void BindConnection(Statement& statement, const ConnectionRecord& row) {
  statement.Bind(1, row.id);
  statement.Bind(2, row.type);
  statement.Bind(3, row.description);
  statement.Bind(4, row.host);
  statement.Bind(5, row.login);
  statement.Bind(6, row.schema);
  row.port ? statement.Bind(7, std::int64_t{*row.port}) : statement.BindNull(7);
  statement.Bind(8, row.sealed);
  statement.Bind(9, row.team);
}

StatusOr<CachedResult> ReadCached(const Statement& row) {
  CachedResult result{.key = row.Text(0),
                      .dag_id = row.Text(1),
                      .task_id = row.Text(2),
                      .run_id = row.Text(3),
                      .map_index = static_cast<std::int32_t>(row.Int(4)),
                      .made_at = WallFromMicros(row.Int(5)),
                      .expires_at = row.Time(6),
                      .xcoms = {}};
  ASSIGN_OR_RETURN(const Value xcoms, ParseJson(row.Text(7)));
  if (!xcoms.is_map()) return DataLoss("a cached result is not a map of XComs");
  for (const auto& [key, value] : xcoms.as_map()) result.xcoms.push_back({key, ToJson(value)});
  return result;
}

void BindCached(Statement& statement, const CachedResult& row) {
  Value xcoms{Value::Map()};
  for (const XComValue& xcom : row.xcoms) {
    StatusOr<Value> value = ParseJson(xcom.json);
    xcoms.Set(xcom.key, value.ok() ? std::move(value).value() : Value());
  }
  statement.Bind(1, row.key);
  statement.Bind(2, row.dag_id);
  statement.Bind(3, row.task_id);
  statement.Bind(4, row.run_id);
  statement.Bind(5, std::int64_t{row.map_index});
  statement.Bind(6, ToMicros(row.made_at));
  statement.Bind(7, row.expires_at);
  statement.Bind(8, ToJson(xcoms));
}

Attempt ReadAttempt(const Statement& row) {
  Attempt attempt = {.instance = UnpackKey(row.Int(0)),
                     .try_number = static_cast<std::int32_t>(row.Int(1)),
                     .fence = {static_cast<std::uint32_t>(row.Int(2)), static_cast<std::uint64_t>(row.Int(3))},
                     .state = static_cast<TaskState>(row.Int(4)),
                     .queued_at = row.Time(5),
                     .started_at = row.Time(6),
                     .ended_at = row.Time(7),
                     .worker = row.Text(8),
                     .exit_code = std::nullopt,
                     .reason = row.Text(10)};
  if (!row.IsNull(9)) attempt.exit_code = static_cast<std::int32_t>(row.Int(9));
  return attempt;
}

void BindAttempt(Statement& statement, const Attempt& attempt) {
  statement.Bind(1, PackKey(attempt.instance));
  statement.Bind(2, std::int64_t{attempt.try_number});
  statement.Bind(3, std::int64_t{attempt.fence.term});
  statement.Bind(4, static_cast<std::int64_t>(attempt.fence.counter));
  statement.Bind(5, static_cast<std::int64_t>(attempt.state));
  statement.Bind(6, attempt.queued_at);
  statement.Bind(7, attempt.started_at);
  statement.Bind(8, attempt.ended_at);
  statement.Bind(9, attempt.worker);
  attempt.exit_code ? statement.Bind(10, std::int64_t{*attempt.exit_code}) : statement.BindNull(10);
  statement.Bind(11, attempt.reason);
}

ApprovalRow ReadApproval(const Statement& row) {
  return {.instance = UnpackKey(row.Int(0)),
          .try_number = static_cast<std::int32_t>(row.Int(1)),
          .request = row.Text(2),
          .created_at = WallFromMicros(row.Int(3)),
          .due_at = row.Time(4),
          .responded_at = row.Time(5),
          .responded_by = row.Text(6),
          .response = row.Text(7)};
}

void BindApproval(Statement& statement, const ApprovalRow& row) {
  statement.Bind(1, PackKey(row.instance));
  statement.Bind(2, std::int64_t{row.try_number});
  statement.Bind(3, row.request);
  statement.Bind(4, ToMicros(row.created_at));
  statement.Bind(5, row.due_at);
  statement.Bind(6, row.responded_at);
  statement.Bind(7, row.responded_by);
  statement.Bind(8, row.response);
}

StatusOr<StageTaskRow> ReadStageTask(const Statement& row) {
  ASSIGN_OR_RETURN(StageResult result, DecodeStageResult(row.Text(10)));
  return StageTaskRow{.job = {UnpackKey(row.Int(0)), static_cast<std::int32_t>(row.Int(1))},
                      .stage = static_cast<std::int32_t>(row.Int(2)),
                      .index = static_cast<std::int32_t>(row.Int(3)),
                      .fence = {static_cast<std::uint32_t>(row.Int(4)), static_cast<std::uint64_t>(row.Int(5))},
                      .session = SessionId{static_cast<std::uint64_t>(row.Int(6))},
                      .started_at = WallFromMicros(row.Int(7)),
                      .ended_at = WallFromMicros(row.Int(8)),
                      .worker = row.Text(9),
                      .result = std::move(result),
                      .revoked = row.Int(11) != 0};
}

void BindStageTask(Statement& statement, const StageTaskRow& row) {
  statement.Bind(1, PackKey(row.job.instance));
  statement.Bind(2, std::int64_t{row.job.try_number});
  statement.Bind(3, std::int64_t{row.stage});
  statement.Bind(4, std::int64_t{row.index});
  statement.Bind(5, std::int64_t{row.fence.term});
  statement.Bind(6, static_cast<std::int64_t>(row.fence.counter));
  statement.Bind(7, static_cast<std::int64_t>(ToInt(row.session)));
  statement.Bind(8, ToMicros(row.started_at));
  statement.Bind(9, ToMicros(row.ended_at));
  statement.Bind(10, row.worker);
  statement.Bind(11, EncodeStageResult(row.result));
  statement.Bind(12, std::int64_t{row.revoked});
}

}  // namespace millrace::store
