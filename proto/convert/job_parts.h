// The parts of which jobs' messages are made, on the wire and back, and lists of them; of job.cc and job_plan.cc alone.
#pragma once

#include <string>
#include <vector>

#include "core/model/job.h"
#include "proto/job.pb.h"

namespace millrace::convert {

template <typename Strings>
std::vector<std::string> Copy(const Strings& from) {
  return {from.begin(), from.end()};
}

template <typename Strings>
void Copy(const std::vector<std::string>& from, Strings* to) {
  to->Assign(from.begin(), from.end());
}

// Declared first, so that the list functions find them.
void ToWire(const Column& from, v1::Column* to);
void ToWire(const Split& from, v1::Split* to);
void ToWire(const InputFacts& from, v1::InputFacts* to);
void ToWire(const OutputFile& from, v1::OutputFile* to);
void ToWire(const LostOutput& from, v1::LostOutput* to);
void ToWire(const TaskRead& from, v1::TaskRead* to);
void ToWire(const StagePlan& from, v1::StagePlan* to);
void ToWire(const StageRead& from, v1::StageRead* to);
void ToWire(const Step& from, v1::Step* to);
void ToWire(const MapOutput& from, v1::MapOutput* to);
void ToWire(const HeavyKey& from, v1::HeavyKey* to);
void ToWire(const SaltedKey& from, v1::SaltedKey* to);
void ToWire(const ByteRange& from, v1::ByteRange* to);
void ToWire(const SideOutput& from, v1::SideOutput* to);
void ToWire(const CachedStage& from, v1::CachedStage* to);
void ToWire(const Counter& from, v1::Counter* to);
void ToWire(const PublishedSide& from, v1::PublishedSide* to);
void ToWire(const JobPlan& from, v1::JobPlan* to);
Column FromWire(const v1::Column& from);
Split FromWire(const v1::Split& from);
InputFacts FromWire(const v1::InputFacts& from);
OutputFile FromWire(const v1::OutputFile& from);
LostOutput FromWire(const v1::LostOutput& from);
TaskRead FromWire(const v1::TaskRead& from);
StagePlan FromWire(const v1::StagePlan& from);
StageRead FromWire(const v1::StageRead& from);
Step FromWire(const v1::Step& from);
MapOutput FromWire(const v1::MapOutput& from);
HeavyKey FromWire(const v1::HeavyKey& from);
SaltedKey FromWire(const v1::SaltedKey& from);
ByteRange FromWire(const v1::ByteRange& from);
SideOutput FromWire(const v1::SideOutput& from);
CachedStage FromWire(const v1::CachedStage& from);
Counter FromWire(const v1::Counter& from);
PublishedSide FromWire(const v1::PublishedSide& from);
JobPlan FromWire(const v1::JobPlan& from);

template <typename Model, typename Wire>
void ListToWire(const std::vector<Model>& from, Wire* to) {
  to->Reserve(static_cast<int>(from.size()));
  for (const Model& one : from) ToWire(one, to->Add());
}

template <typename Wire>
auto ListFromWire(const Wire& from) {
  std::vector<decltype(FromWire(*from.begin()))> to;
  to.reserve(static_cast<std::size_t>(from.size()));
  for (const auto& one : from) to.push_back(FromWire(one));
  return to;
}

}  // namespace millrace::convert
