#include "worker/lake/manifest.h"

#include <cerrno>
#include <fstream>
#include <sstream>

#include "core/model/json.h"

namespace millrace::lake {
namespace {

std::int64_t NumberOf(const Value& value, std::string_view key) {
  const Value* member = value.Find(key);
  return member != nullptr && member->is_int() ? member->as_int() : 0;
}

}  // namespace

std::string EncodeManifest(const Manifest& manifest) {
  Value::List files;
  std::int64_t rows = 0;
  for (const OutputFile& file : manifest.files) {
    rows += file.rows;
    files.push_back(Value::Map{{"path", file.path}, {"bytes", file.bytes}, {"rows", file.rows}, {"xxh3_128", file.checksum}});
  }
  Value::List columns;
  for (const Column& column : manifest.columns) columns.push_back(Value::Map{{"name", column.name}, {"type", column.type}});
  StatusOr<Value> checks = ParseJson(manifest.checks);
  return ToPrettyJson(Value::Map{{"manifest", 1},
                                 {"term", std::int64_t{manifest.fence.term}},
                                 {"counter", static_cast<std::int64_t>(manifest.fence.counter)},
                                 {"scheduler", manifest.scheduler},
                                 {"dag_id", manifest.dag_id},
                                 {"run_id", manifest.run_id},
                                 {"task_id", manifest.task_id},
                                 {"format", manifest.format},
                                 {"rows", rows},
                                 {"columns", std::move(columns)},
                                 {"files", std::move(files)},
                                 {"checks", checks.ok() ? *std::move(checks) : Value(Value::List())}}) +
         "\n";
}

StatusOr<Manifest> ReadManifest(const std::string& folder) {
  const std::string path = folder + "/" + kManifestName;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return NotFound("no manifest at " + path);
  std::ostringstream text;
  text << stream.rdbuf();
  const StatusOr<Value> value = ParseJson(text.str());
  if (!value.ok() || NumberOf(*value, "manifest") != 1) return DataLoss("cannot understand the manifest " + path);
  Manifest manifest;
  manifest.fence = {static_cast<std::uint32_t>(NumberOf(*value, "term")), static_cast<std::uint64_t>(NumberOf(*value, "counter"))};
  manifest.scheduler = TextOf(*value, "scheduler");
  manifest.dag_id = TextOf(*value, "dag_id");
  manifest.run_id = TextOf(*value, "run_id");
  manifest.task_id = TextOf(*value, "task_id");
  manifest.format = TextOf(*value, "format");
  if (const Value* columns = value->Find("columns"); columns != nullptr && columns->is_list()) {
    for (const Value& column : columns->as_list()) manifest.columns.push_back({TextOf(column, "name"), TextOf(column, "type")});
  }
  if (const Value* files = value->Find("files"); files != nullptr && files->is_list()) {
    for (const Value& file : files->as_list()) {
      manifest.files.push_back({TextOf(file, "path"), NumberOf(file, "bytes"), NumberOf(file, "rows"), TextOf(file, "xxh3_128")});
    }
  }
  if (const Value* checks = value->Find("checks")) manifest.checks = ToJson(*checks);
  return manifest;
}

}  // namespace millrace::lake
