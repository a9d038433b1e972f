#include "runner/partition_filter.h"

#include <utility>

#include "aggregate/registry.h"
#include "sql/evaluate.h"
#include "sql/syntax.h"
#include "tidemill/error.h"

namespace tidemill {

arrow::Result<PartitionFilter> PartitionFilter::Make(const std::string& condition,
                                                     std::shared_ptr<arrow::Schema> columns) {
  PartitionFilter filter;
  filter.columns_ = std::move(columns);
  if (condition.empty()) return filter;
  const LocatedText text = {condition, {"--where", 1, 1}};
  ARROW_ASSIGN_OR_RAISE(const ParsedExpression parsed, ParseExpression(text, condition));
  BindScope scope;
  scope.rows = filter.columns_.get();
  scope.aggregates = &AggregateRegistry::Default();
  ARROW_ASSIGN_OR_RAISE(const BoundExpression bound, BindExpression(parsed, scope));
  if (bound.root->type->id() != arrow::Type::BOOL) {
    return MakeError(ErrorCode::kInvalid, "--where: this is no condition",
                     "compare partition columns, as in feature_date >= '2026-03-01'");
  }
  filter.condition_ = bound.root;
  return filter;
}

arrow::Result<bool> PartitionFilter::Holds(
    const std::vector<std::shared_ptr<arrow::Scalar>>& values) const {
  if (condition_ == nullptr) return true;
  Frame frame;
  frame.num_rows = 1;
  for (const auto& value : values) frame.columns.emplace_back(value);
  Evaluator evaluator(&frame);
  std::vector<uint8_t> mask;
  ARROW_ASSIGN_OR_RAISE(const int64_t held, evaluator.EvaluateToMask(condition_, &mask));
  return held == 1;
}

}  // namespace tidemill
