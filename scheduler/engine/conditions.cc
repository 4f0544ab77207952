// run_if, skip_if, map_index_template, a template of its priority: asked when a task instance is ready and what its templates read has
// come, before it looks for a cached result, a place in its pool or a worker. What is not to run takes none of
// them: it is skipped, and its reason tells by which condition.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <string>

#include "core/model/secret_text.h"
#include "scheduler/engine/render.h"
#include "scheduler/engine/state.h"
#include "scheduler/engine/truth.h"

namespace millrace::engine {
namespace {

constexpr std::size_t kMostNameBytes = 250;

std::string WithinBytes(std::string text, std::size_t most) {
  if (text.size() <= most) return text;
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // not within a character
  return text.substr(0, end);
}

// A whole number, also from one that is none; held within what a weight can be.
std::optional<std::int32_t> WeightFrom(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\n");
  const std::size_t end = text.find_last_not_of(" \t\n");
  if (begin == std::string_view::npos) return std::nullopt;
  text = text.substr(begin, end - begin + 1);
  double number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size() || std::isnan(number)) return std::nullopt;
  return static_cast<std::int32_t>(std::round(std::clamp(number, -2'147'483'647.0, 2'147'483'647.0)));
}

}  // namespace

void Engine::State::DecideReady() {
  while (!deciding.empty()) {
    const TaskInstanceKey key = *deciding.begin();
    deciding.erase(deciding.begin());
    LiveRun* run = FindRun(key.run);
    Instance* instance = FindInstance(key);
    if (instance == nullptr || instance->row.state != TaskState::kScheduled) continue;
    if (IsPoolOfOthers(*run, TaskOf(*run, *instance))) {
      RefusePool(*run, *instance);
    } else if (!instance->decided) {
      AskConditions(*run, *instance);
    }
  }
}

void Engine::State::AskConditions(LiveRun& run, Instance& instance) {
  const Task& task = TaskOf(run, instance);
  const std::vector<std::string> secrets = SecretsOf(instance.values.get());
  TemplateAnswers answers = AnswersOf(run, instance);
  engine::End end;
  end.started_at = end.ended_at = now.wall;
  TaskInstance copy;
  TaskInstance next = RowWithLoop(run, instance, copy);
  const auto render = [&](const std::string& text, const char* field) {
    StatusOr<std::string> rendered =
        RenderPlain(run.row, *run.dag, task, next, text, &answers, EventsOf(run));
    if (rendered.ok()) return MaskedText(std::move(rendered).value(), secrets);
    end.outcome = Outcome::kFailFinal;
    end.message = MaskedText("task '" + task.id + "', " + field + ": " + rendered.status().message(), secrets);
    return std::string();
  };
  const auto skips = [&](const Boxed<RunCondition>& condition, const char* field, bool when) {
    if (!condition || end.outcome != Outcome::kSuccess) return;
    const bool truth = IsTrue(Value(render(condition->condition.as_string(), field)));
    if (end.outcome != Outcome::kSuccess || truth != when) return;
    end.outcome = Outcome::kSkipped;
    end.message = std::string("skipped by ") + field + ": " +
                  (condition->message.empty() ? condition->condition.as_string() + (when ? " is true" : " is not true")
                                              : condition->message);
  };
  skips(task.run_if, "run_if", false);
  skips(task.skip_if, "skip_if", true);
  if (end.outcome == Outcome::kSuccess && task.map_index_template && task.mapped()) {
    instance.row.rendered_map_index =
        WithinBytes(render(task.map_index_template->as_string(), "map_index_template"), kMostNameBytes);
    Touch(run, instance);
  }
  if (end.outcome == Outcome::kSuccess && task.weight) {
    ++next.try_number;  // of the try that it is for
    const std::string text = render(task.weight->as_string(), "weight_rule");
    instance.row.weight = WeightFrom(text);
    if (end.outcome == Outcome::kSuccess && !instance.row.weight) {
      end.outcome = Outcome::kFailFinal;
      end.message = "task '" + task.id + "', weight_rule: '" + text + "' is not a number";
    }
    Touch(run, instance);
  }
  if (end.outcome == Outcome::kSuccess) {
    instance.decided = true;
    Park(run, instance);
    return;
  }
  StartInEngine(instance);
  OnEnded(run, instance, end);
}

}  // namespace millrace::engine
