#include "core/template/context.h"

#include "core/model/json.h"

namespace millrace {

void TemplateContext::Set(std::string path, Value value, Source source) {
  entries_.push_back({std::move(path), std::move(value), source});
}

void TemplateContext::SetTime(std::string path, WallTime time) {
  entries_.push_back({std::move(path), time, Source::kSystem});
}

void TemplateContext::SetOpen(std::string path) { open_.push_back(std::move(path)); }

std::string EncodeContext(const TemplateContext& context) {
  Value::List entries;
  for (const TemplateContext::Entry& entry : context.entries()) {
    Value one(Value::Map{{"path", entry.path}});
    if (const auto* time = std::get_if<WallTime>(&entry.value)) {
      one.Set("time", ToMicros(*time));
    } else {
      one.Set("value", std::get<Value>(entry.value));
    }
    if (entry.source == TemplateContext::Source::kUser) one.Set("user", true);
    entries.push_back(std::move(one));
  }
  return ToJson(Value(std::move(entries)));
}

StatusOr<TemplateContext> DecodeContext(std::string_view text) {
  ASSIGN_OR_RETURN(const Value entries, ParseJson(text));
  TemplateContext context;
  if (!entries.is_list()) return InvalidArgument("no list of names");
  for (const Value& entry : entries.as_list()) {
    const Value* path = entry.Find("path");
    const Value* time = entry.Find("time");
    const Value* value = entry.Find("value");
    if (path == nullptr || !path->is_string()) return InvalidArgument("a name without its path");
    if (time != nullptr && time->is_int()) {
      context.SetTime(path->as_string(), WallFromMicros(time->as_int()));
    } else {
      context.Set(path->as_string(), value == nullptr ? Value() : *value,
                  entry.Find("user") != nullptr ? TemplateContext::Source::kUser
                                                : TemplateContext::Source::kSystem);
    }
  }
  return context;
}

}  // namespace millrace
