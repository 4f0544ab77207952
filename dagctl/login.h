// Where the scheduler is and who asks: told by options or the environment, otherwise read from the state folder of a scheduler on
// this machine (endpoints.json and the 0600 cli.token).
#pragma once

#include <string>

#include "core/base/status.h"

namespace millrace::dagctl {

struct Login {
  std::string url;
  std::string token;
};

// What is not given is read from `state`. NOT_FOUND says what to do.
StatusOr<Login> FindLogin(Login given, const std::string& state);

// A small file's text without the line end; NOT_FOUND when it is not there.
StatusOr<std::string> ReadLine(const std::string& path);

// The HTTP address that a scheduler wrote into its state folder: "http://127.0.0.1:8080".
StatusOr<std::string> HttpAddress(const std::string& state);
StatusOr<std::string> GrpcAddress(const std::string& state);

}  // namespace millrace::dagctl
