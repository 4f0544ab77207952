// Errors as values. Every function that can fail for a reason outside the program returns Status or StatusOr<T>; both are
// [[nodiscard]]. Codes carry the numbers of google.rpc.Code, so an error keeps its meaning across gRPC.
//
// A message says what happened, where, and what to do, values last: "DAG not found: etl". Exceptions are caught where a
// library throws them and never cross a room. CHECK is for mistakes of ours; it aborts, in release builds too.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace millrace {

enum class Code {
  kOk = 0,
  kCancelled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
  kUnauthenticated = 16,
};

std::string_view CodeName(Code code);

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string message) : code_(code), message_(std::move(message)) {}

  bool ok() const { return code_ == Code::kOk; }
  Code code() const { return code_; }
  const std::string& message() const { return message_; }
  // "NOT_FOUND: DAG not found: etl"
  std::string ToString() const;
  // The same error with "context: " in front of its message; Ok stays Ok.
  Status WithContext(std::string_view context) const;

  friend bool operator==(const Status&, const Status&) = default;

 private:
  Code code_ = Code::kOk;
  std::string message_;
};

inline Status OkStatus() { return {}; }
inline Status InvalidArgument(std::string message) { return {Code::kInvalidArgument, std::move(message)}; }
inline Status NotFound(std::string message) { return {Code::kNotFound, std::move(message)}; }
inline Status AlreadyExists(std::string message) { return {Code::kAlreadyExists, std::move(message)}; }
inline Status PermissionDenied(std::string message) { return {Code::kPermissionDenied, std::move(message)}; }
inline Status Unauthenticated(std::string message) { return {Code::kUnauthenticated, std::move(message)}; }
inline Status ResourceExhausted(std::string message) { return {Code::kResourceExhausted, std::move(message)}; }
inline Status FailedPrecondition(std::string message) { return {Code::kFailedPrecondition, std::move(message)}; }
inline Status Aborted(std::string message) { return {Code::kAborted, std::move(message)}; }
inline Status Unavailable(std::string message) { return {Code::kUnavailable, std::move(message)}; }
inline Status DeadlineExceeded(std::string message) { return {Code::kDeadlineExceeded, std::move(message)}; }
inline Status Cancelled(std::string message) { return {Code::kCancelled, std::move(message)}; }
inline Status DataLoss(std::string message) { return {Code::kDataLoss, std::move(message)}; }
inline Status Internal(std::string message) { return {Code::kInternal, std::move(message)}; }
inline Status Unimplemented(std::string message) { return {Code::kUnimplemented, std::move(message)}; }

// INTERNAL with errno's text: "open /x: No such file or directory". ENOSPC and EDQUOT give RESOURCE_EXHAUSTED, ENOENT gives
// NOT_FOUND, EACCES and EPERM give PERMISSION_DENIED, so that callers can tell a full disk from a bug.
Status ErrnoStatus(int error, std::string_view what);

[[noreturn]] void CheckFailed(const char* file, int line, const char* expression);

#define MILLRACE_CHECK(expression) \
  ((expression) ? static_cast<void>(0) : ::millrace::CheckFailed(__FILE__, __LINE__, #expression))

template <typename T>
class [[nodiscard]] StatusOr {
 public:
  StatusOr(Status status) : held_(std::move(status)) {  // NOLINT: implicit, so that functions can return either
    MILLRACE_CHECK(!std::get<Status>(held_).ok());
  }
  template <typename U = T>
    requires std::is_constructible_v<T, U&&> && (!std::is_same_v<std::remove_cvref_t<U>, Status>) &&
             (!std::is_same_v<std::remove_cvref_t<U>, StatusOr<T>>)
  StatusOr(U&& value) : held_(std::in_place_index<1>, std::forward<U>(value)) {}  // NOLINT

  bool ok() const { return held_.index() == 1; }
  Status status() const { return ok() ? OkStatus() : std::get<0>(held_); }
  const T& value() const& {
    MILLRACE_CHECK(ok());
    return std::get<1>(held_);
  }
  T& value() & {
    MILLRACE_CHECK(ok());
    return std::get<1>(held_);
  }
  T&& value() && {
    MILLRACE_CHECK(ok());
    return std::get<1>(std::move(held_));
  }
  const T& operator*() const& { return value(); }
  T& operator*() & { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  const T* operator->() const { return &value(); }
  T* operator->() { return &value(); }

 private:
  std::variant<Status, T> held_;
};

#define MILLRACE_CONCAT_INNER(a, b) a##b
#define MILLRACE_CONCAT(a, b) MILLRACE_CONCAT_INNER(a, b)

#define RETURN_IF_ERROR(expression)                     \
  do {                                                  \
    ::millrace::Status millrace_status = (expression);  \
    if (!millrace_status.ok()) return millrace_status;  \
  } while (false)

#define ASSIGN_OR_RETURN(target, expression) \
  ASSIGN_OR_RETURN_INNER(MILLRACE_CONCAT(millrace_result_, __LINE__), target, expression)
#define ASSIGN_OR_RETURN_INNER(result, target, expression) \
  auto result = (expression);                              \
  if (!result.ok()) return result.status();                \
  target = std::move(result).value()

}  // namespace millrace
