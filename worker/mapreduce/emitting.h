// What a class of the author's emits through: mappers and reducers alike. One thread.
#pragma once

#include "worker/mapreduce/counters.h"
#include "worker/mapreduce/pairs.h"

namespace millrace::mapreduce {

// Hands pairs to the sink until that can take no more.
class EmittingContext final : public api::Context {
 public:
  EmittingContext(PairSink& sink, api::Counters& counters) : sink_(sink), counters_(counters) {}
  void Emit(std::string_view key, std::string_view value) override {
    if (!stopped_) stopped_ = !sink_.Put(key, value);
  }
  api::Counters& counters() override { return counters_; }
  // The sink's Finish says why.
  bool stopped() const { return stopped_; }

 private:
  PairSink& sink_;
  api::Counters& counters_;
  bool stopped_ = false;
};

}  // namespace millrace::mapreduce
