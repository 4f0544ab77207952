#include "dagctl/login.h"

#include <fstream>
#include <sstream>

#include "core/model/json.h"

namespace millrace::dagctl {
namespace {

StatusOr<std::string> Endpoint(const std::string& state, const char* member) {
  const std::string path = state + "/endpoints.json";
  std::ifstream file(path);
  if (!file) return NotFound("no scheduler has written " + path);
  std::ostringstream text;
  text << file.rdbuf();
  ASSIGN_OR_RETURN(const Value value, ParseJson(text.str()));
  const Value* address = value.Find(member);
  if (address == nullptr || !address->is_string()) return DataLoss(path + " names no " + member + " address");
  return address->as_string();
}

}  // namespace

StatusOr<std::string> ReadLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!file || !std::getline(file, line)) return NotFound("cannot read " + path);
  return line;
}

StatusOr<std::string> HttpAddress(const std::string& state) {
  ASSIGN_OR_RETURN(const std::string address, Endpoint(state, "http"));
  return address.find("://") != std::string::npos ? address : "http://" + address;
}

StatusOr<std::string> GrpcAddress(const std::string& state) { return Endpoint(state, "grpc"); }

StatusOr<Login> FindLogin(Login given, const std::string& state) {
  if (given.url.empty()) {
    StatusOr<std::string> url = HttpAddress(state);
    if (!url.ok()) return NotFound(url.status().message() + ": start one with dagctl up, or give --url (MILLRACE_URL) or --state");
    given.url = *url;
  }
  if (given.token.empty()) {
    StatusOr<std::string> token = ReadLine(state + "/cli.token");
    if (!token.ok()) return NotFound(token.status().message() + ": give --token-file, MILLRACE_TOKEN, or the scheduler's --state folder");
    given.token = *token;
  }
  return given;
}

}  // namespace millrace::dagctl
