// The text form of a check, "null_rate(x) < 0.01", read into its parts. Called by check_spec.cc only.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/model/value.h"
#include "core/spec/check_spec.h"

namespace millrace {

// An argument: a column (`column` true), the dotted name airports.iata (`qualifier` set), a literal, or a
// list of literals.
struct CheckArgument {
  bool column = false;
  std::string qualifier;
  std::string name;
  Value literal;
};

struct CheckText {
  std::string function;
  std::vector<CheckArgument> arguments;
  std::optional<Comparison> comparison;
  std::string number;  // right of the comparison, as written: "0.01", "1%", "24h"
};

// INVALID_ARGUMENT says at which character the text stops making sense.
StatusOr<CheckText> ReadCheckText(std::string_view text);

// "12", "-0.5", "1e3", "5%" (0.05).
std::optional<double> ReadCheckNumber(std::string_view text);

}  // namespace millrace
