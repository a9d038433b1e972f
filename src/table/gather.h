#pragma once

/// Rows of a column that lies in chunks, in any order.

#include <cstdint>
#include <memory>
#include <span>

#include <arrow/array.h>
#include <arrow/result.h>

namespace tidemill {

/// The values of `rows`, in this order. All chunks but the last have 2^shift values, so that a
/// row's place follows from its number; they are of one type that Parquet files are written in
/// (StoredType). An error for more than 2 GB of text.
///
/// (Arrow's own Take first joins chunks to one array, which would bring the whole column to
/// memory.)
arrow::Result<std::shared_ptr<arrow::Array>> Gather(const arrow::ArrayVector& chunks, int shift,
                                                    std::span<const uint32_t> rows);

}  // namespace tidemill
