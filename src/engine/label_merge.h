#pragma once

/// The second phase of a pass over labels: buckets merged, each label's windows put together,
/// features computed.

#include <cstdint>
#include <memory>
#include <vector>

#include <arrow/record_batch.h>

#include "engine/scan.h"

namespace tidemill {

/// Where the features of labels go. Called from several threads at the same time.
class LabelSink {
 public:
  virtual ~LabelSink() = default;
  /// Row i of `features` is of labels[i]. The columns are the features in the order of the file.
  virtual arrow::Status Append(const std::vector<uint32_t>& labels,
                               const std::shared_ptr<arrow::RecordBatch>& features) = 0;
};

/// The columns that MergeLabels gives.
std::shared_ptr<arrow::Schema> LabelFeatures(const BoundPipeline& pipeline);

/// `plan` has labels (label_plan.h), `scan` is of it. Labels without an event in their longest
/// window get no row. `feature_date` is the day of a label's instant. `run_timestamp` is in
/// microseconds since the epoch.
arrow::Status MergeLabels(const Plan& plan, const ScanResult& scan, int64_t run_timestamp,
                          const PassOptions& options, LabelSink* sink);

}  // namespace tidemill
