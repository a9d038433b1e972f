#pragma once

/// Which entities a feature date has and the last published one before it had not, and the other
/// way round.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <arrow/record_batch.h>

#include "pipeline/bound_pipeline.h"
#include "table/key_set.h"
#include "table/table.h"

namespace tidemill {

/// Holds the entities of the date before as hashes, and sees those of the new one go by. Not
/// thread-safe.
class EntityChanges {
 public:
  /// Reads the entities of what is published of `date`. An error where its files cannot be read.
  static arrow::Result<std::unique_ptr<EntityChanges>> Since(const Table& table,
                                                             const BoundPipeline& pipeline,
                                                             const std::string& date, int threads);

  /// Rows of the new date, whose first columns are the entity's.
  arrow::Status Add(const arrow::RecordBatch& batch);

  int64_t entered() const { return seen_ - stayed_; }
  int64_t left() const { return before_ - stayed_; }

 private:
  explicit EntityChanges(const BoundPipeline& pipeline) : pipeline_(pipeline) {}

  /// As plain arrays of the types that the pipeline gives the entity.
  arrow::Result<arrow::ArrayVector> Keys(const arrow::RecordBatch& batch) const;

  const BoundPipeline& pipeline_;
  KeySet keys_;
  int64_t before_ = 0;
  int64_t seen_ = 0;
  int64_t stayed_ = 0;
};

}  // namespace tidemill
