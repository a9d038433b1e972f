#pragma once

/// The bucket transform of Apache Iceberg (table spec, appendix B): murmur3_x86_32 with seed 0 of a
/// value's canonical bytes, without the sign, modulo the number of buckets.
///
/// Integers, dates, times and timestamps (in microseconds) are hashed as 8 little-endian bytes, so
/// that a column may be widened; strings as UTF-8; binary as it is; decimals as the shortest
/// big-endian two's complement of the unscaled value.

#include <cstdint>
#include <optional>
#include <string_view>

#include <arrow/array.h>
#include <arrow/type.h>

namespace tidemill {

/// Austin Appleby's MurmurHash3_x86_32.
uint32_t Murmur3(std::string_view bytes, uint32_t seed = 0);

/// Whether the transform is defined for the type.
bool CanBucket(const arrow::DataType& type);

/// The hash of the value at `row`, which is not NULL; the type can be bucketed.
int32_t IcebergHash(const arrow::Array& values, int64_t row);

inline int32_t IcebergBucket(int32_t hash, int32_t buckets) { return (hash & INT32_MAX) % buckets; }

}  // namespace tidemill
