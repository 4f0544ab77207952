// Numbers that native code adds up, for the attempt's log and the job report. One thread.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "worker/mapreduce/api/mapreduce.h"
#include "worker/mapreduce/site.h"

namespace millrace::mapreduce {

class LoggedCounters final : public api::Counters {
 public:
  void Add(std::string_view group, std::string_view name, std::int64_t amount) override;
  // A line of a command's stderr, without its newline: "reporter:counter:group,name,amount". False when it is another line.
  bool Report(std::string_view line);
  // To the attempt's log, and for the job report.
  std::vector<Counter> LogTo(const Site& site) const;

 private:
  std::map<std::string, std::int64_t, std::less<>> totals_;  // by "group,name"
};

}  // namespace millrace::mapreduce
