#include "scheduler/dagbag/job_file.h"

#include <utility>

#include "core/model/yaml.h"
#include "core/spec/field.h"
#include "scheduler/dagbag/dag_reader.h"

namespace millrace::dagbag {
namespace {

constexpr int kMaxActiveJobs = 1000;

class BroughtFiles final : public FileReader {
 public:
  explicit BroughtFiles(const std::vector<DagFile>& files) : files_(files) {}
  StatusOr<std::string> Read(std::string_view path) const override {
    for (const DagFile& file : files_) {
      if (file.path == path) return file.content;
    }
    return NotFound("the job does not bring it");
  }

 private:
  const std::vector<DagFile>& files_;
};

// Replaces a member where it stands: problems with the new value have its place.
void Replace(Value& map, std::string_view name, Value value) {
  const Value* old = map.Find(name);
  map.Set(name, value.At(old != nullptr ? old->position() : map.position()));
}

void ReplaceInputs(Value& with, const std::vector<std::pair<std::string, std::string>>& paths,
                   std::vector<Problem>& problems) {
  const Value* written = with.Find("inputs");
  Value inputs =
      written != nullptr && !written->is_null() ? *written : Value(Value::Map()).At(with.position());
  if (paths.empty() || !inputs.is_map()) return;  // the reader tells what is wrong
  std::vector<std::string> known;
  for (const auto& member : inputs.as_map()) known.push_back(member.first);
  for (const auto& [name, path] : paths) {
    const Value* input = inputs.Find(name);
    if (input == nullptr && !known.empty()) {
      AddProblem(problems, inputs.position(), "the job has no input '" + name + "'", DidYouMean(name, known));
      continue;
    }
    Value filled =
        input != nullptr && input->is_map() ? *input : Value(Value::Map()).At(inputs.position());
    Replace(filled, "path", Value(path));
    Replace(inputs, name, std::move(filled));
  }
  Replace(with, "inputs", std::move(inputs));
}

void ReplaceOutput(Value& with, const std::string& path) {
  const Value* written = with.Find("output");
  Value output = written != nullptr && written->is_map() ? *written : Value(Value::Map()).At(with.position());
  Replace(output, "path", Value(path));
  Replace(with, "output", std::move(output));
}

Value Document(Value with) {
  const Position top = with.position();
  Value task = Value(Value::Map{{"id", Value(kJobTask).At(top)},
                                {"uses", Value("mapreduce").At(top)},
                                {"with", std::move(with)}})
                   .At(top);
  return Value(Value::Map{{"dag_id", Value(kJobsDag).At(top)},
                          {"description", Value("mapreduce jobs that were run without a DAG")},
                          {"max_active_runs", Value(kMaxActiveJobs)},
                          {"tasks", Value(Value::List{std::move(task)}).At(top)}})
      .At(top);
}

// The task is our doing: its author knows only a job.
void Reword(std::string& message) {
  const std::string ours = "task '" + std::string(kJobTask) + "'";
  for (const char* end : {": ", ", "}) {
    if (message.starts_with(ours + end)) message.erase(0, ours.size() + 2);
  }
}

}  // namespace

JobDag LoadJobFile(const JobFile& job, const FileReader& files, const ZoneDatabase& zones) {
  LoadResult result;
  YamlText yaml = ParseYaml(job.text);
  result.problems = std::move(yaml.problems);
  if (result.problems.empty() && yaml.documents.size() != 1) {
    AddProblem(
        result.problems, {1, 1},
        yaml.documents.empty() ? "the file is empty" : "the file holds several jobs, and must hold one",
        "a job is what a mapreduce task has in 'with': inputs, map, output, ...");
  }
  if (result.problems.empty() && !yaml.documents[0].is_map()) {
    AddProblem(
        result.problems, yaml.documents[0].position(),
        "a job must be a map with inputs and output, not a " + std::string(yaml.documents[0].TypeName()));
  }
  if (result.problems.empty()) {
    Value with = std::move(yaml.documents[0]);
    ReplaceInputs(with, job.inputs, result.problems);
    if (!job.output.empty()) ReplaceOutput(with, job.output);
    if (job.explain) Replace(with, "explain", Value(true));
    DagReader(job.file, job.text, files, zones, result).Read(Document(std::move(with)));
  }
  JobDag loaded;
  for (Problem& problem : result.problems) {
    Reword(problem.message);
    if (problem.file.empty()) problem.file = job.file;
    loaded.problems.push_back(std::move(problem));
  }
  if (loaded.problems.empty()) loaded.dag = std::move(result.dags.at(0));
  return loaded;
}

JobDag LoadJobFile(const JobFile& job, const ZoneDatabase& zones) {
  return LoadJobFile(job, BroughtFiles(job.files), zones);
}

}  // namespace millrace::dagbag
