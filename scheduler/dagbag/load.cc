#include "scheduler/dagbag/load.h"

#include <algorithm>
#include <map>
#include <string>

#include "core/model/yaml.h"
#include "core/spec/field.h"
#include "scheduler/dagbag/dag_reader.h"
#include "scheduler/dagbag/job_file.h"

namespace millrace::dagbag {
namespace {

bool InOrder(const Problem& a, const Problem& b) {
  return a.where.line != b.where.line ? a.where.line < b.where.line : a.where.column < b.where.column;
}

// Two documents of one file cannot be the same DAG: neither is loaded.
void RefuseTwins(LoadResult& result, std::vector<Position> places) {
  std::map<std::string, int> count;
  for (const DagPtr& dag : result.dags) ++count[dag->id];
  std::vector<DagPtr> kept;
  for (std::size_t i = 0; i < result.dags.size(); ++i) {
    if (count[result.dags[i]->id] == 1) {
      kept.push_back(result.dags[i]);
    } else {
      AddProblem(result.problems, places[i], "DAG '" + result.dags[i]->id + "' is defined twice in this file",
                 "give one another dag_id");
    }
  }
  result.dags = std::move(kept);
}

// Its versions are jobs that were run without a file here.
void RefuseOwnId(LoadResult& result, const Value& document) {
  if (result.dags.empty() || result.dags.back()->id != kJobsDag) return;
  AddProblem(result.problems, document.Find("dag_id")->position(),
             "dag_id '" + std::string(kJobsDag) + "' is Millrace's own", "give the DAG another dag_id");
  result.dags.pop_back();
}

}  // namespace

bool IsDagFileName(std::string_view path) {
  return path.ends_with(".yaml") || path.ends_with(".yml") || path.ends_with(".json");
}

LoadResult LoadDagFile(std::string_view path, std::string_view text, const FileReader& files,
                       const ZoneDatabase& zones, const DagOrigin& origin) {
  LoadResult result;
  YamlText yaml = ParseYaml(text);
  result.problems = std::move(yaml.problems);
  if (result.problems.empty() && yaml.documents.empty()) {
    AddProblem(result.problems, {1, 1}, "the file is empty", "a DAG needs at least dag_id and tasks");
  }
  // What stands in half-read text would only be told wrong.
  if (result.problems.empty()) {
    std::vector<Position> places;
    for (const Value& document : yaml.documents) {
      DagReader(path, text, files, zones, result, &origin).Read(document);
      RefuseOwnId(result, document);
      if (result.dags.size() > places.size()) places.push_back(document.position());
    }
    RefuseTwins(result, std::move(places));
  }
  for (Problem& problem : result.problems) {
    if (problem.file.empty()) problem.file = path;
  }
  std::stable_sort(result.problems.begin(), result.problems.end(), InOrder);
  std::sort(result.files.begin(), result.files.end());
  result.files.erase(std::unique(result.files.begin(), result.files.end()), result.files.end());
  return result;
}

}  // namespace millrace::dagbag
