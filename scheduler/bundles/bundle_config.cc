#include "scheduler/bundles/bundle_config.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

#include "core/model/bundle_file.h"
#include "core/model/yaml.h"
#include "core/spec/field.h"
#include "scheduler/dagbag/fields.h"

namespace millrace::bundles {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLongestName = 128;
constexpr const char* kLocalClass = "airflow.dag_processing.bundles.local.LocalDagBundle";
constexpr const char* kGitClass = "airflow.providers.git.bundles.git.GitDagBundle";

const FieldSpec kRefresh = {.name = "refresh_interval",
                            .type = FieldType::kDuration,
                            .doc = "how often it is looked whether there is something new; 60 s when left out"};

const std::vector<FieldSpec>& EntryFields() {
  static const std::vector<FieldSpec> fields = {
      {.name = "name", .type = FieldType::kString, .doc = "of the bundle, once in the file", .required = true},
      {.name = "uses", .type = FieldType::kString, .doc = "local or git"},
      {.name = "classpath", .type = FieldType::kString, .doc = "the same by the name of Airflow's class"},
      {.name = "with", .type = FieldType::kMap, .doc = "what is said of this kind of bundle"},
      {.name = "kwargs", .type = FieldType::kMap, .doc = "the same by Airflow's name"},
      {.name = "team_name", .type = FieldType::kString, .doc = "the team that its DAGs belong to; everybody's when left out"},
      kRefresh};
  return fields;
}

const std::vector<FieldSpec>& LocalFields() {
  static const std::vector<FieldSpec> fields = {
      {.name = "path", .type = FieldType::kString, .doc = "the folder"}, kRefresh};
  return fields;
}

const std::vector<FieldSpec>& GitFields() {
  static const std::vector<FieldSpec> fields = {
      {.name = "repo_url", .type = FieldType::kString, .doc = "the repository's address, or its path on this machine"},
      {.name = "git_conn_id", .type = FieldType::kString, .doc = "a connection with its credentials, and its address as the host"},
      {.name = "tracking_ref", .type = FieldType::kString, .doc = "a branch, a tag or a commit", .required = true},
      {.name = "subdir", .type = FieldType::kString, .doc = "the folder of the DAGs in the repository"},
      {.name = "submodules", .type = FieldType::kBoolean, .doc = "false: they are never followed"},
      {.name = "prune_dotgit_folder", .type = FieldType::kBoolean, .doc = "says nothing here: what is looked at has no .git folder"},
      kRefresh};
  return fields;
}

bool IsName(const std::string& name) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
  };
  return !name.empty() && name.size() <= kLongestName && name != "." && name != ".." && std::all_of(name.begin(), name.end(), good);
}

// As git's check-ref-format has it, near enough that a word which is none is told here and not by git.
bool IsRef(const std::string& ref) {
  if (ref.empty() || ref.starts_with('-') || ref.starts_with('/') || ref.ends_with('/') || ref.ends_with('.') || ref.ends_with(".lock"))
    return false;
  for (const char* const part : {"..", "@{", "//"}) {
    if (ref.find(part) != std::string::npos) return false;
  }
  return std::none_of(ref.begin(), ref.end(), [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == 0x7f || std::string_view("~^:?*[\\").find(c) != std::string_view::npos;
  });
}

bool IsWithin(const std::string& subdir) {
  const fs::path path(subdir);
  return !path.is_absolute() && std::none_of(path.begin(), path.end(), [](const fs::path& part) { return part == ".."; });
}

bool HasScheme(const std::string& url) { return url.find("://") != std::string::npos; }

// "git@host:team/repo.git"
bool IsScp(const std::string& url) {
  const std::size_t colon = url.find(':');
  return colon != std::string::npos && url.find('/') > colon;
}

std::string Absolute(const std::string& folder, const std::string& path) {
  return (fs::path(folder) / path).lexically_normal().string();
}

class ConfigReader {
 public:
  ConfigReader(std::string folder, std::string dags, BundleConfigs& result)
      : folder_(std::move(folder)), dags_(std::move(dags)), result_(result) {}

  void Read(const Value& document) {
    if (!document.is_list())
      return Add(document.position(), "the file must be a list of bundles, not a " + std::string(document.TypeName()),
                 "begin each with: - name: ...");
    for (const Value& entry : document.as_list()) ReadEntry(entry);
    if (!dags_.empty() && !names_.contains(std::string(kDagsFolder)))
      result_.bundles.insert(result_.bundles.begin(), {.name = std::string(kDagsFolder), .path = dags_});
    if (result_.bundles.empty() && result_.problems.empty()) Add(document.position(), "the file names no bundle", "or leave --dag-bundles out");
  }

 private:
  void Add(Position where, std::string message, std::string suggestion = "") {
    AddProblem(result_.problems, where, std::move(message), std::move(suggestion));
  }

  // The one of two names that is written.
  const Value* Either(const Value& entry, const char* ours, const char* airflow, const std::string& what) {
    const Value* one = entry.Find(ours);
    const Value* other = entry.Find(airflow);
    if (one != nullptr && other != nullptr)
      Add(other->key_position(), what + ": " + ours + " and " + airflow + " say the same", "keep one of them");
    return one != nullptr ? one : other;
  }

  void ReadEntry(const Value& entry) {
    if (!entry.is_map())
      return Add(entry.position(), "a bundle must be a map with name, uses and with, not a " + std::string(entry.TypeName()));
    BundleConfig config{.name = TextOf(entry, "name")};
    const std::string what = config.name.empty() ? "bundle" : "bundle '" + config.name + "'";
    CheckFields(entry, EntryFields(), what, result_.problems);
    if (const Value* name = entry.Find("name"); name != nullptr && name->is_string()) {
      if (!IsName(config.name))
        Add(name->position(), what + ": its name is not a name", "use letters, digits, '_', '.' and '-', at most 128 of them");
      else if (!names_.insert(config.name).second)
        Add(name->position(), what + " is there twice", "give one of them another name");
    }
    config.team = TextOf(entry, "team_name");
    config.refresh = Refresh(entry, config.refresh, what);
    const Value none = Value(Value::Map()).At(entry.position());
    const Value* written = Either(entry, "with", "kwargs", what);
    const Value& with = written != nullptr && written->is_map() ? *written : none;
    const Value* uses = Either(entry, "uses", "classpath", what);
    if (uses == nullptr) return Add(entry.position(), what + ": uses is missing", "write uses: local or uses: git");
    const std::string kind = TextOf(uses);
    if (kind == "local" || kind == kLocalClass) {
      ReadLocal(with, what, config);
    } else if (kind == "git" || kind == kGitClass) {
      ReadGit(with, what, config);
    } else if (uses->is_string()) {
      const std::string meant = DidYouMean(kind, {"local", "git", kLocalClass, kGitClass});
      return Add(uses->position(), what + ": there is no kind of bundle '" + kind + "'", meant.empty() ? "it is local or git" : meant);
    }
    result_.bundles.push_back(std::move(config));
  }

  Duration Refresh(const Value& map, Duration otherwise, const std::string& what) {
    const Value* written = map.Find("refresh_interval");
    const Duration length = dagbag::LengthOf(written, otherwise);
    if (written == nullptr || !IsLength(*written) || (length >= std::chrono::seconds(1) && length <= std::chrono::hours(24 * 365)))
      return length;
    Add(written->position(), what + ": refresh_interval must be from 1 s to a year");
    return otherwise;
  }

  void ReadLocal(const Value& with, const std::string& what, BundleConfig& config) {
    CheckFields(with, LocalFields(), what, result_.problems);
    config.refresh = Refresh(with, config.refresh, what);
    const std::string path = TextOf(with, "path");
    const bool is_dags = config.name == kDagsFolder && !dags_.empty();
    if (with.Find("path") == nullptr && is_dags) {
      config.path = dags_;
    } else if (is_dags) {
      Add(with.Find("path")->position(), what + " is the folder of --dags already", "leave out its path, or --dags");
    } else if (path.empty()) {
      Add(with.position(), what + ": path is missing", "name its folder, absolute or relative to this file");
    } else {
      config.path = Absolute(folder_, path);
    }
  }

  void ReadGit(const Value& with, const std::string& what, BundleConfig& config) {
    config.kind = BundleKind::kGit;
    CheckFields(with, GitFields(), what, result_.problems);
    config.refresh = Refresh(with, config.refresh, what);
    config.connection = TextOf(with, "git_conn_id");
    config.tracking_ref = TextOf(with, "tracking_ref");
    config.subdir = TextOf(with, "subdir");
    if (config.name == kDagsFolder)
      Add(with.position(), what + ": this name is that of a folder on this machine", "give the repository another name");
    if (const Value* ref = with.Find("tracking_ref"); ref != nullptr && ref->is_string() && !IsRef(config.tracking_ref))
      Add(ref->position(), what + ": tracking_ref is no name of a branch, a tag or a commit");
    if (!IsWithin(config.subdir))
      Add(with.Find("subdir")->position(), what + ": subdir leaves the repository", "write it relative to the repository, without '..'");
    if (const Value* submodules = with.Find("submodules"); submodules != nullptr && *submodules == Value(true))
      Add(submodules->position(), what + ": submodules are not followed", "make a bundle of its own of each repository");
    ReadUrl(with, what, config);
  }

  void ReadUrl(const Value& with, const std::string& what, BundleConfig& config) {
    const Value* url = with.Find("repo_url");
    config.repo_url = TextOf(url);
    if (config.repo_url.empty()) {
      if (config.connection.empty())
        Add(with.position(), what + ": repo_url is missing", "name the repository, or a connection to it with git_conn_id");
      return;
    }
    const std::string wrong = WrongRepoUrl(config.repo_url);
    if (!wrong.empty())
      return Add(url->position(), what + ": repo_url " + wrong,
                 wrong.find("credentials") == std::string::npos
                     ? "write https://, ssh://, file:// or a path"
                     : "make a connection of them (dagctl connections add) and name it in git_conn_id");
    if (!HasScheme(config.repo_url) && !IsScp(config.repo_url)) config.repo_url = Absolute(folder_, config.repo_url);
  }

  const std::string folder_;
  const std::string dags_;
  BundleConfigs& result_;
  std::set<std::string> names_;
};

}  // namespace

std::string_view ToString(BundleKind kind) { return kind == BundleKind::kGit ? "git" : "local"; }

std::string WrongRepoUrl(const std::string& url) {
  if (std::any_of(url.begin(), url.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; }) ||
      url.starts_with('-'))
    return "is not an address";
  const std::size_t end = url.find("://");
  if (end == std::string::npos) return url.find("::") == std::string::npos ? "" : "is of a kind that is not allowed";
  const std::string scheme = url.substr(0, end);
  if (scheme != "https" && scheme != "http" && scheme != "ssh" && scheme != "file" && scheme != "git")
    return "is of a kind that is not allowed";
  const std::string host = url.substr(end + 3, url.find('/', end + 3) - end - 3);
  const std::size_t at = host.rfind('@');
  const bool has_password = at != std::string::npos && host.substr(0, at).find(':') != std::string::npos;
  if (has_password || (at != std::string::npos && scheme.starts_with("http"))) return "has credentials in it, which anybody reads who reads this file";
  return "";
}

BundleConfigs ReadBundleConfigs(std::string_view file, std::string_view text, const std::string& folder, const std::string& dags) {
  BundleConfigs result;
  YamlText yaml = ParseYaml(text);
  result.problems = std::move(yaml.problems);
  if (result.problems.empty()) {
    if (yaml.documents.size() != 1)
      AddProblem(result.problems, {1, 1}, yaml.documents.empty() ? "the file is empty" : "the file has more than one document",
                 "write one list of bundles");
    else
      ConfigReader(folder, dags, result).Read(yaml.documents.front());
  }
  for (Problem& problem : result.problems) problem.file = file;
  std::stable_sort(result.problems.begin(), result.problems.end(), [](const Problem& a, const Problem& b) {
    return a.where.line != b.where.line ? a.where.line < b.where.line : a.where.column < b.where.column;
  });
  return result;
}

}  // namespace millrace::bundles
