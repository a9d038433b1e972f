#include "runner/feature_order.h"

#include <algorithm>
#include <utility>

#include "engine/argument_reader.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

std::string EntityOf(const arrow::RecordBatch& batch, size_t num_columns, int64_t row) {
  std::string text;
  for (size_t c = 0; c < num_columns; ++c) {
    auto value = batch.column(static_cast<int>(c))->GetScalar(row);
    text += (text.empty() ? "" : ", ") + (value.ok() ? (*value)->ToString() : "?");
  }
  return text;
}

}  // namespace

arrow::Result<FeatureOrder> FeatureOrder::Make(const BoundPipeline& pipeline) {
  std::vector<std::shared_ptr<arrow::DataType>> types;
  for (size_t i = 0; i < pipeline.entity.size(); ++i) {
    types.push_back(pipeline.output->field(static_cast<int>(i))->type());
  }
  ARROW_ASSIGN_OR_RAISE(
      EntityKeyCodec codec,
      EntityKeyCodec::Make(types, pipeline.spec.null_entity == NullEntity::kKeep));
  return FeatureOrder(pipeline, std::move(codec));
}

arrow::Status FeatureOrder::Follow(const arrow::RecordBatch& batch) {
  Frame frame;
  frame.num_rows = batch.num_rows();
  for (const auto& column : batch.columns()) frame.columns.emplace_back(column);
  Evaluator evaluator(&frame);
  ArgumentReader reader(&frame, &evaluator);
  std::vector<const PreparedColumn*> columns;
  for (size_t c = 0; c < codec_.num_columns(); ++c) {
    const auto& field = pipeline_.output->field(static_cast<int>(c));
    const auto expression = ColumnExpression(static_cast<int>(c), field->name(), field->type());
    ARROW_ASSIGN_OR_RAISE(const PreparedColumn* column, reader.Column(expression, nullptr));
    columns.push_back(column);
  }
  std::vector<uint8_t> key;
  for (int64_t row = 0; row < batch.num_rows(); ++row) {
    key.clear();
    for (size_t c = 0; c < columns.size(); ++c) {
      const bool is_valid = columns[c]->valid == nullptr || columns[c]->valid[row] != 0;
      if (!is_valid && pipeline_.spec.null_entity != NullEntity::kKeep) {
        return MakeError(ErrorCode::kRunFailed, "a row of features has no entity");
      }
      codec_.Encode(c, columns[c]->values, is_valid, row, &key);
    }
    if (last_ && !(*last_ < key)) {
      const bool is_twice = *last_ == key;
      return MakeError(ErrorCode::kRunFailed,
                       "entity " + EntityOf(batch, columns.size(), row) +
                           (is_twice ? " has two rows of features" : " is out of order"));
    }
    last_ = key;
  }
  return arrow::Status::OK();
}

}  // namespace tidemill
