// Zip archives made byte by byte, also such as no program would write.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::dagbag {

struct ZipFile {
  std::string name;
  std::string content;
  std::uint16_t flags = 0;             // 1: encrypted
  std::optional<std::uint32_t> size = std::nullopt;  // that the archive says, instead of the content's
};

inline std::string Deflated(const std::string& content) {
  z_stream stream = {};
  deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, static_cast<uLong>(content.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

inline std::string ZipBytes(const std::vector<ZipFile>& files) {
  const auto number = [](std::uint32_t value, int bytes) {
    std::string text;
    for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i) & 0xff);
    return text;
  };
  std::string archive, directory;
  for (const ZipFile& file : files) {
    const std::string packed = Deflated(file.content);
    const auto sum = static_cast<std::uint32_t>(
        crc32(0, reinterpret_cast<const Bytef*>(file.content.data()), static_cast<uInt>(file.content.size())));
    // Version 2.0, flags, deflate, a time of 1980.
    const std::string facts = number(20, 2) + number(file.flags, 2) + number(8, 2) + number(0, 2) + number(33, 2) +
                              number(sum, 4) + number(static_cast<std::uint32_t>(packed.size()), 4) +
                              number(file.size.value_or(static_cast<std::uint32_t>(file.content.size())), 4) +
                              number(static_cast<std::uint32_t>(file.name.size()), 2) + number(0, 2);
    directory += "PK\1\2" + number(20, 2) + facts + number(0, 2) + number(0, 2) + number(0, 2) + number(0, 4) +
                 number(static_cast<std::uint32_t>(archive.size()), 4) + file.name;
    archive += "PK\3\4" + facts + file.name + packed;
  }
  const auto count = static_cast<std::uint32_t>(files.size());
  return archive + directory + "PK\5\6" + number(0, 4) + number(count, 2) + number(count, 2) +
         number(static_cast<std::uint32_t>(directory.size()), 4) +
         number(static_cast<std::uint32_t>(archive.size()), 4) + number(0, 2);
}

}  // namespace millrace::dagbag
