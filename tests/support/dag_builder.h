// DAGs for tests: DagBuilder("etl").Add("a").Add("b", {"a"}).Build(). Tasks are `empty` unless said
// otherwise.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/model/dag.h"

namespace millrace::test {

class DagBuilder {
 public:
  explicit DagBuilder(std::string id) {
    dag_.id = std::move(id);
    dag_.hash = "v1";
  }
  // `needs` must be there already. `tweak` sets whatever else the task is to have.
  DagBuilder& Add(const std::string& id, const std::vector<std::string>& needs = {},
                  const std::function<void(Task&)>& tweak = nullptr) {
    Task task;
    task.id = id;
    task.kind = "empty";
    task.with = Value(Value::Map());
    const auto index = static_cast<std::int32_t>(dag_.tasks.size());
    for (const std::string& need : needs) {
      const std::int32_t upstream = dag_.FindTask(need);
      task.upstream.push_back(upstream);
      dag_.tasks[static_cast<std::size_t>(upstream)].downstream.push_back(index);
    }
    if (tweak) tweak(task);
    dag_.tasks.push_back(std::move(task));
    return *this;
  }
  // Anything else of the DAG.
  DagBuilder& With(const std::function<void(Dag&)>& tweak) {
    tweak(dag_);
    return *this;
  }
  DagBuilder& Version(std::string hash) {
    dag_.hash = std::move(hash);
    return *this;
  }
  DagPtr Build() const { return std::make_shared<const Dag>(dag_); }

 private:
  Dag dag_;
};

}  // namespace millrace::test
