// 128-bit digests of rows. Any thread.
#pragma once

#include <cstdint>
#include <span>

#include "worker/shuffle/block.h"
#include "worker/shuffle/map_writer.h"

namespace millrace::shuffle {

// Sets digests[row] for rows [0, digests.size()) of the columns: the same values give the same digest on
// every machine.
void DigestRows(std::span<const ColumnType> types, std::span<const ColumnInput> columns,
                std::span<Digest> digests);

}  // namespace millrace::shuffle
