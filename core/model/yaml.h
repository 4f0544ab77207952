// YAML text (and so JSON text) to Values that know their line and column: DAG files and contracts. Bounded,
// because text comes from strangers: 1 MiB, 64 levels, no anchors, aliases or tags, so that nothing grows
// beyond the text. Pure; any thread.
//
// Scalars are YAML 1.2's: true, false, null, numbers; `yes`, `on`, dates and everything else are strings.
#pragma once

#include <string_view>
#include <vector>

#include "core/model/dag.h"
#include "core/model/value.h"

namespace millrace {

inline constexpr int kMaxYamlBytes = 1 << 20;
inline constexpr int kMaxYamlDepth = 64;

struct YamlText {
  std::vector<Value> documents;   // of a text with several, separated by `---`; empty ones are left out
  std::vector<Problem> problems;  // file is empty: the caller knows it
};

// Never throws. With problems, the documents are what could be read.
YamlText ParseYaml(std::string_view text);

}  // namespace millrace
