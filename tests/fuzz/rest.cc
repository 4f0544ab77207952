// A REST request's query and body: typed values, or every problem at once.
#include "scheduler/api/input.h"

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace api = millrace::api;
  millrace::fuzz::Choices choices(data, size);
  const unsigned name = choices.Below(6);
  static constexpr const char* kNames[] = {"limit", "order_by", "dag_id_pattern", "logical_date_gte", "is_paused", "other"};
  millrace::http::Request request{.method = "POST", .body = std::string(choices.rest())};
  request.query.emplace_back(kNames[name], request.body);

  api::QueryInput query(request);
  const auto page = query.Paging();
  const bool bounded = page.limit >= 0 && page.limit <= 100 && page.offset >= 0;
  millrace::fuzz::Check(bounded || !query.issues().empty(), "a page is bounded");
  (void)query.Strings("order_by");
  (void)query.Pattern("dag_id_pattern");
  (void)query.Bool("is_paused");
  std::optional<millrace::WallTime> from, to;
  query.Range("logical_date", &from, &to);
  (void)query.Problems();

  api::BodyInput body(request);
  (void)body.String("dag_run_id");
  (void)body.Time("logical_date");
  (void)body.Bool("is_paused", false);
  (void)body.Any("conf");
  body.Unsupported("note");
  const auto problems = body.Problems();
  if (problems) millrace::fuzz::Check(problems->status >= 400 && problems->status < 500, "bad input is the client's fault");
  return 0;
}
