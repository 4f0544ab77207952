// The names that templates of callbacks have beyond those of run_context.h: what happened, where to look. The
// one place that knows them, for rendering (with real facts) and for checking a DAG file (with any facts).
// Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/base/clock.h"
#include "core/template/context.h"

namespace millrace {

struct CallbackFacts {
  std::string cause;      // "on_failure"
  std::string exception;  // why a task instance failed, or its run
  std::string reason;     // of a run: "task_failure", "timed_out", "success"; else as exception
  // Of the task instance; empty when the callback is about the run.
  std::string state;
  std::optional<WallTime> started_at, ended_at;
  std::string worker;
  std::string log_url;
  std::int32_t try_number = 0;
  std::int32_t max_tries = 0;
  // Of the run.
  std::string run_state;
  std::optional<WallTime> run_started_at, run_ended_at;
  std::string run_url;
  std::optional<WallTime> deadline;  // the one that was missed
  std::int32_t deadline_index = 0;
};

// callback, exception, exception_html, reason, try_number, max_tries; ti.state, ti.start_date, ti.end_date,
// ti.duration, ti.hostname, ti.log_url; dag_run.state, dag_run.start_date, dag_run.end_date, dag_run.url;
// deadline.deadline_time, deadline.id. What a task wrote (exception, reason) is users'.
void AddCallbackNames(const CallbackFacts& facts, TemplateContext& context);

}  // namespace millrace
