// The file of `millrace-scheduler --dag-bundles`: Airflow's dag_bundle_config_list, in YAML or JSON. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/model/dag.h"

namespace millrace::bundles {

enum class BundleKind : std::uint8_t { kLocal, kGit };
std::string_view ToString(BundleKind kind);  // "local", "git"

struct BundleConfig {
  std::string name;
  BundleKind kind = BundleKind::kLocal;
  std::string team = {};          // "": everybody's
  std::string path = {};          // local: absolute
  std::string repo_url = {};      // git: as git takes it, a path is absolute; "": the connection's
  std::string connection = {};    // git: its id; "": none
  std::string tracking_ref = {};  // git: a branch, a tag or a commit
  std::string subdir = {};        // git: of the repository, where the DAGs are; "": all of it
  Duration refresh = std::chrono::seconds(60);
};

struct BundleConfigs {
  std::vector<BundleConfig> bundles;
  std::vector<Problem> problems;  // all of the file's; with any, `bundles` is not to be used
};

// `file` is what problems show, `folder` what paths in it are relative to, both as the caller has them. `dags` is the folder of
// --dags, "" without: it becomes the bundle dags-folder, the first one unless the file gives it another place.
BundleConfigs ReadBundleConfigs(std::string_view file, std::string_view text, const std::string& folder, const std::string& dags);

// What is wrong with a repository's address that a file or a connection gives; "": nothing. Never repeats it.
std::string WrongRepoUrl(const std::string& url);

}  // namespace millrace::bundles
