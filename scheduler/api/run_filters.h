// What lists of runs have in common, whether a query or a body asks for them. Within one handler call.
#pragma once

#include <string>
#include <string_view>

#include "scheduler/api/answer.h"
#include "scheduler/store/reader.h"

namespace millrace::api {

// "run_after", or "-run_after" for the newest first; `place` is where it was read.
inline void SetRunOrder(std::string order, std::string_view place, Issues& issues, store::RunFilter* filter) {
  filter->descending = order.starts_with("-");
  if (filter->descending) order.erase(0, 1);
  if (order == "id" || order == "queued_at") {
    filter->order = store::RunOrder::kKey;
  } else if (order == "run_after") {
    filter->order = store::RunOrder::kRunAfter;
  } else if (order == "logical_date") {
    filter->order = store::RunOrder::kLogicalDate;
  } else if (order == "start_date") {
    filter->order = store::RunOrder::kStartDate;
  } else if (order == "end_date") {
    filter->order = store::RunOrder::kEndDate;
  } else {
    issues.Add(place, "order_by", "value_error",
               "Ordering is by id, run_after, logical_date, start_date or end_date", order);
  }
}

}  // namespace millrace::api
