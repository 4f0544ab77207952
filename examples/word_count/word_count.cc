// Counts words: a mapper, a combiner and a reducer in C++. A word is a run of bytes that are not white space (space, tab,
// newline, vertical tab, form feed, carriage return), as long as it can be; nothing looks at its encoding. So the result is
// that of
//
//   LC_ALL=C tr -s '[:space:]' '\n' < text | sed '/^$/d' | LC_ALL=C sort | LC_ALL=C uniq -c
#include <array>
#include <charconv>
#include <cstdint>
#include <stdexcept>
#include <string_view>

#include "worker/mapreduce/api/mapreduce.h"

namespace {

using millrace::api::Context;
using millrace::api::Values;

constexpr auto kSpace = [] {
  std::array<bool, 256> space{};
  for (const unsigned char c : {' ', '\t', '\n', '\v', '\f', '\r'}) space[c] = true;
  return space;
}();
bool IsSpace(char c) { return kSpace[static_cast<unsigned char>(c)]; }

class WordMapper : public millrace::api::Mapper {
 public:
  void Map(std::string_view line, Context& context) override {
    for (std::size_t i = 0; i < line.size();) {
      while (i < line.size() && IsSpace(line[i])) ++i;
      const std::size_t begin = i;
      while (i < line.size() && !IsSpace(line[i])) ++i;
      if (i != begin) context.Emit(line.substr(begin, i - begin), "1");
    }
    ++lines_;
  }
  void Finish(Context& context) override { context.counters().Add("word_count", "lines", lines_); }

 private:
  std::int64_t lines_ = 0;
};

void EmitSum(std::string_view word, Values& values, Context& context) {
  std::int64_t sum = 0;
  std::int64_t times = 0;  // most words come with "1" after "1"
  for (std::string_view text; values.NextRun(text, times);) {
    std::int64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc() || end != text.data() + text.size()) throw std::runtime_error("a count is no number");
    sum += count * times;
  }
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), sum).ptr;
  context.Emit(word, {digits.data(), static_cast<std::size_t>(end - digits.data())});
}

class SumCombiner : public millrace::api::Combiner {
 public:
  void Combine(std::string_view word, Values& values, Context& context) override { EmitSum(word, values, context); }
};

class SumReducer : public millrace::api::Reducer {
 public:
  void Reduce(std::string_view word, Values& values, Context& context) override { EmitSum(word, values, context); }
};

}  // namespace

MILLRACE_MAPPER(WordMapper);
MILLRACE_COMBINER(SumCombiner);
MILLRACE_REDUCER(SumReducer);
