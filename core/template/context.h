// What a template may refer to: names, dotted paths below them, and who can set them. Built by value, read by
// Template.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/clock.h"
#include "core/base/status.h"
#include "core/model/value.h"
#include "core/template/lookup.h"

namespace millrace {

class TemplateContext {
 public:
  // Who can choose the value.
  enum class Source {
    kSystem,  // the author of the DAG, or Millrace itself
    kUser,    // whoever may trigger a run: never shell text, nor is anything inside it
  };

  // `path` is a name ("ds") or names joined by dots ("dag_run.run_id"); maps on the way are made. A later
  // entry wins.
  void Set(std::string path, Value value, Source source = Source::kSystem);
  // A datetime, as {{ logical_date }} is.
  void SetTime(std::string path, WallTime time);
  // Members that are not listed may exist below this path, and its value may be of any type: checks stay
  // silent there.
  void SetOpen(std::string path);
  // Who answers what is not in the context; it must outlive every rendering with it. None: asking is an
  // error.
  void SetLookup(TemplateLookup* lookup) { lookup_ = lookup; }

  struct Entry {
    std::string path;
    std::variant<Value, WallTime> value;
    Source source = Source::kSystem;
  };
  const std::vector<Entry>& entries() const { return entries_; }
  const std::vector<std::string>& open_paths() const { return open_; }
  TemplateLookup* lookup() const { return lookup_; }

 private:
  std::vector<Entry> entries_;
  std::vector<std::string> open_;
  TemplateLookup* lookup_ = nullptr;
};

// As JSON text and back, for what is rendered later than it is known: the entries, nothing else.
std::string EncodeContext(const TemplateContext& context);
StatusOr<TemplateContext> DecodeContext(std::string_view text);

}  // namespace millrace
