#pragma once

/// Aggregates of whole frames, for checks: per stratum, mergeable, no entities.

#include <cstdint>
#include <memory>
#include <unordered_set>
#include <vector>

#include <arrow/record_batch.h>

#include "aggregate/arena.h"
#include "engine/argument_reader.h"
#include "engine/strata.h"
#include "pipeline/bound_pipeline.h"

namespace tidemill {

struct Hash128Hasher {
  size_t operator()(const Hash128& hash) const { return HashInteger(hash.low ^ hash.high); }
};

/// The value of each metric of a frame, as scalars, in the order of FrameChecks::metrics; or why
/// one could not be computed (overflow).
using MetricValues = arrow::Result<std::vector<arrow::Datum>>;

/// The metrics of one frame's checks. Made once per thread, updated with morsels (or feature rows),
/// then merged. Not thread-safe.
class FrameMetrics {
 public:
  FrameMetrics(const FrameChecks* checks, int32_t num_strata);

  /// Adds all rows of the reader's frame. `strata`: of each row, or null if all rows have
  /// `constant_stratum`.
  arrow::Status Update(ArgumentReader* reader, const int32_t* strata, int32_t constant_stratum);

  void Merge(const FrameMetrics& other);

  /// The values over a range of strata.
  MetricValues Values(StratumRange range) const;

  /// The states as a record batch, which another process with the same checks and strata merges.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Encode() const;
  arrow::Status MergeEncoded(const arrow::RecordBatch& batch);

 private:
  using ValueSet = std::unordered_set<Hash128, Hash128Hasher>;

  uint8_t* state(size_t metric, int32_t stratum) {
    return states_[metric].data() + static_cast<size_t>(stratum) * size(metric);
  }
  const uint8_t* state(size_t metric, int32_t stratum) const {
    return states_[metric].data() + static_cast<size_t>(stratum) * size(metric);
  }
  size_t size(size_t metric) const { return checks_->kernels[metric].state_size; }

  /// state(metric, stratum) += a copy of `from`, whose references need not live on.
  void MergeState(size_t metric, int32_t stratum, std::vector<uint8_t> from);
  arrow::Status UpdateDistinct(size_t metric, ArgumentReader* reader, const int32_t* strata,
                               int32_t constant_stratum);

  const FrameChecks* checks_;
  int32_t num_strata_;
  std::vector<std::vector<uint8_t>> states_;  ///< per metric: a state per stratum
  std::vector<std::vector<ValueSet>>
      distincts_;  ///< per metric: a set per stratum, if it is DISTINCT
  Arena arena_;
};

}  // namespace tidemill
