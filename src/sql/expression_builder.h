#pragma once

/// Expressions for tests, built by hand: calls by name over columns and constants, resolved as the
/// binder does it.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <arrow/array/array_base.h>
#include <arrow/compute/cast.h>
#include <arrow/json/from_string.h>
#include <gtest/gtest.h>

#include "sql/evaluate.h"
#include "sql/expression.h"
#include "sql/function_registry.h"
#include "sql/kernel.h"

namespace tidemill {

/// An array from JSON; dates and timestamps as text.
inline std::shared_ptr<arrow::Array> ArrayOf(const std::shared_ptr<arrow::DataType>& type,
                                             const std::string& json) {
  if (type->id() == arrow::Type::DATE32 && json.find('"') != std::string::npos) {
    const arrow::compute::CastOptions options = arrow::compute::CastOptions::Safe(type);
    return CallArrow("cast", {ArrayOf(arrow::utf8(), json)}, &options)->make_array();
  }
  auto array = arrow::json::ArrayFromJSONString(type, json);
  EXPECT_TRUE(array.ok()) << json << ": " << array.status().ToString();
  return array.ValueOr(nullptr);
}

inline ExpressionPtr Constant(const std::shared_ptr<arrow::DataType>& type,
                              const std::string& json) {
  return LiteralExpression(*ArrayOf(type, "[" + json + "]")->GetScalar(0));
}

inline ExpressionPtr Text(const std::string& value) {
  return LiteralExpression(std::make_shared<arrow::StringScalar>(value));
}

inline ExpressionPtr Integer(int64_t value) {
  return LiteralExpression(std::make_shared<arrow::Int64Scalar>(value));
}

inline arrow::Result<ExpressionPtr> TryCall(const std::string& name,
                                            const std::vector<ExpressionPtr>& arguments) {
  const ScalarFunction* function = ScalarRegistry::Default().Find(name);
  if (function == nullptr) return arrow::Status::KeyError("no function ", name);
  std::vector<ArgumentInfo> infos;
  for (const ExpressionPtr& argument : arguments) {
    infos.push_back({argument->type, argument->value});
  }
  ARROW_ASSIGN_OR_RAISE(const ScalarSignature signature, function->resolve(infos));
  std::vector<ExpressionPtr> casted;
  for (size_t i = 0; i < arguments.size(); ++i) {
    ARROW_ASSIGN_OR_RAISE(ExpressionPtr argument, CastTo(arguments[i], signature.arguments[i]));
    casted.push_back(std::move(argument));
  }
  return CallExpression(*function, std::move(casted), signature.result, 0);
}

inline ExpressionPtr Call(const std::string& name, const std::vector<ExpressionPtr>& arguments) {
  auto call = TryCall(name, arguments);
  EXPECT_TRUE(call.ok()) << name << ": " << call.status().ToString();
  return call.ValueOr(nullptr);
}

inline ExpressionPtr Cast(const ExpressionPtr& x, const std::shared_ptr<arrow::DataType>& type) {
  auto cast = CastTo(x, type);
  EXPECT_TRUE(cast.ok()) << cast.status().ToString();
  return cast.ValueOr(nullptr);
}

/// A frame that is built column by column.
class TestFrame {
 public:
  ExpressionPtr Column(const std::string& name, const arrow::Datum& values) {
    frame_.columns.push_back(values);
    if (values.is_array()) frame_.num_rows = values.length();
    return ColumnExpression(static_cast<int>(frame_.columns.size()) - 1, name, values.type());
  }

  Frame* operator->() { return &frame_; }
  const Frame& operator*() const { return frame_; }

  arrow::Result<std::shared_ptr<arrow::Array>> Evaluate(const ExpressionPtr& expression) const {
    return Evaluator(&frame_).EvaluateToArray(expression);
  }

 private:
  Frame frame_;
};

inline bool SameValues(const arrow::Array& a, const arrow::Array& b) {
  return a.type()->Equals(*b.type()) && a.Equals(b, arrow::EqualOptions().nans_equal(true));
}

}  // namespace tidemill
