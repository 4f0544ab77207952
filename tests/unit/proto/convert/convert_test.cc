#include <gtest/gtest.h>

#include "proto/convert/job.h"
#include "proto/convert/worker.h"

namespace millrace::convert {
namespace {

// Protobuf sends a value through bytes, as the wire does.
template <typename Wire>
Wire ThroughBytes(const Wire& message) {
  Wire read;
  EXPECT_TRUE(read.ParseFromString(message.SerializeAsString()));
  return read;
}

template <typename Wire, typename Model>
Model RoundTrip(const Model& from) {
  Wire wire;
  ToWire(from, &wire);
  return FromWire(ThroughBytes(wire));
}

InputFacts SomeInput(const std::string& name) {
  return {
      name, "parquet", true, {{"state", "VARCHAR"}, {"delay", "DECIMAL(18,2)"}}, {"a.parquet", "b.parquet"},
      12,   34,        {";", "'", "\\", "#", "%d/%m/%Y", "%c", "NA", 2, true}, true, "escaped"};
}
Split SomeSplit() { return {"flights", "raw/1.parquet", 5, 17, 900}; }
Fragment SomeFragment(const std::string& sql) { return {sql, {"wc", "-l"}, "libcount.so"}; }
MapOutput SomeOutput(int index) {
  return {2, index, {3, 17}, SessionId{9}, "127.0.0.1:4", "/run/shuffle.sock", "machine/boot"};
}

Step SomeStep(const std::string& view) { return {"map", view, SomeFragment("SELECT 1"), true}; }

StagePlan SomeStage() {
  StagePlan stage;
  stage.name = "joined";
  stage.inputs = {"flights"};
  stage.broadcast = {"airports"};
  stage.reads = {{"orders", 3, {{"day", "DATE"}}, 2, true}};
  stage.steps = {SomeStep("mapped"), SomeStep("states")};
  stage.result = "states";
  stage.columns = {{"day", "DATE"}};
  stage.exchange = Exchange::kRange;
  stage.keys = {"day", "state"};
  stage.hash = "hash(day)";
  stage.filter = "day IS NOT NULL";
  stage.order = "create_sort_key(day, 'ASC')";
  stage.partitions = 12;
  stage.ordered = true;
  stage.join = {"left", "auto", "a", "b"};
  stage.cut = {{"orders"}, {SomeStep("partial")}, "why not", 4096};
  stage.salt = {4, {{~std::uint64_t{0}, 12, "day=1"}}, 400};
  return stage;
}

JobPlan SomePlan() {
  JobPlan plan;
  plan.inputs = {SomeInput("flights"), SomeInput("airports")};
  plan.splits = {SomeSplit(), SomeSplit()};
  plan.stages = {SomeStage(), SomeStage()};
  plan.fused = {SomeStep("all")};
  plan.ordered = true;
  plan.output = {{"avg", "DOUBLE"}};
  plan.partitions = 8;
  plan.mode = "distributed";
  plan.input_bytes = 1'000'000'000'000;
  return plan;
}

StageWork WorkOf(std::variant<PlanWork, StageTaskWork, FusedWork, PublishWork> work) {
  return {{{RunKey{7}, 2}, 3}, "job-7-2-3", std::move(work)};
}

TEST(ConvertTest, EveryKindOfStageWorkComesBackAsItWas) {
  const TaskRead read{"orders", {{"day", "DATE"}}, 3, 5, {SomeOutput(0), SomeOutput(1)}, {{0, 4096}, {4096, 9000}}, "hash(day)"};
  const StageTaskWork task{1, 4, SomeStage(), {SomeInput("flights")}, {SomeSplit()}, {read}, 8, {std::string("\0\xff", 2)},
                           {{~std::uint64_t{0}, 8, 4}}, 4, true};
  const PublishWork publish{
      {{"part-0.parquet", 10, 20, "ab"}}, {{"avg", "DOUBLE"}}, {std::string("\0\xff", 2), "two"}};
  for (const StageWork& work :
       {WorkOf(PlanWork{}), WorkOf(task), WorkOf(FusedWork{SomePlan()}), WorkOf(publish)}) {
    EXPECT_EQ((RoundTrip<v1::StageWork>(work)), work) << "alternative " << work.work.index();
  }
}

TEST(ConvertTest, EveryKindOfStageResultComesBackAsItWas) {
  MapResult map{SomeOutput(4), {{10, 1}, {20, 2}}, std::string("\x80\0", 2), 100, 5, 6, 7, {"00ff"}};
  map.order_digest = "0af0";
  map.input_bytes = 77;
  map.heavy = {{~std::uint64_t{0}, 12, "day=1"}};
  const ReduceResult reduce{{{"part-0.parquet", 10, 20, "ab"}}, "state", 3, 4, 5, {{6, 7}}, 77};
  const PublishResult publish{"lake/gold", {{"part-0.parquet", 10, 20, "ab"}}, "[]"};
  for (const StageResult& result : {StageResult{}, StageResult{PlanResult{SomePlan()}}, StageResult{map},
                                    StageResult{reduce}, StageResult{publish}}) {
    EXPECT_EQ((RoundTrip<v1::StageResult>(result)), result) << "alternative " << result.index();
  }
}

TEST(ConvertTest, AnAssignmentComesBackWithoutWhatTheGatewayAddsToIt) {
  Assignment from;
  from.fence = {3, 17};
  from.instance = {RunKey{7}, 2};
  from.dag_id = "etl";
  from.run_id = "manual__1";
  from.task_id = "load";
  from.try_number = 4;
  from.kind = "sql";
  from.with = R"({"sql":"SELECT 1"})";
  from.environment = {{"MILLRACE_DS", "2001-03-01"}, {"MILLRACE_V1", "a b"}};
  from.connections = {"lake", "warehouse"};
  from.files = {"contracts/flights.yml"};
  from.dag_hash = "stays";
  from.timeout = std::chrono::minutes(3);
  from.kill_grace = std::chrono::seconds(10);
  from.slots = 2;
  from.stage = std::make_shared<const StageWork>(WorkOf(PlanWork{}));

  v1::Assignment wire;
  ToWire(from, &wire);
  Enclosed enclosed{{{"lake", "file:///x"}, {"warehouse", "postgresql://u:p@h/d"}},
                    {{"contracts/flights.yml", "name: flights\n"}}};
  enclosed.withheld = {{"crm", "connection crm belongs to team ads, and this DAG to none"}};
  ToWire(enclosed, &wire);
  wire = ThroughBytes(wire);

  const Assignment to = FromWire(wire);
  EXPECT_EQ(to.fence, from.fence);
  EXPECT_EQ(to.instance, from.instance);
  EXPECT_EQ(to.dag_id, from.dag_id);
  EXPECT_EQ(to.run_id, from.run_id);
  EXPECT_EQ(to.task_id, from.task_id);
  EXPECT_EQ(to.try_number, from.try_number);
  EXPECT_EQ(to.kind, from.kind);
  EXPECT_EQ(to.with, from.with);
  EXPECT_EQ(to.environment, from.environment);
  EXPECT_EQ(to.connections, from.connections);
  EXPECT_EQ(to.files, from.files);
  EXPECT_EQ(to.timeout, from.timeout);
  EXPECT_EQ(to.kill_grace, from.kill_grace);
  EXPECT_EQ(to.slots, from.slots);
  ASSERT_NE(to.stage, nullptr);
  EXPECT_EQ(*to.stage, *from.stage);
  EXPECT_EQ(EnclosedFromWire(wire), enclosed);
}

Report SomeReport() {
  Report report;
  report.sequence = 5;
  report.fence = {3, 17};
  report.ended = true;
  report.outcome = Outcome::kFailFinal;
  report.exit_code = 0;  // set, though zero
  report.message = "exit code 0";
  report.result = "{}";
  report.started_at = WallFromMicros(1'000'001);
  report.ended_at = WallFromMicros(2'000'002);
  report.stage = PublishResult{"lake/gold", {}, "[]"};
  return report;
}

void ExpectSame(const Report& a, const Report& b) {
  EXPECT_EQ(a.sequence, b.sequence);
  EXPECT_EQ(a.fence, b.fence);
  EXPECT_EQ(a.ended, b.ended);
  EXPECT_EQ(a.outcome, b.outcome);
  EXPECT_EQ(a.exit_code, b.exit_code);
  EXPECT_EQ(a.message, b.message);
  EXPECT_EQ(a.result, b.result);
  EXPECT_EQ(a.started_at, b.started_at);
  EXPECT_EQ(a.ended_at, b.ended_at);
  EXPECT_EQ(a.stage, b.stage);
}

TEST(ConvertTest, AReportComesBackAsItWas) {
  Report report = SomeReport();
  ExpectSame(RoundTrip<v1::Report>(report), report);
  for (const Outcome outcome : {Outcome::kSuccess, Outcome::kFailed, Outcome::kFailFinal, Outcome::kSkipped,
                                Outcome::kKilled, Outcome::kLost}) {
    report.outcome = outcome;
    report.exit_code.reset();
    ExpectSame(RoundTrip<v1::Report>(report), report);
  }
}

TEST(ConvertTest, AnUnknownOutcomeIsAFailureNeverASuccess) {
  v1::Report wire;
  wire.set_outcome(static_cast<v1::Outcome>(77));
  EXPECT_EQ(FromWire(ThroughBytes(wire)).outcome, Outcome::kFailed);
}

TEST(ConvertTest, WhatIsAskedOfAStateStoreAndAnsweredComesBackAsItWas) {
  for (const StateOp op : {StateOp::kGet, StateOp::kSet, StateOp::kDelete, StateOp::kClear}) {
    const StateRequest request{{3, 17}, 4, op, "orders", "s3/a b", R"({"n":1})", kForEver};
    v1::StateRequest wire;
    ToWire(request, &wire);
    EXPECT_EQ(FromWire(wire), request);
  }
  v1::StateRequest newer;
  newer.set_op(static_cast<v1::StateOp>(77));
  EXPECT_EQ(FromWire(newer).op, StateOp::kGet) << "what is not known changes nothing";
  const StateAnswer answer{SessionId{}, {3, 17}, 4, true, "[1]", "no"};
  v1::StateAnswer wire;
  ToWire(answer, &wire);
  EXPECT_EQ(FromWire(wire), answer);
}

TEST(ConvertTest, AJoinComesBackAsItWas) {
  WorkerJoined from;
  from.offer = {"w1",           "host",    8,   {"gpu", "big"}, "0.1.0", "127.0.0.1:9", "/run/s.sock",
                "machine/boot", "1.5.6/1", 4711, 64'000'000};
  from.resumed = SessionId{12};
  from.inventory = {{3, 17}, {3, 18}};
  from.reports = {SomeReport()};
  from.stages = {{{3, 18}, {{RunKey{7}, 2}, 3}, 1, 5}};
  v1::Join wire;
  ToWire(from, &wire);
  const WorkerJoined to = FromWire(ThroughBytes(wire), 99);
  EXPECT_EQ(to.stream, 99U);
  EXPECT_EQ(to.offer.name, from.offer.name);
  EXPECT_EQ(to.offer.hostname, from.offer.hostname);
  EXPECT_EQ(to.offer.slots, from.offer.slots);
  EXPECT_EQ(to.offer.labels, from.offer.labels);
  EXPECT_EQ(to.offer.version, from.offer.version);
  EXPECT_EQ(to.offer.shuffle_address, from.offer.shuffle_address);
  EXPECT_EQ(to.offer.shuffle_socket, from.offer.shuffle_socket);
  EXPECT_EQ(to.offer.host_identity, from.offer.host_identity);
  EXPECT_EQ(to.offer.engine_version, from.offer.engine_version);
  EXPECT_EQ(to.offer.pid, from.offer.pid);
  EXPECT_EQ(to.offer.memory_bytes, from.offer.memory_bytes);
  EXPECT_EQ(to.resumed, from.resumed);
  EXPECT_EQ(to.inventory, from.inventory);
  ASSERT_EQ(to.reports.size(), 1U);
  ExpectSame(to.reports[0], from.reports[0]);
  ASSERT_EQ(to.stages.size(), 1U);
  EXPECT_EQ(to.stages[0].fence, from.stages[0].fence);
  EXPECT_EQ(to.stages[0].job, from.stages[0].job);
  EXPECT_EQ(to.stages[0].stage, 1);
  EXPECT_EQ(to.stages[0].index, 5);
}

TEST(ConvertTest, AWelcomeComesBackWithItsTerms) {
  const Welcome from{0, SessionId{12}, 3, "no such token", {{3, 17}}, 41};
  const Terms terms{std::chrono::seconds(3), std::chrono::seconds(30), "secret"};
  v1::Welcome wire;
  ToWire(from, terms, &wire);
  wire = ThroughBytes(wire);
  const Welcome to = FromWire(wire);
  EXPECT_EQ(to.session, from.session);
  EXPECT_EQ(to.term, from.term);
  EXPECT_EQ(to.refused, from.refused);
  EXPECT_EQ(to.kill, from.kill);
  EXPECT_EQ(to.acknowledged, from.acknowledged);
  EXPECT_EQ(TermsFromWire(wire).heartbeat, terms.heartbeat);
  EXPECT_EQ(TermsFromWire(wire).lease, terms.lease);
  EXPECT_EQ(TermsFromWire(wire).shuffle_secret, terms.shuffle_secret);
}

}  // namespace
}  // namespace millrace::convert
