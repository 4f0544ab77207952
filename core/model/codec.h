// DAG versions, job results and worker offers as JSON text, the form in which the store keeps them. Members that are missing
// take their defaults and unknown ones are ignored, so that a newer program reads an older store. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "core/base/status.h"
#include "core/model/attempt.h"
#include "core/model/dag.h"

namespace millrace {

std::string EncodeDag(const Dag& dag);
StatusOr<Dag> DecodeDag(std::string_view text);

std::string EncodeDelivery(const Delivery& delivery);
StatusOr<Delivery> DecodeDelivery(std::string_view text);

std::string EncodeStageResult(const StageResult& result);
StatusOr<StageResult> DecodeStageResult(std::string_view text);

std::string EncodeWorkerOffer(const WorkerOffer& offer);
StatusOr<WorkerOffer> DecodeWorkerOffer(std::string_view text);

std::string EncodeProblems(const std::vector<Problem>& problems);
StatusOr<std::vector<Problem>> DecodeProblems(std::string_view text);

}  // namespace millrace
