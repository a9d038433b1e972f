#pragma once

/// The second phase of a pass: buckets merged, windows slid, features computed and handed on in
/// entity order.

#include <cstdint>
#include <memory>
#include <vector>

#include <arrow/record_batch.h>

#include "engine/scan.h"

namespace tidemill {

/// Where the features of a pass go. Batches of one date come in entity order, one at a time;
/// batches of different dates may come at the same time from different threads.
class FeatureSink {
 public:
  virtual ~FeatureSink() = default;
  virtual arrow::Status Append(size_t date, const std::shared_ptr<arrow::RecordBatch>& batch) = 0;
};

/// How the second phase of a pass went.
struct FeatureSummary {
  /// Per date: why its features could not be computed or taken by the sink.
  std::vector<arrow::Status> dates;
  int64_t entities = 0;
  double write_seconds = 0;  ///< waited for features to be evaluated and taken by the sink
};

/// `wanted[d]` tells which dates are computed at all. A date that fails leaves the others alone.
/// `run_timestamp` is in microseconds since the epoch.
arrow::Result<FeatureSummary> Merge(const Plan& plan, const ScanResult& scan,
                                    const std::vector<bool>& wanted, int64_t run_timestamp,
                                    const PassOptions& options, FeatureSink* sink);

}  // namespace tidemill
