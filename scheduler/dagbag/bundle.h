// A DAG bundle: one of the places that DAG files come from. DagBag looks at each of them in turn, in the order of the
// configuration. Made by main.cc; scheduler/bundles has those that are repositories.
#pragma once

#include <string>
#include <utility>

#include "core/model/bundle_file.h"

namespace millrace::dagbag {

// A bundle at one look.
struct BundleLook {
  std::string folder;        // "": there is none yet, and what is known of the bundle stays as it is
  std::string version = {};  // of all files in the folder: a commit; "": the bundle has no versions
  std::string failure = {};  // what keeps it from being newer; "": nothing
  std::string advice = {};   // what to do about that
};

class Bundle {
 public:
  virtual ~Bundle() = default;
  virtual const std::string& name() const = 0;
  virtual const std::string& team() const = 0;  // that its DAGs belong to; "": everybody's
  // On DagBag's thread; must not wait. The folder stays, with what is in it, until the next call.
  virtual BundleLook Look() = 0;
  // A folder in which something changes when there is more to see than at the last look; "": none.
  virtual std::string Bell() const { return {}; }
};

// A folder on this machine that others write to.
class FolderBundle final : public Bundle {
 public:
  explicit FolderBundle(std::string folder, std::string name = std::string(kDagsFolder), std::string team = "")
      : folder_(std::move(folder)), name_(std::move(name)), team_(std::move(team)) {}
  const std::string& name() const override { return name_; }
  const std::string& team() const override { return team_; }
  BundleLook Look() override { return {folder_}; }

 private:
  const std::string folder_;
  const std::string name_;
  const std::string team_;
};

}  // namespace millrace::dagbag
