// JSON text as it comes by gRPC and from the store: refused, or the same value after a round; then what is read from such values.
#include "core/model/json.h"

#include "core/model/codec.h"
#include "core/spec/mapreduce_spec.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace millrace;
  const std::string_view text = fuzz::Choices(data, size).rest();
  const auto value = ParseJson(text);
  if (value.ok()) {
    const std::string compact = ToJson(*value);
    const auto again = ParseJson(compact);
    fuzz::Check(again.ok() && ToJson(*again) == compact, "what is written is read as the same");
    (void)ParseRenderedMapReduce(*value);
  }
  const auto stage = DecodeStageResult(text);
  if (stage.ok()) {
    const auto again = DecodeStageResult(EncodeStageResult(*stage));
    fuzz::Check(again.ok() && *again == *stage, "a stage result comes back as it was");
  }
  (void)DecodeDag(text);
  (void)DecodeWorkerOffer(text);
  (void)DecodeProblems(text);
  return 0;
}
