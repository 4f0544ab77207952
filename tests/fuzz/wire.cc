// Messages of workers, runners and the scheduler as values: whatever protobuf accepts becomes a value that comes back as it was.
#include "proto/convert/worker.h"

#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/util/message_differencer.h>

#include "tests/fuzz/fuzz.h"

namespace {

template <typename Message, typename... More>
void Round(std::string_view bytes, More... more) {
  namespace convert = millrace::convert;
  Message wire;
  if (!wire.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
  const auto value = convert::FromWire(wire, more...);
  Message again;
  convert::ToWire(value, &again);
  Message third;
  convert::ToWire(convert::FromWire(again, more...), &third);
  millrace::fuzz::Check(google::protobuf::util::MessageDifferencer::Equals(again, third), "a value comes back as it was");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace v1 = millrace::v1;
  static const auto quiet = google::protobuf::SetLogHandler(nullptr);
  static_cast<void>(quiet);
  millrace::fuzz::Choices choices(data, size);
  switch (choices.Below(5)) {
    case 0: Round<v1::StageWork>(choices.rest()); break;
    case 1: Round<v1::StageResult>(choices.rest()); break;
    case 2: Round<v1::Assignment>(choices.rest()); break;
    case 3: Round<v1::Report>(choices.rest()); break;
    default: Round<v1::Join>(choices.rest(), std::uint64_t{1});
  }
  return 0;
}
