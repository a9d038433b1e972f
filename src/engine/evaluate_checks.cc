#include "engine/evaluate_checks.h"

#include <arrow/scalar.h>

namespace tidemill {
namespace {

arrow::Result<std::shared_ptr<arrow::Scalar>> Single(const ExpressionPtr& expression,
                                                     const Frame& frame) {
  Evaluator evaluator(&frame);
  ARROW_ASSIGN_OR_RAISE(auto array, evaluator.EvaluateToArray(expression));
  return array->GetScalar(0);
}

std::string TextOf(const arrow::Scalar& value) {
  return value.is_valid ? value.ToString() : "NULL";
}

CheckResult Evaluate(const BoundCheck& check, const Frame& frame) {
  CheckResult result;
  result.check = check.text;
  result.severity = check.severity;
  auto verdict = Single(check.condition, frame);
  if (!verdict.ok()) {
    result.reason = "cannot be evaluated: " + verdict.status().message();
    return result;
  }
  if (check.measured != nullptr) {
    auto measured = Single(check.measured, frame);
    if (measured.ok()) result.value = TextOf(**measured);
  } else {
    result.value = TextOf(**verdict);
  }
  result.passed = (*verdict)->is_valid && static_cast<const arrow::BooleanScalar&>(**verdict).value;
  if (!result.passed) {
    result.reason = (*verdict)->is_valid ? "is false" : "is NULL";
    if (check.measured != nullptr) result.reason += ", the left side is " + result.value;
  }
  return result;
}

}  // namespace

std::vector<CheckResult> EvaluateChecks(const FrameChecks& checks, const MetricValues& metrics,
                                        const std::string& stage, const PreviousValues& previous) {
  std::vector<CheckResult> results;
  Frame frame;
  frame.num_rows = 1;
  if (metrics.ok()) frame.aggregates = *metrics;
  for (const PreviousValue& value : checks.previous) {
    const auto found = previous.find(value.text);
    const bool is_known =
        found != previous.end() && found->second->type->Equals(*value.expression->type);
    frame.columns.emplace_back(is_known ? found->second
                                        : arrow::MakeNullScalar(value.expression->type));
  }
  for (const BoundCheck& check : checks.checks) {
    CheckResult result;
    if (metrics.ok()) {
      result = Evaluate(check, frame);
    } else {
      result.check = check.text;
      result.severity = check.severity;
      result.reason = "cannot be evaluated: " + metrics.status().message();
    }
    result.stage = stage;
    results.push_back(std::move(result));
  }
  return results;
}

PreviousValues ValuesForNext(const FrameChecks& checks, const MetricValues& metrics) {
  PreviousValues next;
  Frame frame;
  frame.num_rows = 1;
  if (!metrics.ok()) return next;
  frame.aggregates = *metrics;
  for (const PreviousValue& value : checks.previous) {
    auto scalar = Single(value.expression, frame);
    if (scalar.ok() && (*scalar)->is_valid) next[value.text] = *scalar;
  }
  return next;
}

}  // namespace tidemill
