#pragma once

/// The order in which `cluster_by` puts the rows of a partition.
///
/// A curve needs coordinates that fill its grid evenly, and values do not: spends bunch near zero,
/// instants share their high bits, text has no bits that mean anything. So a value's coordinate is
/// its quantile, the share of rows with a smaller one. Whatever the types and however skewed, each
/// half of a coordinate's range then holds half of the rows, as far as equal values allow.

#include <atomic>
#include <cstdint>
#include <vector>

#include <arrow/array.h>
#include <arrow/result.h>
#include <arrow/type.h>

#include "table/partition_layout.h"
#include "tidemill/pipeline.h"

namespace tidemill {

/// Checks that rows of this schema can be ordered like that: the columns exist, and partition
/// directories do not give them. Errors are kInvalid and point at the column.
arrow::Status CheckClustering(const ClusterSpec& spec, const PartitionLayout& layout,
                              const arrow::Schema& schema);

/// The rows in their new order: element i is the old index of the row that comes i-th. Rows at the
/// same place of a curve are ordered by the columns, then as they came.
///
/// `columns` holds the parts of each column of the spec, as RankValues takes them. `threads` does
/// not change the result. An error (kRunFailed) for more rows than 32 bits count; kInterrupted if
/// cancelled.
arrow::Result<std::vector<uint32_t>> ClusterOrder(ClusterSpec::Kind kind,
                                                  const std::vector<arrow::ArrayVector>& columns,
                                                  int threads, const std::atomic<bool>* cancelled);

}  // namespace tidemill
