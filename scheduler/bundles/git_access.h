// How git reaches one repository: its address, and the credentials of a connection in the ways in which git takes them without
// anybody reading them: its environment, and files that only the scheduler's user may read. Pure; any thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "core/model/value.h"
#include "scheduler/bundles/bundle_config.h"

namespace millrace::bundles {

struct GitAccess {
  std::string url;
  std::vector<std::pair<std::string, std::string>> config;       // of the calls that reach out
  std::vector<std::pair<std::string, std::string>> environment;  // the same
  std::string private_key;            // to be in the file KEY while it is used; "": there is none
  std::vector<std::string> secrets;   // that no message may repeat
};

// `connection` as ConnectionValue has it, null without; of Airflow's git connections: host, login, password, and in extra key_file,
// private_key, known_hosts_file, strict_host_key_checking, ssh_config_file, ssh_port. `ssh_folder` has the files KEY (`key`) and
// `known_hosts`, absolute. INVALID_ARGUMENT says what of the connection cannot be used.
StatusOr<GitAccess> AccessOf(const BundleConfig& bundle, const Value& connection, const std::string& ssh_folder);

// The address as people may see it.
std::string ShownUrl(const std::string& url);

}  // namespace millrace::bundles
