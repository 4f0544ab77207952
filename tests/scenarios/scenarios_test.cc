// Runs every scenario file of this folder; README.md says how they are written.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/calendar/format.h"
#include "platform/zones.h"
#include "scheduler/dagbag/load.h"
#include "tests/scenarios/command_lines.h"
#include "tests/scenarios/dag_lines.h"
#include "tests/scenarios/line.h"
#include "tests/scenarios/trace.h"

namespace millrace::test {
namespace {

// Scenarios have no scripts and no contracts.
class NoFiles final : public dagbag::FileReader {
 public:
  StatusOr<std::string> Read(std::string_view) const override { return NotFound("no such file"); }
};

class Scenario {
 public:
  explicit Scenario(const std::string& path) {
    std::ifstream file(path);
    int number = 0;
    for (std::string text; std::getline(file, text);) {
      ++number;
      if (text.starts_with("|")) {
        Line line;
        line.number = number;
        line.text = text;
        line.words = {"|"};
        lines_.push_back(std::move(line));
        continue;
      }
      const std::size_t comment = text.find('#');
      if (comment != std::string::npos && (comment == 0 || text[comment - 1] == ' ')) text.erase(comment);
      while (!text.empty() && text.back() == ' ') text.pop_back();
      if (!text.empty()) lines_.push_back(Split(text, number));
    }
  }

  void Play() {
    ASSERT_FALSE(lines_.empty());
    Prepare();
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      const Line& line = lines_[i];
      if (line.Word(0) == "start" || line.Word(0) == "pool" || line.Word(0) == "max_map_length") continue;
      told_.clear();
      happened_->Begin();
      driver_->effects.clear();
      if (line.Word(0) == "dag" || line.Word(0) == "load") {
        DagBuilder builder = ReadDag(line);
        std::string with;
        for (; i + 1 < lines_.size() && lines_[i + 1].Word(0) == "with"; ++i) {
          const std::string& text = lines_[i + 1].text;
          with += text.substr(text.find("with ") + 5) + "\n";
        }
        if (!with.empty()) ReadSchedule(with, builder);
        while (i + 1 < lines_.size() && lines_[i + 1].Word(0) == "task") ReadTask(lines_[++i], builder);
        driver_->LoadDag(builder.Build());
      } else if (line.Word(0) == "file") {
        std::string text;
        while (i + 1 < lines_.size() && lines_[i + 1].Word(0) == "|") {
          const std::string& next = lines_[++i].text;
          text += (next.size() > 2 ? next.substr(2) : "") + "\n";
        }
        LoadFile(text);
      } else {
        Happen(line);
      }
      std::vector<std::string> expected;
      while (i + 1 < lines_.size() && lines_[i + 1].Word(0) == "->")
        expected.push_back(lines_[++i].text.substr(3));
      std::vector<std::string> actual = happened_->Lines();
      actual.insert(actual.end(), told_.begin(), told_.end());
      ASSERT_EQ(actual, expected) << "line " << line.number << ": " << line.text
                                  << "\nwhat really happened:\n"
                                  << Written(actual);
    }
  }

 private:
  static std::string Written(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) text += "-> " + line + "\n";
    return text;
  }

  void Prepare() {
    engine::EngineOptions options;
    WallTime start = Time("2001-03-01T00:00:00Z");
    for (const Line& line : lines_) {
      if (line.Word(0) == "start") start = Time(line.Word(1));
      if (line.Word(0) == "max_map_length") options.max_map_length = std::stoi(line.Word(1));
      if (line.Word(0) == "pool") options.pools.emplace_back(line.Word(1), std::stoi(line.Word(2)));
    }
    driver_ = std::make_unique<EngineDriver>(options, start);
    happened_.emplace(*driver_, start);
  }

  void LoadFile(const std::string& text) {
    const platform::TzdbZones zones;
    const NoFiles files;
    const dagbag::LoadResult loaded = dagbag::LoadDagFile("scenario.yaml", text, files, zones);
    for (const Problem& problem : loaded.problems) {
      told_.push_back("problem " + std::to_string(problem.where.line) + ":" +
                       std::to_string(problem.where.column) + " " + problem.message);
    }
    for (const DagPtr& dag : loaded.dags) driver_->LoadDag(dag);
  }

  void Happen(const Line& line) {
    const std::string what = line.Word(0);
    const std::string name = line.Word(1);
    if (what == "worker" || what == "new") {
      Welcomed(name, driver_->Join(name, std::stoi(line.Option("slots", "4"))));
    } else if (what == "starts") {
      Tell(name, false, Outcome::kSuccess, "");
    } else if (what == "succeeds") {
      Tell(name, true, Outcome::kSuccess, "", line.After(2));
    } else if (what == "pushes") {
      pushed_[driver_->KeyOf(name)].push_back({line.Word(2), line.After(3)});
    } else if (what == "given") {
      const Assign* assign = driver_->Assigned(name);
      ASSERT_NE(assign, nullptr) << name << " was never assigned";
      Given(assign->assignment);
    } else if (what == "name") {
      told_.push_back(driver_->InstanceOf(name).rendered_map_index);
    } else if (what == "skips") {
      Tell(name, true, Outcome::kSkipped, line.Rest(2));
    } else if (what == "fails") {
      Tell(name, true, Outcome::kFailed, line.Rest(2), "", line.Option("exit"), line.Option("error"));
    } else if (what == "fails_finally") {
      Tell(name, true, Outcome::kFailFinal, line.Rest(2));
    } else if (what == "not_yet") {
      Tell(name, true, Outcome::kNotYet, line.Rest(2));
    } else if (what == "hands_back") {
      Tell(name, true, Outcome::kLost, line.Rest(2));
    } else if (what == "late") {
      const Assign& first = first_.at(driver_->KeyOf(name));
      driver_->Report(first.session, first.assignment.fence, true,
                      line.Word(2) == "succeeds" ? Outcome::kSuccess : Outcome::kFailed);
    } else if (what == "delivered" || what == "undelivered") {
      driver_->Deliver(std::stoi(name),
                       what == "delivered" ? Outcome::kSuccess
                       : line.Has("finally") ? Outcome::kFailFinal
                                             : Outcome::kFailed,
                       line.Word(2));
    } else if (what == "message") {
      Given(driver_->deliveries.at(std::stoi(name)).assignment);
    } else if (what == "stored") {
      told_.push_back(driver_->rows.notifications.at(std::stoi(name)).delivery.with);
    } else if (what == "sees") {
      const bool nothing = line.Word(2) == "nothing";
      driver_->Look(name, Outcome::kSuccess, "",
                    "{\"seen\":\"" + (nothing ? "" : line.Word(2)) + "\"" +
                        (line.Word(3).empty() ? "" : ",\"result\":" + line.After(3)) + "}");
    } else if (what == "fails_to_see") {
      driver_->Look(name, Outcome::kFailed, line.Rest(2));
    } else if (what == "gives_up_watching") {
      driver_->Look(name, Outcome::kNotYet, line.Rest(2));
    } else if (what == "silent") {
      alive_.erase(name);
    } else if (what == "disconnects") {
      alive_.erase(name);
      driver_->Apply(WorkerDisconnected{sessions_.at(name)});
    } else if (what == "returns") {
      std::vector<Fence> inventory;
      for (const std::string& task : Names(line.Word(2)))
        inventory.push_back(held_.at({sessions_.at(name), driver_->KeyOf(task)}));
      Welcomed(name, driver_->Rejoin(name, sessions_.at(name), inventory));
    } else if (what == "drains" || what == "leaves") {
      driver_->Apply(WorkerDraining{sessions_.at(name), what == "leaves"});
    } else if (what == "advance") {
      Advance(Length(name));
    } else if (what == "clock_steps") {
      driver_->StepClock(Length(name));
    } else if (what == "restart") {
      driver_->Restart();
    } else if (what == "variable" || what == "connection") {
      driver_->Define(what, name, line.After(2));
    } else if (what == "gone") {
      driver_->Apply(DagGone{name});
    } else if (what == "why") {
      for (const std::string& reason : driver_->WhyOf(name)) told_.push_back(reason);
    } else {
      Ask(line);
    }
    Remember();
  }

  void Given(const Assignment& assignment) {
    told_.push_back(assignment.with);
    for (const auto& [variable, value] : assignment.environment) {
      if (variable.starts_with("MILLRACE_V")) told_.push_back(variable + "=" + value);
    }
  }

  void Ask(const Line& line) {
    std::optional<Command> command = CommandOf(line, *driver_);
    ASSERT_TRUE(command.has_value()) << "line " << line.number << " is not understood: " << line.text;
    const CommandReply reply = driver_->Do(std::move(*command));
    if (!reply.ok()) {
      told_.push_back("refused: " + reply.status().ToString());
    } else if (line.Has("dry_run")) {
      const std::string what = line.Has("only_new") ? "remove" : line.Word(0);
      for (const TaskInstanceKey& key : reply->instances)
        told_.push_back("would " + what + " " + driver_->NameOf(key));
      for (const std::string& task : reply->new_tasks) told_.push_back("would add " + task);
      for (std::size_t i = 0; i < reply->dates.size(); ++i) {
        const bool keyed = i < reply->partitions.size();
        told_.push_back("would run " + FormatTime(reply->dates[i]) +
                        (keyed ? " with key " + reply->partitions[i].first : ""));
      }
      for (const Backfill& backfill : reply->downstream)
        told_.push_back("would run " + std::to_string(backfill.dates) + " dates of " + backfill.dag_id);
    }
  }

  void Welcomed(const std::string& name, SessionId session) {
    for (const Welcome& welcome : driver_->Effects<Welcome>()) {
      if (!welcome.refused.empty()) told_.push_back(name + " is refused: " + welcome.refused);
      for (const Fence& fence : welcome.kill) told_.push_back(name + " is to kill " + ToString(fence));
    }
    if (ToInt(session) == 0) return;
    sessions_[name] = session;
    alive_.insert(name);
  }

  void Tell(const std::string& task, bool ended, Outcome outcome, const std::string& message,
            const std::string& result = "", const std::string& exit = "", const std::string& error = "") {
    const Assign* assign = driver_->Assigned(task);
    ASSERT_NE(assign, nullptr) << task << " was never assigned";
    driver_->Report(assign->session, assign->assignment.fence, ended, outcome, message, result,
                    [&](millrace::Report& report) {
                      if (!exit.empty()) report.exit_code = std::stoi(exit);
                      report.error_class = error;
                      if (ended) std::swap(report.xcoms, pushed_[assign->assignment.instance]);
                    });
  }

  // Workers that are alive send a heartbeat every ten seconds.
  void Advance(Duration by) {
    std::vector<Effect> all;
    const auto keep = [&] { all.insert(all.end(), driver_->effects.begin(), driver_->effects.end()); };
    while (by > Duration(0)) {
      const Duration step = alive_.empty() ? by : std::min<Duration>(by, std::chrono::seconds(10));
      driver_->Advance(step);
      keep();
      for (const std::string& name : alive_) {
        driver_->Heartbeat(sessions_.at(name));
        keep();
      }
      by -= step;
    }
    driver_->effects = std::move(all);
  }

  void Remember() {
    for (const auto& [key, assign] : driver_->assigned) {
      first_.try_emplace(key, assign);
      held_[{assign.session, key}] = assign.assignment.fence;
    }
  }

  std::vector<Line> lines_;
  std::unique_ptr<EngineDriver> driver_;
  std::optional<Trace> happened_;
  std::vector<std::string> told_;  // besides, by the line itself
  std::map<std::string, SessionId> sessions_;
  std::set<std::string> alive_;
  std::map<TaskInstanceKey, Assign> first_;
  std::map<TaskInstanceKey, std::vector<XComValue>> pushed_;     // to be told with the attempt's end
  std::map<std::pair<SessionId, TaskInstanceKey>, Fence> held_;  // the newest that a worker was sent
};

class ScenarioTest : public ::testing::Test {
 public:
  explicit ScenarioTest(std::string path) : path_(std::move(path)) {}
  void TestBody() override { Scenario(path_).Play(); }

 private:
  std::string path_;
};

// Before main: gtest must know them when it lists its tests.
const bool kRegistered = [] {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(SCENARIOS)) {
    if (entry.path().extension() == ".scenario") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const std::filesystem::path& file : files) {
    ::testing::RegisterTest("Scenario", file.stem().c_str(), nullptr, nullptr, __FILE__, __LINE__,
                            [path = file.string()]() -> ::testing::Test* { return new ScenarioTest(path); });
  }
  return !files.empty();
}();

TEST(Scenarios, there_are_some) { EXPECT_TRUE(kRegistered); }

}  // namespace
}  // namespace millrace::test
