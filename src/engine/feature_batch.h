#pragma once

/// The last step inside the engine: aggregates of a date -> the columns of the output.

#include <cstdint>
#include <memory>
#include <vector>

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include "engine/entity_key.h"
#include "engine/window_merger.h"

namespace tidemill {

/// The aggregates of one date for some entities, in entity order. What a bucket gives is small when
/// a pass has many dates, and evaluating an expression has a price per call, so the rows of many
/// buckets are put together first.
struct AggregateRows {
  int64_t num_rows = 0;
  arrow::ArrayVector entity;   ///< one per entity column
  arrow::ArrayVector results;  ///< one per BoundPipeline::aggregates

  static arrow::Result<AggregateRows> Of(const EntityKeyCodec& codec, const BucketTable& table,
                                         DateAggregates aggregates);
  /// The rows of all parts, one behind the other. There is at least one part.
  static arrow::Result<AggregateRows> Concatenate(const std::vector<const AggregateRows*>& parts);
};

/// Evaluates the features of one date: a batch of BoundPipeline::output.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> MakeFeatureBatch(const BoundPipeline& pipeline,
                                                                    AggregateRows rows,
                                                                    CivilDay feature_date,
                                                                    int64_t run_timestamp);

}  // namespace tidemill
