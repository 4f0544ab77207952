#include "worker/tasks/python.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "core/model/json.h"
#include "worker/tasks/attempt.h"
#include "worker/tasks/python_environment.h"

namespace millrace::tasks {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class PythonTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "python_test.XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    std::filesystem::create_directories(folder_ + "/root");
    workplace_.root = folder_ + "/root";
    workplace_.folder = folder_;
    wire_.mutable_fence()->set_term(1);
    wire_.set_kind("python");
    wire_.set_kill_grace_micros(10'000'000);
    wire_.set_context(R"({"dag_id":"etl","ds":"2001-03-01","params":{"city":"Oslo"}})");
    with_.Set("file", "scripts/job.py");
    entry_ = PythonEntry({{"PATH", ::getenv("PATH")}}, folder_ + "/environments");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void Begin(const std::string& source) {
    wire_.mutable_fence()->set_counter(++counter_);
    wire_.clear_files();
    v1::File* file = wire_.add_files();
    file->set_path("scripts/job.py");
    file->set_content(source);
    for (const auto& [path, content] : more_files_) {
      v1::File* more = wire_.add_files();
      more->set_path(path);
      more->set_content(content);
    }
    wire_.set_with(ToJson(with_));
    attempt_ = std::make_unique<Attempt>(wire_, workplace_, [this](std::string data) {
      const std::lock_guard lock(mutex_);
      log_ += data;
      logged_.notify_all();
    }, kMaxLogBytes, [this](const StateRequest& request) { Answer(request); });
    kind_ = entry_.make();
  }
  // A scheduler with a state store in memory.
  void Answer(const StateRequest& request) {
    StateAnswer answer{SessionId{}, request.fence, request.id, false, "", ""};
    const std::string key = request.dataset + "/" + request.key;
    if (request.op == StateOp::kSet) states_[key] = request;
    if (request.op == StateOp::kDelete) states_.erase(key);
    if (request.op == StateOp::kClear) states_.clear();
    answer.found = request.op == StateOp::kGet && states_.contains(key);
    if (answer.found) answer.json = states_[key].json;
    attempt_->Answered(answer);
  }
  Report Run(const std::string& source) {
    Begin(source);
    return attempt_->Finish(kind_->Run(*attempt_));
  }
  void AwaitLog(const std::string& text) {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(logged_.wait_for(lock, std::chrono::seconds(20), [&] {
      return log_.find(text) != std::string::npos;
    })) << log_;
  }

  std::string folder_;
  Workplace workplace_;
  v1::Assignment wire_;
  Value with_;
  std::uint64_t counter_ = 0;
  std::vector<std::pair<std::string, std::string>> more_files_;
  std::map<std::string, StateRequest> states_;  // as they were set last
  TaskEntry entry_;  // outlives its kinds
  std::unique_ptr<Attempt> attempt_;
  std::unique_ptr<TaskKind> kind_;
  std::mutex mutex_;
  std::condition_variable logged_;
  std::string log_;
};

TEST_F(PythonTest, ArgumentsComeInAsJsonAndTheReturnValueIsTheResult) {
  with_.Set("args",
            Value(Value::Map{{"n", Value(20)}, {"names", Value(Value::List{Value("a"), Value("b")})}}));
  const Report report =
      Run("def main(n, names):\n  print('on', n)\n  return {'twice': n * 2, 'names': names}\n");
  EXPECT_EQ(report.outcome, Outcome::kSuccess) << report.message << log_;
  EXPECT_EQ(report.result, R"({"twice": 40, "names": ["a", "b"]})");
  EXPECT_EQ(log_, "on 20\n");
}

TEST_F(PythonTest, ATaskKeepsWhatItsRetryReads) {
  const std::string source = R"(import asyncio, datetime
from millrace import NEVER_EXPIRE
async def slow(store): return await asyncio.gather(*[store.aget('job') for _ in range(20)])
def main(context, task_state_store, **rest):
  store = context['task_state_store']
  assert store is task_state_store and 'ds' in rest and 'task_state_store' not in list(context)
  before = store.get('job', default='none')
  store.set('job', {'id': 7})
  store.set('hours', 1, retention=datetime.timedelta(hours=6))
  store.set('ever', 1, retention=NEVER_EXPIRE)
  for value, retention, error in ((None, None, ValueError), (1, 7, TypeError), (object(), None, ValueError), ('x' * 70000, None, ValueError)):
    try: store.set('bad', value, retention=retention)
    except error: continue
    return 'was not refused'
  try: context['asset_state_store']
  except KeyError: pass
  else: return 'there is no dataset'
  return [before, store.get('job'), store.get('bad'), len(asyncio.run(slow(store)))]
)";
  EXPECT_EQ(Run(source).result, R"(["none", {"id": 7}, null, 20])") << log_;
  EXPECT_EQ(states_["/hours"].retention, std::chrono::hours(6));
  EXPECT_EQ(states_["/ever"].retention, kForEver);
  EXPECT_EQ(states_["/job"].retention, Duration(0));
  EXPECT_EQ(Run("def main(context):\n  s = context['task_state_store']\n  job = s.get('job')\n  s.delete('job')\n"
                "  return [job, s.get('job')]\n")
                .result,
            R"([{"id": 7}, null])")
      << log_;
}

TEST_F(PythonTest, ADatasetsStoreIsFoundByItsNameAndAloneWithoutIt) {
  wire_.set_context(R"({"inlets":["orders"],"outlets":["orders"]})");
  EXPECT_EQ(Run("def main(context, asset_state_store):\n"
                "  asset_state_store.set('w', 5)\n"
                "  return [asset_state_store.get('w'), context['asset_state_store']['orders'].get('w')]\n")
                .result,
            "[5, 5]")
      << log_;
  EXPECT_TRUE(states_.contains("orders/w"));
  wire_.set_context(R"({"inlets":["orders"],"outlets":["users"]})");
  EXPECT_THAT(Run("def main(asset_state_store): asset_state_store.get('w')\n").message,
              HasSubstr("ValueError: this task has several datasets (orders, users)"));
  EXPECT_THAT(Run("def main(asset_state_store): asset_state_store['nope']\n").message, HasSubstr("KeyError"));
  EXPECT_EQ(Run("class Users: name = 'users'\n"
                "def main(asset_state_store): return asset_state_store[Users].get('w', 1)\n")
                .result,
            "1")
      << log_;
}

TEST_F(PythonTest, ArgumentsByPositionComeBeforeThoseByName) {
  with_.Set("positional", Value(Value::List{Value(1), Value("two")}));
  with_.Set("args", Value(Value::Map{{"last", Value(3)}}));
  EXPECT_EQ(Run("def main(a, b, ds, last): return [a, b, ds, last]\n").result, R"([1, "two", "2001-03-01", 3])")
      << log_;
  EXPECT_EQ(Run("def main(*all, last): return [list(all), last]\n").result, R"([[1, "two"], 3])") << log_;
  EXPECT_EQ(Run("def main(a, b, /, last): return [a, b, last]\n").result, R"([1, "two", 3])") << log_;
  // One that it is given by position is not the run's of that name.
  EXPECT_EQ(Run("def main(ds, dag_id, **rest): return [ds, dag_id, rest['last'], 'ds' in rest]\n").result,
            R"([1, "two", 3, false])")
      << log_;
  const Report twice = Run("def main(last, b): return last\n");
  EXPECT_EQ(twice.outcome, Outcome::kFailFinal);
  EXPECT_THAT(twice.message, HasSubstr("multiple values for argument 'last'"));
  EXPECT_THAT(Run("def main(a, last): return a\n").message, HasSubstr("multiple values for argument 'last'"));
}

TEST_F(PythonTest, WhatItPushesByNameComesWithTheEnd) {
  const Report report = Run(
      "import millrace\ndef main():\n  millrace.xcom_push('rows', 3)\n  millrace.xcom_push('l', ['a'])\n");
  EXPECT_EQ(report.outcome, Outcome::kSuccess) << report.message << log_;
  EXPECT_THAT(report.xcoms, ::testing::ElementsAre(XComValue{"rows", "3"}, XComValue{"l", R"(["a"])"}));
}

TEST_F(PythonTest, WhatItSaysOfItsOutletsIsAnXCom) {
  const Report report =
      Run("from millrace import outlet_events\n"
          "def main():\n"
          "  outlet_events['orders'].extra = {'rows': 3}\n"
          "  outlet_events['files'].add('f1', extra={'n': 1})\n"
          "  outlet_events['files'].add({'name': 'f2', 'uri': 's3://f2'})\n");
  EXPECT_EQ(report.outcome, Outcome::kSuccess) << report.message << log_;
  EXPECT_THAT(report.xcoms,
              ::testing::ElementsAre(XComValue{
                  "outlet_events",
                  R"({"orders": {"extra": {"rows": 3}}, "files": [{"dataset": "f1", "extra": {"n": 1}}, )"
                  R"({"dataset": {"name": "f2", "uri": "s3://f2"}, "extra": {}}]})"}));
}

TEST_F(PythonTest, WhatItSaysOfPartitionsOfItsOutletsIsAnXComToo) {
  const Report report =
      Run("from millrace import outlet_events\n"
          "def main():\n"
          "  outlet_events['orders'].add_partitions('eu')\n"
          "  outlet_events['orders'].add_partitions(['us', 'apac'])\n"
          "  outlet_events['users'].add_partitions([])\n"
          "  outlet_events['files'].add('f1')\n"
          "  outlet_events['files'].add_partitions(['eu'])\n");
  EXPECT_EQ(report.outcome, Outcome::kSuccess) << report.message << log_;
  EXPECT_THAT(report.xcoms,
              ::testing::ElementsAre(XComValue{
                  "outlet_events",
                  R"({"orders": {"extra": {}, "partition_keys": ["eu", "us", "apac"]}, "users": {"extra": {}}, )"
                  R"("files": [{"dataset": "f1", "extra": {}, "partition_keys": ["eu"]}]})"}));
}

TEST_F(PythonTest, ParametersWithTheNamesOfTheContextAreGivenTheRuns) {
  const Report report =
      Run("def main(ds, context, *, params):\n  return [ds, context['dag_id'], params['city']]\n");
  EXPECT_EQ(report.result, R"(["2001-03-01", "etl", "Oslo"])") << report.message << log_;
}

TEST_F(PythonTest, EachAttemptStartsFreshAlthoughTheInterpreterIsWarm) {
  const std::string source =
      "import builtins, os\n"
      "def main():\n"
      "  seen = getattr(builtins, 'seen', 0)\n"
      "  builtins.seen = seen + 1\n"
      "  return [seen, os.getppid()]\n";
  const Report first = Run(source);
  const Report second = Run(source);
  EXPECT_EQ(first.result, second.result) << log_;  // the same parent, nothing of the first left
  EXPECT_THAT(first.result, HasSubstr("[0, "));
}

TEST_F(PythonTest, AnExceptionIsOneLineWithItsClassAndATracebackInTheLog) {
  const Report report =
      Run("class Broken(ValueError):\n  pass\n\ndef main():\n  raise Broken('no rows\\nat all')\n");
  EXPECT_EQ(report.outcome, Outcome::kFailed);
  EXPECT_EQ(report.message, "job.Broken: no rows at all");
  EXPECT_EQ(report.error_class, "job.Broken<ValueError<Exception<BaseException");
  EXPECT_THAT(log_, HasSubstr("line 5, in main"));
  EXPECT_THAT(log_, Not(HasSubstr("<string>")));
}

TEST_F(PythonTest, ExceptionsOfTheseNamesSkipOrFailForGood) {
  const Report skipped =
      Run("from millrace import SkipException\ndef main():\n  raise SkipException('no news')\n");
  EXPECT_EQ(skipped.outcome, Outcome::kSkipped);
  EXPECT_EQ(skipped.message, "no news");
  const Report failed =
      Run("class AirflowFailException(Exception):\n  pass\ndef main():\n  raise AirflowFailException('bad "
          "key')\n");
  EXPECT_EQ(failed.outcome, Outcome::kFailFinal);
}

TEST_F(PythonTest, ExitsAreJudgedLikeThoseOfACommand) {
  EXPECT_EQ(Run("import sys\ndef main():\n  sys.exit(0)\n").outcome, Outcome::kSuccess);
  EXPECT_EQ(Run("import sys\ndef main():\n  sys.exit(99)\n").outcome, Outcome::kSkipped);
  const Report failed = Run("import sys\ndef main():\n  sys.exit(7)\n");
  EXPECT_EQ(failed.outcome, Outcome::kFailed);
  EXPECT_EQ(failed.exit_code, 7);
}

TEST_F(PythonTest, ADeathWithoutAWordIsAFailureThatSaysHow) {
  const Report report = Run("import os, signal\ndef main():\n  os.kill(os.getpid(), signal.SIGSEGV)\n");
  EXPECT_EQ(report.outcome, Outcome::kFailed);
  EXPECT_THAT(report.message, HasSubstr("signal 11"));
  EXPECT_EQ(Run("def main():\n  return 1\n").outcome, Outcome::kSuccess);  // the next one is not harmed
}

TEST_F(PythonTest, WhatARetryCannotMendFailsForGood) {
  const Report no_function = Run("def run():\n  pass\n");
  EXPECT_EQ(no_function.outcome, Outcome::kFailFinal);
  EXPECT_EQ(no_function.message, "job.py has no function 'main'; it has: run");
  const Report no_argument = Run("def main(day):\n  pass\n");
  EXPECT_EQ(no_argument.outcome, Outcome::kFailFinal);
  EXPECT_EQ(no_argument.message, "main(): missing a required argument: 'day'");
  const Report no_json = Run("def main():\n  return object()\n");
  EXPECT_EQ(no_json.outcome, Outcome::kFailFinal);
  EXPECT_THAT(no_json.message, HasSubstr("what main returned cannot be JSON (object)"));
}

TEST_F(PythonTest, ResultsAreBounded) {
  const Report large = Run("def main():\n  return 'x' * 200000\n");
  EXPECT_EQ(large.outcome, Outcome::kFailFinal);
  EXPECT_THAT(large.message, HasSubstr("200002 bytes"));
  EXPECT_EQ(Run("def main():\n  return 'x' * 5000000\n").message, "the function returned too much");
}

TEST_F(PythonTest, ModulesBesideTheFileCanBeImported) {
  more_files_ = {{"scripts/words.py", "GREETING = 'hello'\n"}};
  EXPECT_EQ(Run("import words\ndef main():\n  return words.GREETING\n").result, "\"hello\"") << log_;
}

TEST_F(PythonTest, AnInterpreterThatIsNotThereIsNamed) {
  with_.Set("python", "/opt/none/python3");
  const Report report = Run("def main():\n  pass\n");
  EXPECT_EQ(report.outcome, Outcome::kFailFinal);
  EXPECT_THAT(report.message, HasSubstr("/opt/none/python3"));
  with_.Set("python", "/bin/true");
  EXPECT_THAT(Run("def main():\n  pass\n").message, HasSubstr("the interpreter ended"));
}

TEST_F(PythonTest, CancelEndsTheFunctionAndWhatItStarted) {
  Begin(
      "import subprocess, time\n"
      "def main():\n"
      "  child = subprocess.Popen(['sleep', '1000'])\n"
      "  print('child', child.pid, flush=True)\n"
      "  time.sleep(1000)\n");
  Report report;
  std::thread runs([&] { report = attempt_->Finish(kind_->Run(*attempt_)); });
  AwaitLog("\n");
  attempt_->Stop("cancelled by ana");
  kind_->Cancel();
  runs.join();
  EXPECT_EQ(report.outcome, Outcome::kKilled);
  EXPECT_EQ(report.message, "cancelled by ana");
  const int child = std::stoi(log_.substr(log_.find("child ") + 6));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (::kill(child, 0) == 0 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_NE(::kill(child, 0), 0);
}

TEST_F(PythonTest, ASensorsFunctionIsCalledAgainUntilItsAnswerIsTrue) {
  wire_.set_kind("sensor_python");
  const Report empty = Run("def main():\n  return []\n");
  EXPECT_EQ(empty.outcome, Outcome::kNotYet);
  EXPECT_EQ(empty.message, "main() is []");
  EXPECT_EQ(Run("def main():\n  return {'rows': 3}\n").outcome, Outcome::kSuccess);
  const std::string poke = "from millrace import PokeReturnValue\ndef main():\n  return PokeReturnValue(";
  EXPECT_EQ(Run(poke + "False, 3)\n").outcome, Outcome::kNotYet);
  const Report done = Run(poke + "is_done=True, xcom_value=0)\n");
  EXPECT_EQ(done.outcome, Outcome::kSuccess);
  EXPECT_EQ(done.result, "0");
  EXPECT_EQ(Run("def main():\n  raise ValueError('x')\n").outcome, Outcome::kFailed);
}

// A wheel is a zip file with a module and what describes it: nothing has to be there to make one.
constexpr const char* kMakeWheel = R"py(
import sys, zipfile
folder, version = sys.argv[1:]
with zipfile.ZipFile(f"{folder}/ours-{version}-py3-none-any.whl", "w") as wheel:
    info = f"ours-{version}.dist-info"
    wheel.writestr("ours.py", f"VERSION = '{version}'\n")
    wheel.writestr(info + "/METADATA", f"Metadata-Version: 2.1\nName: ours\nVersion: {version}\n")
    wheel.writestr(info + "/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr(info + "/RECORD", f"ours.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
)py";

class PythonEnvironmentTest : public PythonTest {
 protected:
  void SetUp() override {
    PythonTest::SetUp();
    std::filesystem::create_directories(folder_ + "/root/wheels");
    with_.Set("pip_options", Value(Value::List{"--no-index", "--find-links", "wheels"}));
  }
  void Wheel(const std::string& version) {
    std::ofstream(folder_ + "/wheel.py") << kMakeWheel;
    const std::string command = "python3 " + folder_ + "/wheel.py " + folder_ + "/root/wheels " + version;
    ASSERT_EQ(std::system(command.c_str()), 0);
  }
  void Require(const std::string& requirement) { with_.Set("requirements", Value(Value::List{requirement})); }
  std::vector<std::string> Environments() const {
    std::vector<std::string> links;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ + "/environments"))
      if (entry.is_symlink()) links.push_back(entry.path().filename().string());
    return links;
  }

  const std::string source_ = "import ours\ndef main():\n  return ours.VERSION\n";
};

TEST_F(PythonEnvironmentTest, WhatItRequiresIsInstalledOnceAndFoundByItAlone) {
  Wheel("1.0");
  Wheel("2.0");
  EXPECT_THAT(Run(source_ + "\n").message, HasSubstr("ModuleNotFoundError"));
  Require("ours==1.0");
  const Report first = Run(source_);
  EXPECT_EQ(first.outcome, Outcome::kSuccess) << first.message << log_;
  EXPECT_EQ(first.result, "\"1.0\"");
  EXPECT_THAT(log_, HasSubstr("Successfully installed ours-1.0"));
  log_.clear();
  EXPECT_EQ(Run(source_).result, "\"1.0\"");
  EXPECT_EQ(log_, "");
  Require("ours==2.0");
  EXPECT_EQ(Run(source_).result, "\"2.0\"") << log_;
  EXPECT_EQ(Environments().size(), 2u);
}

TEST_F(PythonEnvironmentTest, WhatCannotBeInstalledFailsWithWhatToDoAndLeavesNothingHalfMade) {
  Require("ours==1.0");
  const Report failed = Run(source_);
  EXPECT_EQ(failed.outcome, Outcome::kFailed);
  EXPECT_THAT(failed.message, HasSubstr("pip could not install the requirements: exit code 1"));
  EXPECT_THAT(failed.message, HasSubstr("pip.conf"));
  EXPECT_THAT(log_, HasSubstr("No matching distribution found for ours==1.0"));
  EXPECT_TRUE(Environments().empty());
  // One that was killed over it is not used either.
  std::string lock;
  for (const auto& entry : std::filesystem::directory_iterator(folder_ + "/environments")) lock = entry.path().string();
  ASSERT_TRUE(lock.ends_with(".lock"));
  const std::string half = lock.substr(0, lock.size() - 5) + "-killed";
  std::filesystem::create_directories(half + "/bin");
  Wheel("1.0");
  EXPECT_EQ(Run(source_).result, "\"1.0\"") << log_;
  EXPECT_FALSE(std::filesystem::exists(half));
  EXPECT_EQ(Environments().size(), 1u);
}

TEST_F(PythonEnvironmentTest, OfTwoThatWantTheSameOneMakesIt) {
  Wheel("1.0");
  Require("ours==1.0");
  Begin(source_);
  const std::unique_ptr<Attempt> other = std::move(attempt_);
  const std::unique_ptr<TaskKind> others_kind = std::move(kind_);
  TaskEnd end;
  std::thread thread([&] { end = others_kind->Run(*other); });
  const Report report = Run(source_);
  thread.join();
  EXPECT_EQ(report.result, "\"1.0\"") << log_;
  EXPECT_EQ(end.result, "\"1.0\"") << log_;
  const std::size_t installed = log_.find("Successfully installed");
  ASSERT_NE(installed, std::string::npos);
  EXPECT_EQ(log_.find("Successfully installed", installed + 1), std::string::npos) << log_;
}

TEST_F(PythonEnvironmentTest, AnInterpreterThatIsNotThereSaysSo) {
  Require("ours==1.0");
  with_.Set("python_version", "3.99");
  const Report report = Run(source_);
  EXPECT_EQ(report.outcome, Outcome::kFailFinal);
  EXPECT_THAT(report.message, HasSubstr("no Python interpreter python3.99 on this worker"));
}

TEST_F(PythonEnvironmentTest, TheOldestThatNobodyUsesIsDropped) {
  with_.Set("requirements", Value(Value::List{}));  // nothing to install: quick
  std::string first;
  for (std::size_t i = 0; i <= kMostEnvironments; ++i) {
    with_.Set("pip_options", Value(Value::List{"--number=" + std::to_string(i)}));
    ASSERT_EQ(Run("def main():\n  return 1\n").outcome, Outcome::kSuccess) << log_;
    if (i != 0) continue;
    first = Environments().front();
    // It was used an hour ago.
    const std::string lock = folder_ + "/environments/" + first + ".lock";
    std::filesystem::last_write_time(lock, std::filesystem::last_write_time(lock) - std::chrono::hours(1));
  }
  const std::vector<std::string> left = Environments();
  EXPECT_EQ(left.size(), kMostEnvironments);
  EXPECT_EQ(std::find(left.begin(), left.end(), first), left.end());
}

}  // namespace
}  // namespace millrace::tasks
