// What Airflow's clients ask for besides: favorites, reading a file again, links of a task instance, where
// its log is, jobs.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "core/calendar/format.h"
#include "scheduler/api/answer.h"
#include "scheduler/api/input.h"
#include "scheduler/api/view_handlers.h"
#include "scheduler/api/wire.h"

namespace millrace::api {
namespace {

using auth::Resource;
using auth::Verb;

constexpr int kAllDags = 10'000;

// Marking a DAG twice is no mistake; taking away a mark that is not there is, as in Airflow.
http::Response Mark(Context& context, const Call& call, bool favorite) {
  const std::string dag_id = DagOf(call);
  ANSWER_IF_ERROR(context.readers.dags.GetDag(dag_id).status());
  if (!favorite) {
    ASSIGN_OR_ANSWER(const std::vector<std::string> marked,
                     context.readers.dags.ListFavorites(call.who.user));
    if (std::find(marked.begin(), marked.end(), dag_id) == marked.end())
      return http::ErrorResponse(409, "Dag is not marked as favorite");
  }
  WriteRecords write;
  write.records.emplace_back(FavoriteRecord{call.who.user, dag_id, !favorite});
  ANSWER_IF_ERROR(context.Run(std::move(write)).status());
  http::Response response;
  response.status = 204;
  return response;
}

// The file of the DAG version with this token. Changed files are read at once and all are looked at every few
// seconds, so that nothing is left to be done: the answer says that the file is one of those.
http::Response ParseFile(Context& context, const Call& call) {
  const std::string_view token = call.request.Param("file_token");
  store::DagFilter filter;
  filter.teams = call.scope.teams();
  filter.page.limit = kAllDags;
  ASSIGN_OR_ANSWER(const auto listing, context.readers.dags.ListDags(filter));
  const bool known = std::any_of(listing.rows.begin(), listing.rows.end(),
                                 [&](const store::DagEntry& entry) { return entry.dag->hash == token; });
  if (!known) return http::ErrorResponse(404, "File not found");
  return JsonAnswer(Value(), 201);
}

StatusOr<Located> Find(Context& context, const Call& call, QueryInput& query) {
  const auto map_index = static_cast<std::int32_t>(query.Int("map_index", -1, -1, 1'000'000));
  return context.LocateInstance(DagOf(call), call.request.Param("dag_run_id"), call.request.Param("task_id"),
                                map_index);
}

// Tasks here define no links of their own.
http::Response ListLinks(Context& context, const Call& call) {
  QueryInput query(call.request);
  query.Ignore("try_number");
  const StatusOr<Located> at = Find(context, call, query);
  if (auto problems = query.Problems()) return *problems;
  ANSWER_IF_ERROR(at.status());
  return JsonAnswer(Value::Map{{"extra_links", Value::Map()}, {"total_entries", 0}});
}

// Where people read the log of a try: the task instance's page.
http::Response LogUrl(Context& context, const std::string& base_url, const Call& call) {
  QueryInput query(call.request);
  const StatusOr<Located> at = Find(context, call, query);
  if (auto problems = query.Problems()) return *problems;
  ANSWER_IF_ERROR(at.status());
  const std::string_view text = call.request.Param("try_number");
  std::int32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  ASSIGN_OR_ANSWER(const TaskInstance instance, context.readers.task_instances.GetTaskInstance(at->key));
  if (error != std::errc() || end != text.data() + text.size() || number < 1 || number > instance.try_number)
    return http::ErrorResponse(404, "Try not found");
  std::string run;
  for (const char c : at->run.run_id) run += c == '+' ? std::string("%2B") : std::string(1, c);
  std::string url = base_url + "/dags/" + at->run.dag_id + "/runs/" + run + "/tasks/" +
                    std::string(call.request.Param("task_id")) + "?try=" + std::to_string(number);
  if (instance.map_index >= 0) url += "&map=" + std::to_string(instance.map_index);
  return JsonAnswer(Value::Map{{"url", std::move(url)}});
}

// Jobs in Airflow's sense: the processes that make it work.
struct Job {
  std::int64_t id = 0;
  std::string type;
  std::string state;
  std::string hostname;
  WallTime start{};
  std::optional<WallTime> end;
  WallTime heartbeat{};
  bool alive = true;
};

std::string Hostname() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

StatusOr<std::vector<Job>> Jobs(Context& context, WallTime started) {
  ASSIGN_OR_RETURN(const Answer answer, context.Ask(AskWorkers{}));
  const auto* workers = std::get_if<std::vector<WorkerView>>(&answer);
  if (workers == nullptr) return Internal("another question was answered");
  std::vector<Job> jobs = {
      {0, "SchedulerJob", "running", Hostname(), started, std::nullopt, context.clock.now().wall, true}};
  for (const WorkerView& worker : *workers) {
    jobs.push_back({static_cast<std::int64_t>(ToInt(worker.session)), "WorkerJob",
                    worker.connected ? "running" : "failed", worker.offer.hostname, worker.joined_at,
                    worker.connected ? std::nullopt : std::optional(worker.last_heartbeat),
                    worker.last_heartbeat, worker.connected});
  }
  return jobs;
}

void Order(std::vector<Job>& jobs, std::string order, Issues& issues) {
  const bool descending = order.starts_with("-");
  if (descending) order.erase(0, 1);
  const auto by = [&](auto key) {
    std::stable_sort(jobs.begin(), jobs.end(), [&](const Job& a, const Job& b) {
      return descending ? key(b) < key(a) : key(a) < key(b);
    });
  };
  if (order == "id") {
    by([](const Job& job) { return job.id; });
  } else if (order == "state") {
    by([](const Job& job) { return job.state; });
  } else if (order == "job_type") {
    by([](const Job& job) { return job.type; });
  } else if (order == "hostname") {
    by([](const Job& job) { return job.hostname; });
  } else if (order == "start_date") {
    by([](const Job& job) { return job.start; });
  } else if (order == "end_date") {
    by([](const Job& job) { return job.end; });
  } else if (order == "latest_heartbeat") {
    by([](const Job& job) { return job.heartbeat; });
  } else {
    issues.Add("query", "order_by", "value_error",
               "Ordering is by id, state, job_type, hostname, start_date, end_date or latest_heartbeat",
               order);
  }
}

Value WireJob(const Job& job) {
  return Value::Map{{"id", job.id},
                    {"dag_id", Value()},
                    {"dag_display_name", Value()},
                    {"state", job.state},
                    {"job_type", job.type},
                    {"start_date", FormatTime(job.start)},
                    {"end_date", WireTime(job.end)},
                    {"latest_heartbeat", FormatTime(job.heartbeat)},
                    {"executor_class", Value()},
                    {"hostname", job.hostname},
                    {"unixname", Value()}};
}

http::Response ListJobs(Context& context, WallTime started, const Call& call) {
  QueryInput query(call.request);
  const store::Page page = query.Paging();
  const std::optional<bool> alive = query.Bool("is_alive");
  const std::string state = query.String("job_state");
  const std::string type = query.String("job_type");
  const std::string hostname = query.String("hostname");
  const std::string executor = query.String("executor_class");
  std::optional<WallTime> start_from, start_to, end_from, end_to;
  query.Range("start_date", &start_from, &start_to);
  query.Range("end_date", &end_from, &end_to);
  ASSIGN_OR_ANSWER(std::vector<Job> jobs, Jobs(context, started));
  for (const std::string& order : query.Strings("order_by")) Order(jobs, order, query.issues());
  if (auto problems = query.Problems()) return *problems;
  const auto within = [](const std::optional<WallTime>& time, const std::optional<WallTime>& from,
                         const std::optional<WallTime>& to) {
    return (!from && !to) || (time && (!from || *time >= *from) && (!to || *time <= *to));
  };
  std::erase_if(jobs, [&](const Job& job) {
    return (alive && *alive != job.alive) || (!state.empty() && state != job.state) ||
           (!type.empty() && type != job.type) || (!hostname.empty() && hostname != job.hostname) ||
           !executor.empty() || !within(job.start, start_from, start_to) ||
           !within(job.end, end_from, end_to);
  });
  store::Listing<Job> listing;
  listing.total = static_cast<std::int64_t>(jobs.size());
  Value::List wire;
  for (std::size_t i = static_cast<std::size_t>(page.offset);
       i < jobs.size() && wire.size() < static_cast<std::size_t>(page.limit); ++i) {
    wire.push_back(WireJob(jobs[i]));
  }
  return JsonAnswer(WireList("jobs", std::move(wire), listing));
}

}  // namespace

void AddClientRoutes(RouteTable& table, Context& context, const Views& views) {
  const Access read_dag = Needs(Verb::kRead, Resource::kDag);
  table.Add({"POST", "/api/v2/dags/{dag_id}/favorite", read_dag, 204, "Mark a DAG as one of one's own",
             [&context](const Call& call) { return Mark(context, call, true); }});
  table.Add({"POST", "/api/v2/dags/{dag_id}/unfavorite", read_dag, 204, "Take that mark away",
             [&context](const Call& call) { return Mark(context, call, false); }});
  table.Add({"PUT", "/api/v2/parseDagFile/{file_token}", Needs(Filtered(Verb::kWrite), Resource::kDag), 201,
             "Have a DAG's file read again, which it is anyhow whenever it changes",
             [&context](const Call& call) { return ParseFile(context, call); }});
  const std::string_view links = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/links";
  table.Add({"GET", links, read_dag, 200, "Links that a task defines: none",
             [&context](const Call& call) { return ListLinks(context, call); }});
  const std::string_view log_url =
      "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/externalLogUrl/{try_number}";
  table.Add(
      {"GET", log_url, read_dag, 200, "Where people read a try's log",
       [&context, base_url = views.base_url](const Call& call) { return LogUrl(context, base_url, call); }});
  table.Add({"GET", "/api/v2/jobs", Needs(Filtered(Verb::kRead), Resource::kWorker), 200,
             "The scheduler and its workers",
             [&context, started = context.clock.now().wall](const Call& call) {
               return ListJobs(context, started, call);
             }});
}

}  // namespace millrace::api
