#pragma once

/// The order in which another system hands features over, checked.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <arrow/record_batch.h>

#include "engine/entity_key.h"
#include "pipeline/bound_pipeline.h"

namespace tidemill {

/// Checks the batches of one date: entities come in the order of their keys, each once. Whatever
/// went wrong elsewhere, a table is never published with rows out of order or twice.
class FeatureOrder {
 public:
  static arrow::Result<FeatureOrder> Make(const BoundPipeline& pipeline);

  /// `batch` has BoundPipeline::output. An error (kRunFailed) names the entity.
  arrow::Status Follow(const arrow::RecordBatch& batch);

 private:
  FeatureOrder(const BoundPipeline& pipeline, EntityKeyCodec codec)
      : pipeline_(pipeline), codec_(std::move(codec)) {}

  const BoundPipeline& pipeline_;
  EntityKeyCodec codec_;
  std::optional<std::vector<uint8_t>> last_;
};

}  // namespace tidemill
