// The engine's side of a mapreduce task: fences, slots, losses and restarts of its stage tasks, with the real
// jobs::Job.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/model/json.h"
#include "tests/support/dag_builder.h"
#include "tests/support/engine_driver.h"

namespace millrace::test {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr const char* kWith = R"json({"inputs": {"rows": {"path": "in/"}}, "map": "SELECT k, v FROM rows",
  "aggregate": {"by": ["k"], "select": {"n": "count(*)"}}, "output": {"path": "out/"}})json";

class EngineJobs : public ::testing::Test {
 protected:
  EngineJobs() {
    driver_.LoadDag(DagBuilder("etl")
                        .Add("job", {},
                             [](Task& task) {
                               task.kind = "mapreduce";
                               task.with = ParseJson(kWith).value();
                             })
                        .Add("after", {"job"})
                        .Build());
  }

  // What was sent by the last event; each is answered by Succeed.
  std::vector<Assign> Sent() const { return driver_.Effects<Assign>(); }

  void Tell(const Assign& assign, StageResult result, Outcome outcome = Outcome::kSuccess) {
    Report report;
    report.sequence = ++sequences_[assign.session];
    report.fence = assign.assignment.fence;
    report.ended = true;
    report.outcome = outcome;
    report.stage = std::move(result);
    driver_.Apply(Reported{assign.session, {report}});
  }

  void Succeed(const Assign& assign) {
    const StageWork& stage = *assign.assignment.stage;
    StageResult result;
    if (std::holds_alternative<PlanWork>(stage.work)) {
      PlanResult plan;
      plan.plan.stages = {{.name = "map", .inputs = {"rows"}, .exchange = Exchange::kHash, .keys = {"k"}, .partitions = 2},
                          {.name = "reduce", .reads = {{.view = "states", .stage = 0}}}};
      plan.plan.partitions = 2;
      plan.plan.mode = "distributed";
      for (const char* path : {"in/0", "in/1"}) plan.plan.splits.push_back({"rows", path, 0, 0, 1000});
      result = plan;
    } else if (const auto* map = std::get_if<StageTaskWork>(&stage.work); map != nullptr && map->plan.exchange != Exchange::kFiles) {
      MapResult done;
      done.output.map_index = map->index;
      done.output.fence = assign.assignment.fence;
      done.output.session = assign.session;
      done.partitions.assign(2, {10, 1});
      result = done;
    } else if (std::holds_alternative<PublishWork>(stage.work)) {
      result = PublishResult{"out/", {}, ""};
    } else {
      result = ReduceResult{.files = {{"part", 5, 2, ""}}};
    }
    Tell(assign, result);
  }

  EngineDriver driver_;
  std::map<SessionId, std::uint64_t> sequences_;
};

TEST_F(EngineJobs, a_job_plans_maps_reduces_and_publishes_on_both_workers_and_holds_no_slot_itself) {
  driver_.Join("w1", 1);
  driver_.Join("w2", 1);
  driver_.Trigger("etl", "first");
  EXPECT_EQ(driver_.StateOf("job"), TaskState::kRunning);
  const std::vector<Assign> plan = Sent();
  ASSERT_THAT(plan, SizeIs(1));
  Succeed(plan[0]);
  const std::vector<Assign> maps = Sent();
  ASSERT_THAT(maps, SizeIs(2));
  EXPECT_NE(maps[0].session, maps[1].session) << "spread over the workers";
  Succeed(maps[0]);
  EXPECT_THAT(Sent(), IsEmpty()) << "a barrier waits for every map";
  Succeed(maps[1]);
  std::vector<Assign> reduces = Sent();
  ASSERT_THAT(reduces, SizeIs(2));
  Succeed(reduces[0]);
  Succeed(reduces[1]);
  const std::vector<Assign> publish = Sent();
  ASSERT_THAT(publish, SizeIs(1));
  Succeed(publish[0]);
  EXPECT_EQ(driver_.StateOf("job"), TaskState::kSuccess);
  EXPECT_EQ(driver_.StateOf("after"), TaskState::kQueued);
  EXPECT_THAT(driver_.Effects<JobEnded>(), SizeIs(2));
  EXPECT_EQ(driver_.rows.jobs.begin()->second.state, "success");
}

TEST_F(EngineJobs, stage_work_goes_where_the_job_has_a_runner_when_workers_are_equally_busy_with_it) {
  driver_.Join("w1", 2);
  driver_.Join("w2", 2);
  driver_.Trigger("etl", "first");
  const Assign plan = Sent().at(0);
  driver_.Join("w3", 16);  // has the most free slots
  Succeed(plan);
  const std::vector<Assign> maps = Sent();
  ASSERT_THAT(maps, SizeIs(2));
  EXPECT_EQ(maps[0].session, plan.session);
  EXPECT_NE(maps[1].session, plan.session) << "spread comes first";
}

TEST_F(EngineJobs, maps_lost_with_their_worker_are_made_again_elsewhere_under_new_fences) {
  const SessionId first = driver_.Join("w1", 1);
  driver_.Join("w2", 1);
  driver_.Trigger("etl", "first");
  Succeed(Sent().at(0));
  const std::vector<Assign> maps = Sent();
  ASSERT_THAT(maps, SizeIs(2));
  const Assign& lost = maps[0].session == first ? maps[0] : maps[1];
  const Assign& kept = maps[0].session == first ? maps[1] : maps[0];
  Succeed(lost);  // its blocks are on w1
  driver_.Apply(WorkerDraining{first, true});
  Succeed(kept);
  const std::vector<Assign> again = Sent();
  ASSERT_FALSE(again.empty());
  EXPECT_EQ(again[0].session, kept.session);
  EXPECT_EQ(std::get<StageTaskWork>(again[0].assignment.stage->work).stage, 0);
  EXPECT_GT(again[0].assignment.fence, kept.assignment.fence);
}

TEST_F(EngineJobs, the_timeline_has_attempts_that_went_with_their_worker_also_when_the_job_had_given_them_up) {
  const SessionId first = driver_.Join("w1", 1);
  const SessionId second = driver_.Join("w2", 1);
  driver_.Trigger("etl", "first");
  Succeed(Sent().at(0));
  const std::vector<Assign> maps = Sent();
  ASSERT_THAT(maps, SizeIs(2));
  Succeed(maps[0]);
  Succeed(maps[1]);
  ASSERT_THAT(Sent(), SizeIs(2)) << "a reduce on each worker";
  for (int i = 0; i < 12; ++i) {  // w1 says nothing any more: its map is lost, so both reduces are given up
    driver_.Heartbeat(second);
    driver_.Advance(std::chrono::seconds(5));
  }
  EXPECT_EQ(driver_.rows.sessions.at(first).ended_at.has_value(), true);
  const Value report = ParseJson(driver_.rows.jobs.begin()->second.report).value();
  int lost = 0;
  for (const Value& entry : report.Find("timeline")->as_list()) {
    if (entry.Find("outcome")->as_string() != "lost") continue;
    ++lost;
    EXPECT_EQ(entry.Find("stage")->as_string(), "reduce");
    EXPECT_EQ(entry.Find("worker")->as_string(), "w1");
    EXPECT_GT(entry.Find("started_at")->as_int(), 0);
    EXPECT_GT(entry.Find("ended_at")->as_int(), entry.Find("started_at")->as_int());
  }
  EXPECT_EQ(lost, 1) << driver_.rows.jobs.begin()->second.report;
}

TEST_F(EngineJobs, a_report_is_not_written_with_each_end_but_soon_after_it) {
  driver_.Join("w1", 2);
  driver_.Trigger("etl", "first");
  driver_.Advance(std::chrono::seconds(2));
  const Assign plan = driver_.assigned.begin()->second;
  const auto done = [this] {
    const Value report = ParseJson(driver_.rows.jobs.begin()->second.report).value();
    std::map<std::string, std::int64_t> by_stage;
    for (const Value& stage : report.Find("stages")->as_list()) by_stage[stage.Find("stage")->as_string()] = stage.Find("done")->as_int();
    return by_stage;
  };
  Succeed(plan);
  const std::vector<Assign> maps = Sent();
  ASSERT_THAT(maps, SizeIs(2));
  EXPECT_EQ(done()["plan"], 1) << "the last time it was written is long ago";
  Succeed(maps[0]);
  EXPECT_EQ(done()["map"], 0);
  driver_.Advance(std::chrono::seconds(1));
  EXPECT_EQ(done()["map"], 1);
  Succeed(maps[1]);
  const std::vector<Assign> reduces = Sent();
  for (const Assign& reduce : reduces) Succeed(reduce);
  Succeed(Sent().at(0));
  EXPECT_EQ(driver_.rows.jobs.begin()->second.state, "success");
  EXPECT_EQ(done()["map"], 2) << "at the end it is always written";
}

TEST_F(EngineJobs, what_a_run_told_of_its_heavy_keys_the_next_run_of_the_task_knows_when_it_begins) {
  driver_.Join("w1", 2);
  const auto run = [this](const std::string& id) {
    driver_.Trigger("etl", id);
    std::vector<SaltedKey> salts;
    std::vector<Assign> todo = Sent();
    while (!todo.empty()) {
      const Assign assign = todo.back();
      todo.pop_back();
      if (assign.assignment.stage == nullptr) continue;  // the task behind the job
      const StageWork& stage = *assign.assignment.stage;
      const auto* task = std::get_if<StageTaskWork>(&stage.work);
      if (std::holds_alternative<PlanWork>(stage.work)) {
        PlanResult plan;
        plan.plan.stages = {{.name = "map", .inputs = {"rows"}, .exchange = Exchange::kHash, .keys = {"k"}, .partitions = 4},
                            {.name = "reduce", .reads = {{.view = "states", .stage = 0}}}};
        plan.plan.stages[0].salt.partitions = -1;
        plan.plan.stages[1].cut = {.views = {"states"}, .partial = {{.name = "merge", .view = "fewer", .code = {.sql = "FROM states"}}}};
        plan.plan.mode = "distributed";
        plan.plan.splits.push_back({"rows", "in/0", 0, 0, 1000});
        Tell(assign, plan);
      } else if (task != nullptr && task->plan.exchange != Exchange::kFiles) {
        if (task->stage == 0) salts = task->salts;
        MapResult done;
        done.output.map_index = task->index;
        done.output.fence = assign.assignment.fence;
        done.output.session = assign.session;
        done.partitions.assign(static_cast<std::size_t>(task->partitions), {.bytes = 25'000'000, .rows = 1});
        done.heavy = {{.hash = 9, .bytes = 60'000'000, .text = "k=7"}};
        Tell(assign, done);
      } else {
        Succeed(assign);
      }
      const std::vector<Assign> more = Sent();
      todo.insert(todo.end(), more.begin(), more.end());
    }
    return salts;
  };
  EXPECT_TRUE(run("first").empty());
  EXPECT_EQ(driver_.StateOf("job"), TaskState::kSuccess);
  const std::vector<SaltedKey> salts = run("second");
  ASSERT_EQ(salts.size(), 1U);
  EXPECT_EQ(salts[0].hash, 9U);
}

TEST_F(EngineJobs, after_a_restart_a_running_stage_task_is_adopted_and_not_sent_again) {
  const SessionId session = driver_.Join("w1", 2);
  driver_.Trigger("etl", "first");
  Succeed(Sent().at(0));
  const std::vector<Assign> maps = Sent();
  ASSERT_THAT(maps, SizeIs(2));
  driver_.Restart();
  WorkerJoined joined;
  joined.stream = 99;
  joined.offer.name = "w1";
  joined.offer.slots = 2;
  joined.resumed = session;
  for (const Assign& map : maps) {
    const auto& work = std::get<StageTaskWork>(map.assignment.stage->work);
    joined.inventory.push_back(map.assignment.fence);
    joined.stages.push_back({map.assignment.fence, map.assignment.stage->job, work.stage, work.index});
  }
  driver_.Apply(joined);
  EXPECT_THAT(Sent(), IsEmpty());
  EXPECT_THAT(driver_.Effects<Welcome>().at(0).kill, IsEmpty());
  Succeed(maps[0]);
  Succeed(maps[1]);
  EXPECT_THAT(Sent(), SizeIs(2)) << "both maps count, so the reduces start";
}

TEST_F(EngineJobs, cancelling_the_run_kills_its_stage_tasks_and_frees_their_slots_when_they_end) {
  driver_.Join("w1", 1);
  driver_.Trigger("etl", "first");
  const Assign plan = Sent().at(0);
  ASSERT_TRUE(driver_.Do(CancelRun{"etl", "first", "ana"}).ok());
  EXPECT_THAT(driver_.Effects<CancelAttempt>(), SizeIs(1));
  EXPECT_EQ(driver_.StateOf("job"), TaskState::kFailed);
  driver_.Trigger("etl", "second");
  EXPECT_THAT(Sent(), IsEmpty()) << "the slot is still held";
  Tell(plan, {}, Outcome::kKilled);
  EXPECT_THAT(Sent(), SizeIs(1));
}

TEST_F(EngineJobs, a_job_that_no_file_holds_brings_its_dag_along_and_each_run_has_the_version_it_came_with) {
  driver_.Join("w1", 1);
  const auto run = [this](const std::string& run_id, const std::string& doc) {
    TriggerRun command;
    command.dag_id = "millrace.jobs";
    command.run_id = run_id;
    command.job = DagBuilder("millrace.jobs")
                      .Version(doc)
                      .Add("job", {},
                           [&](Task& task) {
                             task.kind = "mapreduce";
                             task.doc = doc;
                             task.with = ParseJson(kWith).value();
                           })
                      .Build();
    return driver_.Do(command);
  };
  const CommandReply first = run("one", "first");
  ASSERT_TRUE(first.ok()) << first.status().ToString();
  EXPECT_EQ(first->run->version, 1);
  const std::vector<Assign> plan = Sent();
  ASSERT_THAT(plan, SizeIs(1));
  EXPECT_EQ(plan[0].assignment.dag_id, "millrace.jobs");
  EXPECT_EQ(run("two", "second")->run->version, 2);
  EXPECT_EQ(run("three", "second")->run->version, 2) << "the same text is the same version";
  EXPECT_EQ(run("two", "third").status().code(), Code::kAlreadyExists);
  driver_.Restart();
  EXPECT_EQ(driver_.StateOfRun("two"), RunState::kRunning) << "durable as any other";
  EXPECT_EQ(run("four", "first")->run->version, 3);
}

}  // namespace
}  // namespace millrace::test
