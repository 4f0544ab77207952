#include "scheduler/api/cursor.h"

#include <array>
#include <charconv>

namespace millrace::api {
namespace {

// "[~]ORDER.VALUE.KEY.INDEX"; no value is "n".
std::optional<store::PageCursor> Parsed(std::string_view text, std::string_view order) {
  store::PageCursor cursor;
  cursor.backward = text.starts_with("~");
  if (cursor.backward) text.remove_prefix(1);
  if (!text.starts_with(order)) return std::nullopt;
  text.remove_prefix(order.size());
  std::array<std::int64_t, 3> numbers{};
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (!text.starts_with(".")) return std::nullopt;
    text.remove_prefix(1);
    if (i == 0 && text.starts_with("n")) {
      text.remove_prefix(1);
      continue;
    }
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), numbers[i]);
    if (error != std::errc()) return std::nullopt;
    if (i == 0) cursor.value = numbers[i];
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  }
  if (!text.empty() || numbers[1] < 0 || numbers[2] < 0 || numbers[2] > INT32_MAX) return std::nullopt;
  cursor.key = numbers[1];
  cursor.index = static_cast<std::int32_t>(numbers[2]);
  return cursor;
}

}  // namespace

CursorPage ReadCursor(QueryInput& query, std::string_view order) {
  CursorPage page;
  page.asked = query.Has("cursor");
  const std::string text = query.String("cursor");
  if (text.empty()) return page;
  page.at = Parsed(text, order);
  if (!page.at)
    query.issues().Add("query", "cursor", "value_error", "This is no cursor of this list and order", text);
  return page;
}

std::string CursorToken(std::string_view order, const store::PageCursor& cursor) {
  return (cursor.backward ? "~" : "") + std::string(order) + "." +
         (cursor.value ? std::to_string(*cursor.value) : "n") + "." + std::to_string(cursor.key) + "." +
         std::to_string(cursor.index);
}

}  // namespace millrace::api
