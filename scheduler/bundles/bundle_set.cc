#include "scheduler/bundles/bundle_set.h"

#include <filesystem>
#include <utility>

namespace millrace::bundles {

BundleSet::BundleSet(const std::vector<BundleConfig>& configs, const std::string& folder, const FindConnection& connections,
                     const char* const* environment, const Clock& clock, LogSink& log) {
  const std::string absolute = std::filesystem::absolute(folder).string();
  for (const BundleConfig& config : configs) {
    One one{config, nullptr};
    if (config.kind == BundleKind::kGit) {
      auto git = std::make_unique<GitBundle>(config, absolute + "/" + config.name, connections, environment, clock, log);
      one.git = git.get();
      one.bundle = std::move(git);
    } else {
      one.bundle = std::make_unique<dagbag::FolderBundle>(config.path, config.name, config.team);
    }
    all_.push_back(std::move(one));
  }
}

std::vector<dagbag::Bundle*> BundleSet::bundles() const {
  std::vector<dagbag::Bundle*> bundles;
  for (const One& one : all_) bundles.push_back(one.bundle.get());
  return bundles;
}

void BundleSet::Start() {
  for (const One& one : all_) {
    if (one.git != nullptr) one.git->Start();
  }
}

void BundleSet::Stop() {
  for (const One& one : all_) {
    if (one.git != nullptr) one.git->Stop();
  }
}

std::vector<BundleStanding> BundleSet::List() const {
  std::vector<BundleStanding> list;
  for (const One& one : all_) {
    const BundleConfig& config = one.config;
    BundleStanding standing{.name = config.name, .kind = std::string(ToString(config.kind)), .place = config.path, .team = config.team};
    if (one.git != nullptr) {
      GitBundle::Standing git = one.git->standing();
      standing.place = std::move(git.url);
      standing.ref = config.tracking_ref;
      standing.subdir = config.subdir;
      standing.connection = config.connection;
      standing.commit = std::move(git.commit);
      standing.refreshed_at = git.refreshed_at;
      standing.failure = std::move(git.failure);
    }
    list.push_back(std::move(standing));
  }
  return list;
}

Status BundleSet::Refresh(const std::string& name) {
  for (const One& one : all_) {
    if (one.config.name != name) continue;
    if (one.git == nullptr) return FailedPrecondition("bundle '" + name + "' is a folder: its changes are seen at once");
    one.git->RefreshSoon();
    return OkStatus();
  }
  return NotFound("there is no bundle '" + name + "'");
}

}  // namespace millrace::bundles
