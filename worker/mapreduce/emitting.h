// What a class of the author's emits through: mappers and reducers alike. One thread.
#pragma once

#include "worker/mapreduce/counters.h"
#include "worker/mapreduce/pairs.h"

namespace millrace::mapreduce {

// Hands pairs to the sink; the first error stops them.
class EmittingContext final : public api::Context {
 public:
  EmittingContext(PairSink& sink, api::Counters& counters) : sink_(sink), counters_(counters) {}
  void Emit(std::string_view key, std::string_view value) override {
    if (status.ok()) status = sink_.Put(key, value);
  }
  api::Counters& counters() override { return counters_; }

  Status status;

 private:
  PairSink& sink_;
  api::Counters& counters_;
};

}  // namespace millrace::mapreduce
