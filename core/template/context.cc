#include "core/template/context.h"

namespace millrace {

void TemplateContext::Set(std::string path, Value value, Source source) {
  entries_.push_back({std::move(path), std::move(value), source});
}

void TemplateContext::SetTime(std::string path, WallTime time) {
  entries_.push_back({std::move(path), time, Source::kSystem});
}

void TemplateContext::SetOpen(std::string path) { open_.push_back(std::move(path)); }

}  // namespace millrace
