// What Airflow or Jinja know and templates here do not: why, and what to write instead. Private to this room.
#pragma once

#include <string>
#include <string_view>

namespace millrace::jinja {

// Ends a message about an undefined name: "; Airflow 3 removed it, use ...". "" for a name that nobody knows.
std::string WhyUndefined(std::string_view name);

}  // namespace millrace::jinja
