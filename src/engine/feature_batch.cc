#include "engine/feature_batch.h"

namespace tidemill {

arrow::Result<std::shared_ptr<arrow::RecordBatch>> MakeFeatureBatch(
    const BoundPipeline& pipeline, const EntityKeyCodec& codec, const BucketTable& table,
    const DateAggregates& aggregates, CivilDay feature_date, int64_t run_timestamp) {
  const auto n = static_cast<int64_t>(aggregates.entities.size());
  std::vector<const Bytes*> keys;
  keys.reserve(aggregates.entities.size());
  for (uint32_t entity : aggregates.entities) keys.push_back(&table.keys()[entity]);
  ARROW_ASSIGN_OR_RAISE(auto columns, codec.Decode(keys.data(), n));

  Frame frame;
  frame.num_rows = n;
  frame.feature_date = feature_date;
  frame.run_timestamp = run_timestamp;
  for (const auto& column : columns) frame.columns.emplace_back(column);
  for (const auto& result : aggregates.results) frame.aggregates.emplace_back(result);
  const size_t entities = columns.size();
  frame.columns.resize(entities + pipeline.features.size());
  Evaluator evaluator(&frame);
  for (size_t f = 0; f < pipeline.features.size(); ++f) {
    auto values = evaluator.EvaluateToArray(pipeline.features[f].expression);
    if (!values.ok()) {
      return WithContext(values.status(), "feature '" + pipeline.features[f].name + "'");
    }
    frame.columns[entities + f] = *values;
  }
  for (int index : pipeline.output_order) {
    columns.push_back(frame.columns[entities + static_cast<size_t>(index)].make_array());
  }
  return arrow::RecordBatch::Make(pipeline.output, n, std::move(columns));
}

}  // namespace tidemill
