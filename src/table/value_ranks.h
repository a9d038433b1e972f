#pragma once

/// Where each value of a column stands among the others.

#include <cstdint>
#include <vector>

#include <arrow/array.h>
#include <arrow/result.h>

namespace tidemill {

/// For each row, how many rows hold a smaller value: equal values have equal ranks, and comparing
/// ranks is comparing values. NULL is the smallest; NaN equals NaN and is the largest; -0.0 equals
/// 0.0; text is compared byte by byte, FALSE is less than TRUE.
///
/// `chunks` are the column's parts, of one type that Parquet files are written in (StoredType),
/// with at most 2^32 - 1 rows in all.
arrow::Result<std::vector<uint32_t>> RankValues(const arrow::ArrayVector& chunks);

}  // namespace tidemill
