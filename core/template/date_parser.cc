// dateutil.parser.parse: a date, and perhaps a time, as people write them. A template has no clock, so what
// dateutil would take from today (a year, a month, a day that is not written) is an error here.
#include "core/template/date_parser.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <vector>

#include "core/template/text_format.h"
#include "core/template/text_ops.h"

namespace millrace::jinja {
namespace {

constexpr std::array<std::string_view, 12> kMonthNames = {"january", "february", "march",     "april",   "may",      "june",
                                                          "july",    "august",   "september", "october", "november", "december"};
constexpr std::array<std::string_view, 7> kDayNames = {"monday", "tuesday",  "wednesday", "thursday",
                                                      "friday", "saturday", "sunday"};

// A name or the first letters of it.
template <std::size_t kSize>
std::optional<int> Named(const std::array<std::string_view, kSize>& names, std::string word) {
  if (word.ends_with('.')) word.pop_back();
  for (std::size_t i = 0; i < kSize; ++i) {
    if (word == names[i] || word == names[i].substr(0, 3) || (word == "sept" && names[i] == "september"))
      return static_cast<int>(i);
  }
  return std::nullopt;
}

struct Piece {
  std::string text;  // in lower case
  bool number = false;
};

std::vector<Piece> Pieces(std::string_view text) {
  std::vector<Piece> pieces;
  for (std::size_t at = 0; at < text.size();) {
    const auto take = [&](auto is, bool number) {
      Piece piece{"", number};
      while (at < text.size() && is(text[at])) piece.text += text[at++];
      piece.text = Lower(piece.text);
      pieces.push_back(std::move(piece));
    };
    if (IsDigit(text[at])) {
      take(IsDigit, true);
    } else if (IsLetter(text[at])) {
      take(IsLetter, false);
    } else {
      pieces.push_back({std::string(1, text[at++]), false});
    }
  }
  return pieces;
}

class DateParser {
 public:
  DateParser(std::string_view text, DateOrder order) : text_(text), order_(order), pieces_(Pieces(text)) {}

  StatusOr<Datum> Parse() {
    while (at_ < pieces_.size()) {
      if (!Take()) return Wrong("a date cannot be read in it");
    }
    return Made();
  }

 private:
  Status Wrong(const std::string& why) const { return InvalidArgument("'" + std::string(text_) + "': " + why); }

  const std::string& Text(std::size_t ahead = 0) const {
    static const std::string kNone;
    return at_ + ahead < pieces_.size() ? pieces_[at_ + ahead].text : kNone;
  }
  bool IsNumber(std::size_t ahead = 0) const { return at_ + ahead < pieces_.size() && pieces_[at_ + ahead].number; }
  int Number(std::size_t ahead = 0) const { return std::atoi(Text(ahead).substr(0, 9).c_str()); }

  bool Take() {
    if (IsNumber()) return TakeNumber();
    const std::string& word = Text();
    if (word == "t" && date_ && !clock_ && IsNumber(1)) return Skip();
    if (const auto month = Named(kMonthNames, word)) {
      if (month_) return false;
      month_ = *month + 1;
      return Skip();
    }
    if (Named(kDayNames, word)) return Skip();
    if (word == "am" || word == "pm") return TakeHalf();
    if (clock_ && (word == "z" || word == "utc" || word == "gmt")) {
      offset_ = 0;
      return Skip();
    }
    if (clock_ && (word == "+" || word == "-") && IsNumber(1)) return TakeOffset();
    constexpr std::array<std::string_view, 10> kIgnored = {" ", ",", ".", "-", "/", "of", "at", "st", "nd", "rd"};
    if (word == "th" || std::find(kIgnored.begin(), kIgnored.end(), word) != kIgnored.end()) return Skip();
    return false;
  }

  bool Skip(std::size_t count = 1) {
    at_ += count;
    return true;
  }

  bool TakeNumber() {
    const std::size_t digits = Text().size();
    if (Text(1) == ":" && IsNumber(2)) return TakeClock();
    if (!date_ && !IsNumber(2) && (digits == 8 || digits == 14)) return TakeWhole();
    if (digits == 8) return TakeWhole();
    if (date_ && !clock_ && (digits == 6 || digits == 4) && at_ > 0 && Text(1) != "-") return TakeBareClock();
    if ((Text(1) == "am" || Text(1) == "pm") || (Text(1) == " " && (Text(2) == "am" || Text(2) == "pm"))) {
      hour_ = Number();
      clock_ = true;
      return digits <= 2 && Skip();
    }
    if (digits > 4 || digits == 3) return false;
    numbers_.push_back({Number(), digits > 2 || Number() > 31});
    if (numbers_.size() + (month_ ? 1U : 0U) == 3) date_ = true;
    return numbers_.size() <= 3 && Skip();
  }

  // 20010301, 20010301020304
  bool TakeWhole() {
    const std::string& digits = Text();
    if (date_ || !numbers_.empty()) return false;
    const auto part = [&](std::size_t from, std::size_t count) { return std::atoi(digits.substr(from, count).c_str()); };
    year_ = part(0, 4);
    month_ = part(4, 2);
    day_ = part(6, 2);
    date_ = true;
    if (digits.size() == 14) {
      hour_ = part(8, 2);
      minute_ = part(10, 2);
      second_ = part(12, 2);
      clock_ = true;
    }
    return Skip();
  }

  // 020304, 0203
  bool TakeBareClock() {
    const std::string& digits = Text();
    const auto part = [&](std::size_t from) { return std::atoi(digits.substr(from, 2).c_str()); };
    hour_ = part(0);
    minute_ = part(2);
    if (digits.size() == 6) second_ = part(4);
    clock_ = true;
    return Skip();
  }

  bool TakeClock() {
    if (clock_) return false;
    clock_ = true;
    hour_ = Number();
    minute_ = Number(2);
    Skip(3);
    if (Text() == ":" && IsNumber(1)) {
      second_ = Number(1);
      Skip(2);
    }
    if ((Text() == "." || Text() == ",") && IsNumber(1)) {
      std::string micros = Text(1).substr(0, 6);
      micros.resize(6, '0');
      micros_ = std::atoi(micros.c_str());
      Skip(2);
    }
    return true;
  }

  bool TakeHalf() {
    if (!clock_ || half_ || hour_ < 1 || hour_ > 12) return false;
    half_ = true;
    hour_ = hour_ % 12 + (Text() == "pm" ? 12 : 0);
    return Skip();
  }

  bool TakeOffset() {
    const int sign = Text() == "-" ? -1 : 1;
    int minutes = Number(1) * 60;
    std::size_t used = 2;
    if (Text(1).size() == 4) {
      minutes = Number(1) / 100 * 60 + Number(1) % 100;
    } else if (Text(1).size() > 2) {
      return false;
    } else if (Text(2) == ":" && IsNumber(3)) {
      minutes += Number(3);
      used = 4;
    }
    if (offset_ || minutes >= 24 * 60) return false;
    offset_ = sign * minutes;
    return Skip(used);
  }

  struct Part {
    int value = 0;
    bool year = false;  // it can be nothing else
  };

  // Which of the numbers is what: a year shows by itself; else month, day, year, unless told otherwise.
  Status Order() {
    if (year_) return OkStatus();
    if (numbers_.size() + (month_ ? 1U : 0U) != 3)
      return Wrong("it must have a year, a month and a day: a template has no clock to take them from");
    std::vector<int> rest;
    const auto known = std::find_if(numbers_.begin(), numbers_.end(), [](const Part& part) { return part.year; });
    const bool first = known == numbers_.begin();
    if (known != numbers_.end()) {
      year_ = known->value;
      for (auto part = numbers_.begin(); part != numbers_.end(); ++part) {
        if (part != known) rest.push_back(part->value);
      }
    } else if (order_.year_first && !month_) {
      year_ = numbers_[0].value;
      rest = {numbers_[1].value, numbers_[2].value};
    } else {
      year_ = numbers_.back().value;
      for (std::size_t i = 0; i + 1 < numbers_.size(); ++i) rest.push_back(numbers_[i].value);
    }
    if (*year_ < 100) {
      // Within fifty years of today, says dateutil; a template does not know which those are.
      if (known == numbers_.end() || known->value < 100) return Wrong("its year must have four digits");
    }
    if (month_) {
      day_ = rest[0];
      return OkStatus();
    }
    // 2001-03-04 is year, month, day; 03/04/2001 month, day, year; with dayfirst the other way around.
    const bool swap = (order_.day_first && !first) || (order_.day_first && first && !order_.year_first);
    month_ = rest[swap ? 1 : 0];
    day_ = rest[swap ? 0 : 1];
    if (*month_ > 12) std::swap(*month_, *day_);
    return OkStatus();
  }

  StatusOr<Datum> Made() {
    RETURN_IF_ERROR(Order());
    const std::chrono::year_month_day date(std::chrono::year(*year_), std::chrono::month(static_cast<unsigned>(*month_)),
                                           std::chrono::day(static_cast<unsigned>(*day_)));
    if (!date.ok() || *year_ < 1 || *year_ > 9999) return Wrong("there is no such day");
    if (hour_ > 23 || minute_ > 59 || second_ > 59) return Wrong("there is no such time of day");
    WallTime time = std::chrono::sys_days(date);
    time += std::chrono::hours(hour_) + std::chrono::minutes(minute_) + std::chrono::seconds(second_) + Duration(micros_);
    if (!offset_) return Datum(time, TimeForm::kNaive);
    time -= std::chrono::minutes(*offset_);
    RETURN_IF_ERROR(CheckTime(time));
    return Datum(time, TimeForm::kUtc);
  }

  const std::string_view text_;
  const DateOrder order_;
  const std::vector<Piece> pieces_;
  std::size_t at_ = 0;
  std::vector<Part> numbers_;
  std::optional<int> year_, month_, day_;
  bool date_ = false;
  bool clock_ = false;
  bool half_ = false;
  int hour_ = 0, minute_ = 0, second_ = 0, micros_ = 0;
  std::optional<int> offset_;  // minutes
};

}  // namespace

StatusOr<Datum> ParseDate(std::string_view text, DateOrder order) { return DateParser(text, order).Parse(); }

}  // namespace millrace::jinja
