#pragma once

/// What values take in memory, one by one: an average tells nothing of the row that is repeated.

#include <cstdint>
#include <vector>

#include <arrow/array.h>

namespace tidemill {

/// The bytes of each row of some columns of `num_rows` rows each: of plain columns, lists and maps
/// included.
std::vector<int64_t> ValueBytes(const arrow::ArrayVector& columns, int64_t num_rows);

}  // namespace tidemill
