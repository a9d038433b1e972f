#include "engine/feature_batch.h"

#include <utility>

#include <arrow/array/concatenate.h>

namespace tidemill {

arrow::Result<AggregateRows> AggregateRows::Of(const EntityKeyCodec& codec,
                                               const BucketTable& table,
                                               DateAggregates aggregates) {
  std::vector<const Bytes*> keys;
  keys.reserve(aggregates.entities.size());
  for (uint32_t entity : aggregates.entities) keys.push_back(&table.keys()[entity]);
  AggregateRows rows;
  rows.num_rows = static_cast<int64_t>(keys.size());
  ARROW_ASSIGN_OR_RAISE(rows.entity, codec.Decode(keys.data(), rows.num_rows));
  rows.results = std::move(aggregates.results);
  return rows;
}

arrow::Result<AggregateRows> AggregateRows::Concatenate(
    const std::vector<const AggregateRows*>& parts) {
  if (parts.size() == 1) return *parts[0];
  AggregateRows all;
  for (const AggregateRows* part : parts) all.num_rows += part->num_rows;
  for (const auto column : {&AggregateRows::entity, &AggregateRows::results}) {
    for (size_t i = 0; i < (parts[0]->*column).size(); ++i) {
      arrow::ArrayVector arrays;
      arrays.reserve(parts.size());
      for (const AggregateRows* part : parts) arrays.push_back((part->*column)[i]);
      ARROW_ASSIGN_OR_RAISE(auto array, arrow::Concatenate(arrays));
      (all.*column).push_back(std::move(array));
    }
  }
  return all;
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> MakeFeatureBatch(const BoundPipeline& pipeline,
                                                                    AggregateRows rows,
                                                                    CivilDay feature_date,
                                                                    int64_t run_timestamp) {
  Frame frame;
  frame.num_rows = rows.num_rows;
  frame.feature_date = feature_date;
  frame.run_timestamp = run_timestamp;
  for (const auto& column : rows.entity) frame.columns.emplace_back(column);
  for (const auto& result : rows.results) frame.aggregates.emplace_back(result);
  const size_t entities = rows.entity.size();
  frame.columns.resize(entities + pipeline.features.size());
  Evaluator evaluator(&frame);
  for (size_t f = 0; f < pipeline.features.size(); ++f) {
    auto values = evaluator.EvaluateToArray(pipeline.features[f].expression);
    if (!values.ok()) {
      return WithContext(values.status(), "feature '" + pipeline.features[f].name + "'");
    }
    frame.columns[entities + f] = *values;
  }
  arrow::ArrayVector columns = std::move(rows.entity);
  for (int index : pipeline.output_order) {
    columns.push_back(frame.columns[entities + static_cast<size_t>(index)].make_array());
  }
  return arrow::RecordBatch::Make(pipeline.output, rows.num_rows, std::move(columns));
}

}  // namespace tidemill
