#include "scheduler/dagbag/parse_memory.h"

#include <xxhash.h>

#include <array>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <memory>
#include <optional>

#include "core/model/json.h"

namespace millrace::dagbag {
namespace {

constexpr std::string_view kFormat = "millrace parsed 1 ";

std::string Digits(const XXH128_hash_t& hash) {
  std::array<char, 33> text{};
  std::snprintf(text.data(), text.size(), "%016" PRIx64 "%016" PRIx64, std::uint64_t{hash.high64},
                std::uint64_t{hash.low64});
  return text.data();
}

// "" when it cannot be read.
std::string OwnFingerprint() {
  std::ifstream program("/proc/self/exe", std::ios::binary);
  const std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state(XXH3_createState(),
                                                                              &XXH3_freeState);
  XXH3_128bits_reset(state.get());
  std::vector<char> buffer(1 << 20);
  bool any = false;
  while (program) {
    program.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    const auto got = static_cast<std::size_t>(program.gcount());
    any = any || got > 0;
    XXH3_128bits_update(state.get(), buffer.data(), got);
  }
  return any && program.eof() ? Digits(XXH3_128bits_digest(state.get())) : "";
}

bool IsText(const Value& value) { return value.is_string(); }

// [path, key, [names], [[id, hash]]]
std::optional<std::pair<std::string, RememberedFile>> FileOf(const Value& line) {
  if (!line.is_list() || line.as_list().size() != 4) return std::nullopt;
  const Value::List& parts = line.as_list();
  if (!IsText(parts[0]) || !IsText(parts[1]) || !parts[2].is_list() || !parts[3].is_list())
    return std::nullopt;
  RememberedFile file;
  file.content_key = parts[1].as_string();
  for (const Value& name : parts[2].as_list()) {
    if (!IsText(name)) return std::nullopt;
    file.names.push_back(name.as_string());
  }
  for (const Value& dag : parts[3].as_list()) {
    if (!dag.is_list() || dag.as_list().size() != 2 || !IsText(dag.as_list()[0]) || !IsText(dag.as_list()[1]))
      return std::nullopt;
    file.dags.emplace_back(dag.as_list()[0].as_string(), dag.as_list()[1].as_string());
  }
  return std::pair(parts[0].as_string(), std::move(file));
}

}  // namespace

std::string Fingerprint(std::string_view text) { return Digits(XXH3_128bits(text.data(), text.size())); }

ParseMemory::ParseMemory(std::string path)
    : path_(std::move(path)), program_(path_.empty() ? "" : OwnFingerprint()) {}

std::map<std::string, RememberedFile> ParseMemory::Load() const {
  std::map<std::string, RememberedFile> files;
  if (program_.empty()) return files;
  std::ifstream stored(path_);
  std::string text;
  if (!std::getline(stored, text) || !text.starts_with(kFormat)) return files;
  const bool same_program = text == std::string(kFormat) + program_;
  while (std::getline(stored, text)) {
    const StatusOr<Value> line = ParseJson(text);
    auto file = line.ok() ? FileOf(*line) : std::nullopt;
    if (!file) return {};
    if (!same_program) file->second.content_key.clear();
    files.insert(std::move(*file));
  }
  return files;
}

void ParseMemory::Add(const std::string& path, const RememberedFile& file, std::string& lines) {
  Value::List names;
  for (const std::string& name : file.names) names.emplace_back(name);
  Value::List dags;
  for (const auto& [id, hash] : file.dags) dags.emplace_back(Value::List{Value(id), Value(hash)});
  lines += ToJson(Value(
      Value::List{Value(path), Value(file.content_key), Value(std::move(names)), Value(std::move(dags))}));
  lines += '\n';
}

Status ParseMemory::Save(const std::string& lines) const {
  if (program_.empty()) return OkStatus();
  const std::string written = path_ + ".new";
  std::ofstream file(written, std::ios::trunc);
  file << kFormat << program_ << '\n' << lines;
  file.close();
  if (!file || std::rename(written.c_str(), path_.c_str()) != 0) return ErrnoStatus(errno, "write " + path_);
  return OkStatus();
}

}  // namespace millrace::dagbag
