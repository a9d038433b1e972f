#include "runner/entity_changes.h"

#include <arrow/compute/cast.h>
#include <arrow/table.h>

#include "storage/column_types.h"
#include "tidemill/read.h"

namespace tidemill {

arrow::Result<arrow::ArrayVector> EntityChanges::Keys(const arrow::RecordBatch& batch) const {
  arrow::ArrayVector keys;
  for (size_t i = 0; i < pipeline_.entity.size(); ++i) {
    const auto type = PlainType(pipeline_.output->field(static_cast<int>(i))->type());
    ARROW_ASSIGN_OR_RAISE(const arrow::Datum cast,
                          arrow::compute::Cast(batch.column(static_cast<int>(i)), type));
    keys.push_back(cast.make_array());
  }
  return keys;
}

arrow::Result<std::unique_ptr<EntityChanges>> EntityChanges::Since(const Table& table,
                                                                   const BoundPipeline& pipeline,
                                                                   const std::string& date,
                                                                   int threads) {
  std::unique_ptr<EntityChanges> changes(new EntityChanges(pipeline));
  ReadOptions options;
  options.dates = std::vector<std::string>{date};
  options.threads = threads;
  for (size_t i = 0; i < pipeline.entity.size(); ++i) {
    options.columns.push_back(pipeline.output->field(static_cast<int>(i))->name());
  }
  ARROW_ASSIGN_OR_RAISE(const auto rows, ReadTable(table.path(), options));
  arrow::TableBatchReader reader(*rows);
  std::shared_ptr<arrow::RecordBatch> batch;
  while (true) {
    ARROW_RETURN_NOT_OK(reader.ReadNext(&batch));
    if (batch == nullptr) return changes;
    ARROW_ASSIGN_OR_RAISE(const auto keys, changes->Keys(*batch));
    ARROW_RETURN_NOT_OK(changes->keys_.Add(keys, batch->num_rows()).status());
    changes->before_ += batch->num_rows();
  }
}

arrow::Status EntityChanges::Add(const arrow::RecordBatch& batch) {
  ARROW_ASSIGN_OR_RAISE(const auto keys, Keys(batch));
  std::vector<uint8_t> found;
  ARROW_ASSIGN_OR_RAISE(const int64_t stayed, keys_.Find(keys, batch.num_rows(), &found));
  seen_ += batch.num_rows();
  stayed_ += stayed;
  return arrow::Status::OK();
}

}  // namespace tidemill
