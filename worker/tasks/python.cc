#include "worker/tasks/python.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <mutex>
#include <vector>

#include "core/model/json.h"
#include "worker/runner/spawn.h"
#include "worker/shuffle/descriptor.h"
#include "worker/shuffle/pipe.h"
#include "worker/tasks/process.h"
#include "worker/tasks/python_environment.h"
#include "worker/tasks/python_server.h"

namespace millrace::tasks {
namespace {

using shuffle::Descriptor;
using shuffle::Pipe;

constexpr const char* kInterpreter = "python3";
constexpr std::size_t kMaxReturned = 1U << 20;  // beyond what a result may have, so that it is told what it has

std::string Text(const Value* value, std::string_view otherwise) {
  return value != nullptr && value->is_string() ? value->as_string() : std::string(otherwise);
}

// The interpreter, as its author names it.
std::string NameOf(const Value& with) {
  const std::string version = Text(with.Find("python_version"), "");
  return Text(with.Find("python"), version.empty() ? kInterpreter : "python" + version);
}

// One interpreter that waits for attempts. One attempt at a time.
class Server {
 public:
  static StatusOr<std::unique_ptr<Server>> Start(const std::string& interpreter,
                                                 const Environment& environment, int errors) {
    std::array<int, 2> pair{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) {
      return ErrnoStatus(errno, "socketpair");
    }
    const Descriptor theirs(pair[1]);
    auto server = std::make_unique<Server>();
    server->control_ = Descriptor(pair[0]);
    runner::SpawnOptions options;
    options.program = interpreter;
    options.arguments = {interpreter, "-c", kPythonServer};
    for (const auto& [name, value] : environment) options.environment.push_back(name + "=" + value);
    options.output = errors;
    options.error = errors;
    options.kept = theirs.get();
    options.death_signal = SIGKILL;
    ASSIGN_OR_RETURN(server->pid_, runner::Spawn(options));
    return server;
  }

  ~Server() {
    if (pid_ <= 0) return;
    ::kill(-pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) continue;
  }

  // The child's pid, alive or not reaped until Reap. UNAVAILABLE: the interpreter does not answer.
  StatusOr<pid_t> Fork(const std::string& request, int log, int answer) {
    RETURN_IF_ERROR(SendRequest(request, log, answer));
    ASSIGN_OR_RETURN(const std::int32_t pid, ReceiveNumber());
    return pid;
  }

  // After the child has ended and its group is gone: its wait status.
  StatusOr<int> Reap() {
    const char byte = 'r';
    if (::send(control_.get(), &byte, 1, MSG_NOSIGNAL) != 1) return Gone();
    ASSIGN_OR_RETURN(const std::int32_t status, ReceiveNumber());
    return status;
  }

 private:
  static Status Gone() { return Unavailable("the interpreter ended"); }

  Status SendRequest(const std::string& request, int log, int answer) {
    const auto length = static_cast<std::uint32_t>(request.size());
    std::string data(reinterpret_cast<const char*>(&length), sizeof length);
    data += request;
    const std::array<int, 2> descriptors{log, answer};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * 2)> room{};
    for (std::size_t sent = 0; sent < data.size();) {
      iovec piece{data.data() + sent, data.size() - sent};
      msghdr message{};
      message.msg_iov = &piece;
      message.msg_iovlen = 1;
      if (sent == 0) {
        message.msg_control = room.data();
        message.msg_controllen = room.size();
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * 2);
        std::memcpy(CMSG_DATA(header), descriptors.data(), sizeof(int) * 2);
      }
      const ssize_t got = ::sendmsg(control_.get(), &message, MSG_NOSIGNAL);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return Gone();
      sent += static_cast<std::size_t>(got);
    }
    return OkStatus();
  }

  StatusOr<std::int32_t> ReceiveNumber() {
    std::int32_t number = 0;
    for (std::size_t have = 0; have < sizeof number;) {
      const ssize_t got =
          ::recv(control_.get(), reinterpret_cast<char*>(&number) + have, sizeof number - have, 0);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return Gone();
      have += static_cast<std::size_t>(got);
    }
    return number;
  }

  pid_t pid_ = 0;
  Descriptor control_;
};

// The warm ones, by interpreter.
class Servers {
 public:
  explicit Servers(Environment environment) : environment_(std::move(environment)) {}

  const Environment& environment() const { return environment_; }

  StatusOr<std::unique_ptr<Server>> Take(const std::string& interpreter, int errors) {
    {
      const std::lock_guard lock(mutex_);
      std::vector<std::unique_ptr<Server>>& idle = idle_[interpreter];
      if (!idle.empty()) {
        std::unique_ptr<Server> server = std::move(idle.back());
        idle.pop_back();
        return server;
      }
    }
    return Server::Start(interpreter, environment_, errors);
  }
  void Return(const std::string& interpreter, std::unique_ptr<Server> server) {
    const std::lock_guard lock(mutex_);
    idle_[interpreter].push_back(std::move(server));
  }

 private:
  const Environment environment_;
  std::mutex mutex_;  // guards the next
  std::map<std::string, std::vector<std::unique_ptr<Server>>> idle_;
};

// Of which what there is can be read.
StatusOr<Pipe> MakeAnswerPipe() {
  ASSIGN_OR_RETURN(Pipe pipe, shuffle::MakePipe());
  ::fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK);
  return pipe;
}

Value Request(const TaskContext& context, const ChildPlace& place, const Value& with) {
  Value facts(Value::Map{});
  if (const StatusOr<Value> run = ParseJson(context.assignment().context); run.ok() && run->is_map())
    facts = *run;
  Value::Map environment;
  for (const auto& [name, value] : place.environment) environment.emplace_back(name, Value(value));
  const Value* positional = with.Find("positional");
  const Value* args = with.Find("args");
  Value request;
  request.Set("file", place.files + "/" + Text(with.Find("file"), ""));
  request.Set("files", place.files);
  request.Set("function", Text(with.Find("function"), "main"));
  request.Set("positional", positional != nullptr && positional->is_list() ? *positional : Value(Value::List{}));
  request.Set("args", args != nullptr && args->is_map() ? *args : Value(Value::Map{}));
  request.Set("context", std::move(facts));
  request.Set("environment", Value(std::move(environment)));
  request.Set("folder", place.folder);
  request.Set("sensor", context.assignment().kind == "sensor_python");
  return request;
}

TaskEnd EndOf(int status, const std::string& answer, const std::string& last_line) {
  TaskEnd end;
  const StatusOr<Value> said = ParseJson(answer);
  if (!said.ok() || !said->is_map()) {
    // It ended without a word: os._exit, a signal, out of memory.
    end.outcome = Outcome::kFailed;
    if (WIFEXITED(status)) end.exit_code = WEXITSTATUS(status);
    end.message = answer.size() >= kMaxReturned ? "the function returned too much"
                                              : "Python " + runner::DescribeWaitStatus(status);
    if (!last_line.empty()) end.message += ": " + last_line;
    return end;
  }
  const std::string outcome = Text(said->Find("outcome"), "failed");
  end.outcome = outcome == "success"   ? Outcome::kSuccess
                : outcome == "skipped" ? Outcome::kSkipped
                : outcome == "final"   ? Outcome::kFailFinal
                : outcome == "not_yet" ? Outcome::kNotYet
                                       : Outcome::kFailed;
  if (const Value* code = said->Find("exit_code"); code != nullptr && code->is_int()) {
    end.exit_code = static_cast<std::int32_t>(code->as_int());
  }
  end.message = Text(said->Find("message"), "");
  end.error_class = Text(said->Find("error_class"), "");
  end.result = Text(said->Find("result"), "");
  if (const Value* pushed = said->Find("xcoms"); pushed != nullptr && pushed->is_list()) {
    for (const Value& pair : pushed->as_list()) {
      if (!pair.is_list() || pair.as_list().size() != 2) continue;
      end.xcoms.push_back({Text(&pair.as_list()[0], ""), Text(&pair.as_list()[1], "null")});
    }
  }
  return end;
}

class Python final : public TaskKind {
 public:
  Python(Servers& servers, const std::string& environments)
      : servers_(servers), environments_(environments), cancel_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  TaskEnd Run(TaskContext& context) override {
    const StatusOr<Value> with = ParseJson(context.assignment().with);
    if (!with.ok()) return Fail(context, Outcome::kFailFinal, with.status().message());
    StatusOr<ChildPlace> place = PlaceChild(context, servers_.environment(), *with);
    if (!place.ok()) return Fail(context, Outcome::kFailFinal, place.status().message());
    const auto path = place->environment.find("PATH");
    std::string interpreter = FindProgram(NameOf(*with), path->second);
    if (interpreter.find('/') == std::string::npos || ::access(interpreter.c_str(), X_OK) != 0) {
      return Fail(context, Outcome::kFailFinal,
                  "no Python interpreter " + interpreter +
                      " on this worker: name another with 'python', or install it");
    }
    const bool own = WantsEnvironment(*with);
    PythonEnvironment environment;
    if (own) {
      StatusOr<PythonEnvironment> taken =
          TakeEnvironment(context, environments_, interpreter, *with, *place, cancel_.get());
      if (!taken.ok()) return Fail(context, Outcome::kFailed, taken.status().message());
      environment = *std::move(taken);
      interpreter = environment.interpreter;
    }
    const std::unique_ptr<StateSocket> states = OpenStates(context, place->environment);
    StatusOr<Pipe> output = MakeAnswerPipe();
    if (!output.ok()) return Fail(context, Outcome::kFailed, output.status().message());
    StatusOr<Pipe> answer = MakeAnswerPipe();
    if (!answer.ok()) return Fail(context, Outcome::kFailed, answer.status().message());
    StatusOr<std::unique_ptr<Server>> server = servers_.Take(interpreter, output->write.get());
    if (!server.ok()) return Fail(context, Outcome::kFailed, server.status().message());
    const StatusOr<pid_t> child =
        (*server)->Fork(ToJson(Request(context, *place, *with)), output->write.get(), answer->write.get());
    output->write.Close();
    answer->write.Close();
    LastLine last_line;
    if (!child.ok()) {
      std::array<char, 4096> said{};
      const ssize_t got = ::read(output->read.get(), said.data(), said.size());
      if (got > 0) {
        const std::string_view text(said.data(), static_cast<std::size_t>(got));
        context.Log(text);
        last_line.Feed(text);
      }
      return Fail(context, Outcome::kFailed,
                  interpreter + ": " + child.status().message() +
                      (last_line.Get().empty() ? "" : ": " + last_line.Get()));
    }
    const Descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, *child, 0)));
    std::string answered;
    Follow(context,
           {*child, process.get(), output->read.get(), answer->read.get(), cancel_.get(), states.get()}, last_line,
           &answered, kMaxReturned);
    const StatusOr<int> status = (*server)->Reap();
    // One of an environment is not kept: there may be many of them, and they come and go.
    if (status.ok() && !own) servers_.Return(interpreter, std::move(*server));
    return EndOf(status.ok() ? *status : SIGKILL, answered, last_line.Get());
  }

  void Cancel() override { ::eventfd_write(cancel_.get(), 1); }

 private:
  static TaskEnd Fail(TaskContext& context, Outcome outcome, const std::string& message) {
    context.Log("[millrace] " + message + "\n");
    return {.outcome = outcome, .message = message};
  }

  Servers& servers_;
  const std::string& environments_;  // the entry's
  Descriptor cancel_;
};

}  // namespace

TaskEntry PythonEntry(std::map<std::string, std::string> environment, std::string environments) {
  environment.try_emplace("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  const auto servers = std::make_shared<Servers>(std::move(environment));
  const auto folder = std::make_shared<const std::string>(std::move(environments));
  return {[servers, folder] { return std::make_unique<Python>(*servers, *folder); }};
}

}  // namespace millrace::tasks
