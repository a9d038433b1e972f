#pragma once

/// The last step inside the engine: aggregates of a date -> the columns of the output.

#include <cstdint>
#include <memory>
#include <vector>

#include <arrow/record_batch.h>

#include "engine/entity_key.h"
#include "engine/window_merger.h"

namespace tidemill {

/// Evaluates the features of one bucket for one date: a batch of BoundPipeline::output, in entity
/// order.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> MakeFeatureBatch(
    const BoundPipeline& pipeline, const EntityKeyCodec& codec, const BucketTable& table,
    const DateAggregates& aggregates, CivilDay feature_date, int64_t run_timestamp);

}  // namespace tidemill
