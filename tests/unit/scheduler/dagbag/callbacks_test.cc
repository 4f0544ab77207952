// Who is told what, as authors and as Airflow's files write it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "core/model/json.h"
#include "platform/zones.h"
#include "scheduler/dagbag/load.h"

namespace millrace::dagbag {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class OneScript final : public FileReader {
 public:
  StatusOr<std::string> Read(std::string_view path) const override {
    if (path != "tell.py") return NotFound("no such file");
    return std::string("def main(): pass\n");
  }
};

class Callbacks : public ::testing::Test {
 protected:
  // A DAG of task x with these fields, and of task y without.
  DagPtr Read(const std::string& fields, const std::string& head = "") {
    const LoadResult result = Load(fields, head);
    EXPECT_EQ(Text(result.problems), "");
    return result.dags.empty() ? std::make_shared<Dag>() : result.dags[0];
  }
  std::string Told(const std::string& fields, const std::string& head = "") {
    return Text(Load(fields, head).problems);
  }
  LoadResult Load(const std::string& fields, const std::string& head) {
    return LoadDagFile("a.yaml",
                       "dag_id: a\n" + head +
                           "tasks:\n  - id: x\n    uses: shell\n    with: {command: date}\n" + fields +
                           "  - {id: y, uses: empty}\n",
                       files_, zones_);
  }
  static std::string Text(const std::vector<Problem>& problems) {
    std::string all;
    for (const Problem& problem : problems)
      all += std::to_string(problem.where.line) + ": " + problem.message + " (" + problem.suggestion + ")\n";
    return all;
  }

  const OneScript files_;
  const platform::TzdbZones zones_;
};

const std::string kHook = "{notify: webhook, connection: alerts}";

TEST_F(Callbacks, EachFieldIsOneOrAListAndWhatTasksShareIsKeptOnce) {
  const DagPtr dag =
      Read("    on_failure_callback: [" + kHook + ", {uses: python, with: {file: tell.py}, timeout: 5s}]\n",
           "default_args: {on_success_callback: " + kHook + "}\non_success_callback: " + kHook + "\n");
  ASSERT_EQ(dag->callbacks.size(), 4U);
  EXPECT_EQ(dag->run_callbacks, std::vector<std::int32_t>{0});
  EXPECT_THAT(dag->tasks[0].callbacks, ElementsAre(1, 2, 3));
  EXPECT_THAT(dag->tasks[1].callbacks, ElementsAre(1));
  const Callback& python = dag->callbacks[3];
  EXPECT_EQ(python.on, CallbackCause::kFailure);
  EXPECT_EQ(python.kind, "python");
  EXPECT_EQ(python.timeout, std::chrono::seconds(5));
  EXPECT_THAT(python.files, ElementsAre("tell.py"));
  EXPECT_THAT(dag->callbacks[2].connections, ElementsAre("alerts"));
  ASSERT_EQ(dag->files.size(), 1U);
  EXPECT_EQ(dag->files[0].path, "tell.py");
}

TEST_F(Callbacks, ATaskMaySayThatNobodyIsTold) {
  const DagPtr dag =
      Read("    on_success_callback: []\n", "default_args: {on_success_callback: " + kHook + "}\n");
  EXPECT_THAT(dag->tasks[0].callbacks, IsEmpty());
  EXPECT_THAT(dag->tasks[1].callbacks, ElementsAre(0));
}

TEST_F(Callbacks, EmailIsAMailOfFailuresAndRetriesUnlessSaidOtherwise) {
  DagPtr dag = Read("    email: \"a@example.com, b@example.com\"\n");
  ASSERT_EQ(dag->callbacks.size(), 2U);
  EXPECT_EQ(ToJson(*dag->callbacks[0].with.Find("to")), R"(["a@example.com","b@example.com"])");
  EXPECT_THAT(dag->callbacks[0].connections, ElementsAre("smtp_default"));
  EXPECT_THAT(dag->callbacks[0].with.Find("subject")->as_string(), HasSubstr("{{ ti.task_id }}"));
  EXPECT_EQ(dag->callbacks[1].on, CallbackCause::kRetry);
  dag = Read("    email: [a@example.com]\n    email_on_retry: false\n");
  ASSERT_EQ(dag->callbacks.size(), 1U);
  EXPECT_EQ(dag->callbacks[0].on, CallbackCause::kFailure);
}

TEST_F(Callbacks, AirflowsNotifiersAreOurs) {
  const DagPtr dag = Read(
      "    on_failure_callback:\n"
      "      - {uses: airflow.providers.smtp.notifications.smtp.SmtpNotifier, with: {smtp_conn_id: mail, "
      "from_email: m@example.com, "
      "to: a@example.com, subject: S, html_content: H}}\n"
      "      - {path: airflow.providers.slack.notifications.slack_webhook.SlackWebhookNotifier, kwargs: "
      "{text: \"{{ ti.task_id }}\"}}\n"
      "      - {uses: airflow.providers.slack.notifications.slack.SlackNotifier, with: {slack_conn_id: s, "
      "channel: general, text: T}}\n");
  ASSERT_EQ(dag->callbacks.size(), 3U);
  const Value& mail = dag->callbacks[0].with;
  EXPECT_EQ(mail.Find("notify")->as_string(), "smtp");
  EXPECT_EQ(mail.Find("html")->as_string(), "H");
  EXPECT_EQ(mail.Find("from")->as_string(), "m@example.com");
  EXPECT_THAT(dag->callbacks[0].connections, ElementsAre("mail"));
  EXPECT_THAT(dag->callbacks[1].connections, ElementsAre("slack_default"));
  EXPECT_EQ(dag->callbacks[2].with.Find("channel")->as_string(), "general");
}

TEST_F(Callbacks, ADeadlineTellsWhoWasNamed) {
  const DagPtr dag =
      Read("", "deadline: {reference: queued_at, interval: 1h, callback: [" + kHook + ", " + kHook + "]}\n");
  EXPECT_THAT(dag->deadlines[0].callbacks, ElementsAre(0, 1));
  EXPECT_EQ(dag->callbacks[0].on, CallbackCause::kDeadline);
}

TEST_F(Callbacks, EveryProblemIsToldAtItsPlace) {
  EXPECT_THAT(Told("    on_failure_callback: ops.tell\n"),
              HasSubstr("6: task 'x', on_failure_callback: a callback must be a map"));
  EXPECT_THAT(Told("    on_failure_callback: {notify: webhok, connection: m}\n"),
              HasSubstr("did you mean 'webhook'?"));
  EXPECT_THAT(Told("    on_failure_callback: {uses: mapreduce, with: {}}\n"),
              HasSubstr("a callback cannot use 'mapreduce'"));
  EXPECT_THAT(Told("    on_failure_callback: {notify: smtp, connection: m}\n"),
              HasSubstr("'to' says nobody to write to"));
  EXPECT_THAT(Told("    on_failure_callback: {notify: webhook, connection: m, url: \"http://a\"}\n"),
              HasSubstr("exactly one of 'url' and 'connection' is needed"));
  EXPECT_THAT(Told("    on_failure_callback: {notify: webhook, connection: m, to: a@example.com}\n"),
              HasSubstr("'to' is not for notify: webhook"));
  EXPECT_THAT(Told("    on_failure_callback: {notify: webhook, connection: m, body: \"{{ exeption }}\"}\n"),
              HasSubstr("did you mean 'exception'?"));
  EXPECT_THAT(
      Told("    on_failure_callback: {notify: webhook, connection: m, body: \"{{ ti.xcom_pull('y') }}\"}\n"),
      HasSubstr("a callback reads no XComs"));
  EXPECT_THAT(Told("    on_failure_callback: {uses: python, with: {file: gone.py}}\n"),
              HasSubstr("file 'gone.py'"));
  EXPECT_THAT(Told("    on_failure_callback: {uses: shell, with: {command: date}, timeout: 1h}\n"),
              HasSubstr("at most 10m"));
  EXPECT_THAT(Told("", "on_retry_callback: " + kHook + "\n"), HasSubstr("unknown field 'on_retry_callback'"));
}

TEST_F(Callbacks, ATaskOfKindNotifySaysEverythingItself) {
  EXPECT_THAT(Told("  - {id: m, uses: notify, with: {notify: smtp, to: a@example.com}}\n"),
              HasSubstr("field 'subject' is missing"));
  const DagPtr dag = Read(
      "  - {id: m, uses: airflow.providers.smtp.operators.smtp.EmailOperator, with: {to: a@example.com, "
      "subject: S, html_content: H}}\n");
  const Task& task = dag->tasks[static_cast<std::size_t>(dag->FindTask("m"))];
  EXPECT_EQ(task.kind, "notify");
  EXPECT_THAT(task.connections, ElementsAre("smtp_default"));
}

}  // namespace
}  // namespace millrace::dagbag
