#include "core/model/kept_texts.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace millrace {
namespace {

bool HasNoFixedWidth(std::string_view type) {
  constexpr std::array<std::string_view, 7> kOpenEnded = {"VARCHAR", "BLOB", "BIT",  "JSON",
                                                          "STRUCT",  "MAP",  "UNION"};
  return type.ends_with(']') || std::any_of(kOpenEnded.begin(), kOpenEnded.end(),
                                            [&](std::string_view name) { return type.starts_with(name); });
}

}  // namespace

bool KeepsTexts(const StagePlan& plan) {
  const auto combines = [](const Step& step) { return step.name == "combine" && !step.code.sql.empty(); };
  const auto state = [&](const Column& column) {
    return std::find(plan.keys.begin(), plan.keys.end(), column.name) == plan.keys.end() &&
           HasNoFixedWidth(column.type);
  };
  return !plan.keys.empty() && std::any_of(plan.steps.begin(), plan.steps.end(), combines) &&
         std::any_of(plan.columns.begin(), plan.columns.end(), state);
}

}  // namespace millrace
