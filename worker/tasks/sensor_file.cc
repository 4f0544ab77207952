#include <fnmatch.h>

#include <algorithm>
#include <filesystem>

#include "core/model/json.h"
#include "core/spec/sensor.h"
#include "worker/lake/path.h"
#include "worker/tasks/sensors.h"

namespace millrace::tasks {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostNamed = 100;  // in the result
constexpr const char* kPatternSigns = "*?[";

// A folder is there when it has a file in it, however deep.
bool IsThere(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return fs::exists(path, error);
  fs::recursive_directory_iterator entry(path, fs::directory_options::skip_permission_denied, error);
  for (const fs::recursive_directory_iterator end; !error && entry != end; entry.increment(error)) {
    std::error_code other;
    if (!entry->is_directory(other)) return true;
  }
  return false;
}

// What `parts` from `at` on match beneath `folder`, one folder a part, as glob does; ** is any folders.
void Match(const fs::path& folder, const std::vector<std::string>& parts, std::size_t at, bool recursive,
           std::vector<fs::path>& found) {
  if (at == parts.size()) {
    if (IsThere(folder)) found.push_back(folder);
    return;
  }
  const std::string& part = parts[at];
  if (part.find_first_of(kPatternSigns) == std::string::npos) {
    std::error_code error;
    if (fs::exists(folder / part, error)) Match(folder / part, parts, at + 1, recursive, found);
    return;
  }
  const bool any_folders = recursive && part == "**";
  if (any_folders) Match(folder, parts, at + 1, recursive, found);
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    std::error_code other;
    if (any_folders) {
      // Links are not followed: they may lead in a circle.
      if (!name.starts_with('.') && entry->is_directory(other) && !entry->is_symlink(other))
        Match(entry->path(), parts, at, recursive, found);
    } else if (::fnmatch(part.c_str(), name.c_str(), FNM_PERIOD) == 0) {
      Match(entry->path(), parts, at + 1, recursive, found);
    }
  }
}

// Path, size and time of each file; of a folder, of the files in it.
void AddFingerprint(const fs::path& path, std::string& text) {
  std::error_code error;
  if (fs::is_directory(path, error)) {
    std::vector<fs::path> inside;
    fs::recursive_directory_iterator entry(path, fs::directory_options::skip_permission_denied, error);
    for (const fs::recursive_directory_iterator end; !error && entry != end; entry.increment(error)) {
      std::error_code other;
      if (!entry->is_directory(other)) inside.push_back(entry->path());
    }
    std::sort(inside.begin(), inside.end());
    for (const fs::path& file : inside) AddFingerprint(file, text);
    return;
  }
  const auto size = fs::file_size(path, error);
  const auto time = fs::last_write_time(path, error);
  text += path.string() + '\n' + std::to_string(size) + ' ' +
          std::to_string(time.time_since_epoch().count()) + '\n';
}

StatusOr<std::vector<fs::path>> Find(const std::string& root, const std::string& path, bool recursive) {
  // The part before the first sign of a pattern decides whether it lies beneath the root.
  const std::size_t sign = path.find_first_of(kPatternSigns);
  const std::size_t slash = sign == std::string::npos ? std::string::npos : path.rfind('/', sign);
  const std::string fixed = sign == std::string::npos    ? path
                            : slash == std::string::npos ? "."
                                                         : path.substr(0, slash + 1);
  ASSIGN_OR_RETURN(const std::string folder, lake::Beneath(root, fixed));
  std::vector<std::string> parts;
  if (sign != std::string::npos) {
    const fs::path rest = path.substr(slash == std::string::npos ? 0 : slash + 1);
    for (const fs::path& part : rest) {
      if (part == "..") return InvalidArgument("a pattern cannot climb with '..': " + path);
      if (!part.empty()) parts.push_back(part.string());
    }
  }
  std::vector<fs::path> found;
  Match(folder, parts, 0, recursive, found);
  return found;
}

std::string FingerprintOf(std::vector<fs::path> found) {
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  std::string text;
  for (const fs::path& one : found) AddFingerprint(one, text);
  return text;
}

}  // namespace

TaskEnd FileSensor::Run(TaskContext& context) {
  const StatusOr<Value> with = ParseJson(context.assignment().with);
  if (!with.ok()) return EndOf(context, with.status());
  const std::string path = TextOf(*with, "path");
  if (path.empty()) return EndOf(context, InvalidArgument("'path' is empty"));
  const Value* recursive = with->Find("recursive");
  const StatusOr<std::vector<fs::path>> found =
      Find(context.root(), path, recursive != nullptr && recursive->is_bool() && recursive->as_bool());
  if (!found.ok()) return EndOf(context, found.status());
  TaskEnd end;
  if (found->empty()) {
    end.outcome = Outcome::kNotYet;
    end.message = "nothing is there: " + path;
    return end;
  }
  std::vector<std::string> names;
  std::error_code error;
  const fs::path root = fs::weakly_canonical(context.root(), error);
  for (const fs::path& one : *found) {
    const std::string name = one.lexically_relative(root).string();
    names.push_back(name.empty() || name.starts_with("..") ? one.string() : name);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  context.Log("found " + names.front() +
              (names.size() > 1 ? " and " + std::to_string(names.size() - 1) + " more" : "") + "\n");
  if (SensorPolicyOf(*with).seen) end.fingerprint = FingerprintOf(*found);
  if (names.size() > kMostNamed) names.resize(kMostNamed);
  Value::List result;
  for (std::string& name : names) result.emplace_back(std::move(name));
  end.result = ToJson(Value(std::move(result)));
  return end;
}

}  // namespace millrace::tasks
