#include "scheduler/bundles/git_access.h"

#include <string_view>

#include "core/base/base64.h"
#include "core/model/connection.h"
#include "core/model/json.h"

namespace millrace::bundles {
namespace {

// git hands GIT_SSH_COMMAND to a shell.
std::string ShellWord(const std::string& text) {
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? "'\\''" : std::string(1, c);
  return word + "'";
}

std::string PortOf(const Value& connection, const Value& extra) {
  for (const Value* port : {extra.Find("ssh_port"), connection.Find("port")}) {
    if (port == nullptr) continue;
    if (port->is_int()) return std::to_string(port->as_int());
    if (port->is_string()) return port->as_string();
  }
  return "";
}

// Airflow has the whole address in the host; of a connection that was written as one, it stands in its parts.
std::string UrlOf(const Value& connection) {
  const std::string host = TextOf(connection, "host");
  const std::string type = TextOf(connection, "conn_type");
  if (host.empty() || host.find('/') != std::string::npos || host.find(':') != std::string::npos) return host;
  if (type != "https" && type != "http" && type != "ssh") return "";
  const Value* port = connection.Find("port");
  const std::string login = type == "ssh" ? TextOf(connection, "login") : "";
  return type + "://" + (login.empty() ? "" : login + "@") + host +
         (port != nullptr && port->is_int() ? ":" + std::to_string(port->as_int()) : "") + "/" + TextOf(connection, "schema");
}

std::string SshCommand(const Value& connection, const Value& extra, bool has_key, const std::string& ssh_folder) {
  const std::string config_file = TextOf(extra, "ssh_config_file");
  const std::string known = TextOf(extra, "known_hosts_file");
  std::string strict = TextOf(extra, "strict_host_key_checking");
  // Airflow's own default is "no"; a host that changes its key is refused here unless somebody said so.
  if (strict.empty()) strict = known.empty() ? "accept-new" : "yes";
  std::string command = "ssh -F " + ShellWord(config_file.empty() ? "none" : config_file) + " -o BatchMode=yes -o ConnectTimeout=30 -o StrictHostKeyChecking=" +
                        ShellWord(strict) + " -o " + ShellWord("UserKnownHostsFile=\"" + (known.empty() ? ssh_folder + "/known_hosts" : known) + "\"");
  const std::string key_file = TextOf(extra, "key_file");
  if (has_key || !key_file.empty())
    command += " -o IdentitiesOnly=yes -i " + ShellWord(has_key ? ssh_folder + "/key" : key_file);
  if (const std::string port = PortOf(connection, extra); !port.empty()) command += " -p " + ShellWord(port);
  return command;
}

}  // namespace

StatusOr<GitAccess> AccessOf(const BundleConfig& bundle, const Value& connection, const std::string& ssh_folder) {
  GitAccess access;
  access.url = bundle.repo_url.empty() ? UrlOf(connection) : bundle.repo_url;
  const std::string what = "connection '" + bundle.connection + "'";
  if (access.url.empty()) return InvalidArgument(what + " has no address: its host is the repository's, as https://github.com/team/dags.git");
  if (const std::string wrong = WrongRepoUrl(access.url); !wrong.empty())
    return InvalidArgument(what + ": its host " + wrong + "; put them into login and password");
  const bool is_http = access.url.starts_with("http://") || access.url.starts_with("https://");
  Value extra;
  if (const std::string text = TextOf(connection, "extra"); !text.empty()) {
    const StatusOr<Value> parsed = ParseJson(text);
    // Without the parser's words: they may repeat a key.
    if (!parsed.ok() || !parsed->is_map()) return InvalidArgument(what + ": its extra is no JSON object");
    extra = *parsed;
  }
  access.secrets = SecretsOfConnection(connection);
  for (const char* const name : {"private_key_passphrase", "host_proxy_cmd"}) {
    if (!TextOf(extra, name).empty()) return InvalidArgument(what + ": " + name + " is not supported");
  }
  if (is_http) {
    const std::string password = TextOf(connection, "password");
    if (password.empty()) return access;
    const std::string login = TextOf(connection, "login", "user");
    const std::string basic = Base64((login.empty() ? "user" : login) + ":" + password);
    access.secrets.push_back(basic);
    // Of this host alone, and never sent on to where it may point to.
    const std::size_t end = access.url.find('/', access.url.find("://") + 3);
    access.config = {{"http." + access.url.substr(0, end) + "/.extraHeader", "Authorization: Basic " + basic},
                     {"http.followRedirects", "false"}};
    return access;
  }
  access.private_key = TextOf(extra, "private_key");
  if (!access.private_key.empty() && access.private_key.back() != '\n') access.private_key += '\n';
  access.environment = {{"GIT_SSH_COMMAND", SshCommand(connection, extra, !access.private_key.empty(), ssh_folder)},
                        {"GIT_SSH_VARIANT", "ssh"}};
  return access;
}

std::string ShownUrl(const std::string& url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string::npos) return url;
  const std::size_t end = url.find('/', scheme + 3);
  const std::size_t at = url.rfind('@', end);
  if (at == std::string::npos || at < scheme) return url;
  return url.substr(0, scheme + 3) + url.substr(at + 1);
}

}  // namespace millrace::bundles
