#include "worker/sql/shuffle_desk.h"

namespace millrace::sql {

std::uint64_t ShuffleDesk::Offer(CopyTarget* target) {
  const std::lock_guard lock(mutex_);
  targets_[next_] = target;
  return next_++;
}

std::uint64_t ShuffleDesk::Offer(ScanSource* source) {
  const std::lock_guard lock(mutex_);
  sources_[next_] = source;
  return next_++;
}

std::uint64_t ShuffleDesk::Offer(FileSource* source) {
  const std::lock_guard lock(mutex_);
  files_[next_] = source;
  return next_++;
}

void ShuffleDesk::Withdraw(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  targets_.erase(number);
  sources_.erase(number);
  files_.erase(number);
}

CopyTarget* ShuffleDesk::Target(std::uint64_t number) const {
  const std::lock_guard lock(mutex_);
  const auto found = targets_.find(number);
  return found == targets_.end() ? nullptr : found->second;
}

ScanSource* ShuffleDesk::Source(std::uint64_t number) const {
  const std::lock_guard lock(mutex_);
  const auto found = sources_.find(number);
  return found == sources_.end() ? nullptr : found->second;
}

FileSource* ShuffleDesk::File(std::uint64_t number) const {
  const std::lock_guard lock(mutex_);
  const auto found = files_.find(number);
  return found == files_.end() ? nullptr : found->second;
}

}  // namespace millrace::sql
