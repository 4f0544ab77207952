// A cron expression: refused, or each fire time is one, in order, in both directions.
#include "core/calendar/cron.h"

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using millrace::fuzz::Check;
  millrace::fuzz::Choices choices(data, size);
  const unsigned day = choices.Below(251) * 251 + choices.Below(251);
  const auto cron = millrace::Cron::Parse(choices.rest());
  if (!cron.ok()) {
    Check(!cron.status().message().empty(), "a refusal has a reason");
    return 0;
  }
  millrace::LocalTime at{std::chrono::days(day)};
  for (int i = 0; i < 3; ++i) {
    const millrace::LocalTime next = cron->Next(at);
    Check(next > at, "the next time is later");
    Check(cron->Matches(next), "the next time matches");
    const millrace::LocalTime back = cron->Previous(next + std::chrono::minutes(1));
    Check(back == next, "the time before the minute after it is the time itself");
    at = next;
  }
  return 0;
}
