// The run that oracle.py renders for, as a context.
#pragma once

#include "core/calendar/format.h"
#include "core/model/json.h"
#include "core/template/run_context.h"

namespace millrace {

inline RunFacts SampleFacts() {
  RunFacts facts;
  facts.dag_id = "flights";
  facts.task_id = "delays";
  facts.run_id = "scheduled__2001-03-01T02:00:00+00:00";
  facts.run_type = "scheduled";
  facts.owner = "data";
  facts.run_after = *ParseTimeUtc("2001-03-01T02:00:00Z");
  facts.logical_date = facts.interval_end = facts.run_after;
  facts.interval_start = *ParseTimeUtc("2001-02-28T02:00:00Z");
  facts.try_number = 2;
  facts.max_tries = 3;
  facts.conf = *ParseJson(R"({"who": "me", "n": 3})");
  facts.params =
      *ParseJson(R"({"threshold": 15, "ratio": 0.1, "name": "O'Hare & co", "states": ["NY", "ca", "TX", "AL"],
      "on": true, "nothing": null, "empty": "", "big": 12345678901234567, "tiny": 0.000012345, "text": "  two words ",
      "unicode": "Zürich – ✈ 🛫", "nested": {"a": {"b": [1, 2, {"c": "deep"}]}, "z": 1},
      "rows": [{"k": "b", "n": 2}, {"k": "a", "n": 3}, {"k": "b", "n": 1}]})");
  return facts;
}

}  // namespace millrace
