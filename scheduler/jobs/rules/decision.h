// What a rule did and why, in words for the job report.
#pragma once

#include <string>

namespace millrace::jobs {

struct Decision {
  std::string rule;
  std::string what;
  std::string why;
};

// "12.3 MB": the same unit steps everywhere in the report.
std::string Bytes(double bytes);
// "0.120 s".
std::string Seconds(double seconds);

}  // namespace millrace::jobs
