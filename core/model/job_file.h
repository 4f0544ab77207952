// A mapreduce job that somebody wants run without a DAG: the file, and what they say instead of it. dagctl
// and the REST API hand it to scheduler/dagbag/job_file.h, which makes a DAG of one task of it. Plain values.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/model/dag.h"

namespace millrace {

struct JobFile {
  std::string file;  // as its author calls it: problems name it
  std::string text;  // YAML or JSON: what a mapreduce task has in `with`
  std::vector<std::pair<std::string, std::string>> inputs;  // name -> path, instead of the file's
  std::string output;          // path, instead of the file's; "": as it stands there
  std::vector<DagFile> files;  // the scripts that it names
  bool explain = false;        // only plan it
};

// No DAG when there are problems.
struct JobDag {
  DagPtr dag;
  std::vector<Problem> problems;
};

}  // namespace millrace
