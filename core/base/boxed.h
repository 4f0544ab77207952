// An optional value that is kept elsewhere: where there is none, which is nearly always, it takes a pointer's room instead of
// the value's. For the rare members of what there is by the ten thousand (tasks, DAGs). Copies are deep, as those of
// std::optional, whose words it has; what is absent must not be dereferenced.
#pragma once

#include <memory>
#include <optional>
#include <utility>

namespace millrace {

template <typename T>
class Boxed {
 public:
  Boxed() = default;
  Boxed(std::nullopt_t) {}                                              // NOLINT: implicit, as of std::optional
  Boxed(T value) : value_(std::make_unique<T>(std::move(value))) {}     // NOLINT
  Boxed(std::optional<T> value) {                                       // NOLINT
    if (value) emplace(*std::move(value));
  }
  Boxed(const Boxed& other) : value_(other ? std::make_unique<T>(*other) : nullptr) {}
  Boxed(Boxed&&) noexcept = default;
  Boxed& operator=(Boxed other) noexcept {
    value_ = std::move(other.value_);
    return *this;
  }
  ~Boxed() = default;

  template <typename... Args>
  T& emplace(Args&&... args) {
    value_ = std::make_unique<T>(std::forward<Args>(args)...);
    return *value_;
  }
  void reset() { value_.reset(); }

  bool has_value() const { return value_ != nullptr; }
  explicit operator bool() const { return has_value(); }
  T& operator*() & { return *value_; }
  const T& operator*() const& { return *value_; }
  T&& operator*() && { return std::move(*value_); }
  T* operator->() { return value_.get(); }
  const T* operator->() const { return value_.get(); }

 private:
  std::unique_ptr<T> value_;
};

}  // namespace millrace
