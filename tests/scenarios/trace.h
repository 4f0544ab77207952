// What a line of a scenario made happen, in the words that its "->" lines expect. For scenarios_test.cc
// alone.
#pragma once

#include <string>
#include <vector>

#include "tests/support/engine_driver.h"

namespace millrace::test {

class Trace {
 public:
  Trace(const EngineDriver& driver, WallTime start) : driver_(driver), start_(start) {}

  // From the batch on that comes next.
  void Begin() { before_ = driver_.batches.size(); }
  // What changed since, and what was sent.
  std::vector<std::string> Lines() const;

 private:
  struct Changed;

  Changed Collect(std::vector<std::string>& lines) const;
  bool IsOfEngine(const TaskInstanceKey& key) const;
  std::string Describe(const millrace::Run& run) const;
  std::string Describe(const Notification& row) const;
  std::string Describe(const TaskInstance& row) const;
  std::string Describe(const Attempt& attempt) const;
  std::string Describe(const Assign& assign) const;

  const EngineDriver& driver_;
  const WallTime start_;
  std::size_t before_ = 0;
};

}  // namespace millrace::test
