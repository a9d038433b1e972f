#include "sql/evaluate_branches.h"

#include <algorithm>
#include <vector>

#include <arrow/array/array_primitive.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/array/concatenate.h>
#include <arrow/array/util.h>
#include <arrow/compute/api_vector.h>

#include "sql/function_registry.h"
#include "sql/kernel.h"

namespace tidemill {

namespace {

using Rows = std::vector<int64_t>;

arrow::Result<Datum> TakeRows(const Datum& column, const Rows& rows) {
  if (!column.is_array()) return column;
  arrow::Int64Builder builder;
  ARROW_RETURN_NOT_OK(builder.AppendValues(rows));
  ARROW_ASSIGN_OR_RAISE(auto indices, builder.Finish());
  const auto options = arrow::compute::TakeOptions::NoBoundsCheck();
  return CallArrow("array_take", {column, indices}, &options);
}

/// Fills in `part` the columns that `expression` reads, for `rows` of `frame`.
arrow::Status TakeColumns(const Frame& frame, const Expression& expression, const Rows& rows,
                          Frame* part) {
  const bool column = expression.kind == Expression::Kind::kColumn;
  if (column || expression.kind == Expression::Kind::kAggregate) {
    const auto index = static_cast<size_t>(expression.column);
    const Datum& whole = (column ? frame.columns : frame.aggregates)[index];
    Datum& taken = (column ? part->columns : part->aggregates)[index];
    if (taken.kind() == Datum::NONE) {
      ARROW_ASSIGN_OR_RAISE(taken, TakeRows(whole, rows));
    }
  }
  for (const ExpressionPtr& argument : expression.arguments) {
    ARROW_RETURN_NOT_OK(TakeColumns(frame, *argument, rows, part));
  }
  return arrow::Status::OK();
}

arrow::Result<Frame> TakeFrame(const Frame& frame, const Expression& expression, const Rows& rows) {
  Frame part;
  part.columns.resize(frame.columns.size());
  part.aggregates.resize(frame.aggregates.size());
  part.num_rows = static_cast<int64_t>(rows.size());
  part.feature_date = frame.feature_date;
  part.run_timestamp = frame.run_timestamp;
  ARROW_RETURN_NOT_OK(TakeColumns(frame, expression, rows, &part));
  return part;
}

arrow::Result<std::shared_ptr<arrow::Array>> EvaluateOn(const Frame& frame,
                                                        const ExpressionPtr& expression,
                                                        const Rows& rows) {
  ARROW_ASSIGN_OR_RAISE(const Frame part, TakeFrame(frame, *expression, rows));
  return Evaluator(&part).EvaluateToArray(expression);
}

/// Values of some rows after another, put in the order of all rows at the end.
class Pieces {
 public:
  explicit Pieces(int64_t num_rows) : places_(static_cast<size_t>(num_rows), kNowhere) {}

  void Add(std::shared_ptr<arrow::Array> values, const Rows& rows) {
    for (size_t i = 0; i < rows.size(); ++i) {
      places_[static_cast<size_t>(rows[i])] = length_ + static_cast<int64_t>(i);
    }
    length_ += values->length();
    values_.push_back(std::move(values));
  }

  /// Rows that got no value are NULL.
  arrow::Result<Datum> Finish(const DataTypePtr& type) const {
    if (values_.empty()) return Datum(arrow::MakeNullScalar(type));
    arrow::Int64Builder builder;
    ARROW_RETURN_NOT_OK(builder.Reserve(static_cast<int64_t>(places_.size())));
    for (const int64_t place : places_) {
      if (place == kNowhere) {
        builder.UnsafeAppendNull();
      } else {
        builder.UnsafeAppend(place);
      }
    }
    ARROW_ASSIGN_OR_RAISE(auto indices, builder.Finish());
    ARROW_ASSIGN_OR_RAISE(auto values, arrow::Concatenate(values_));
    const auto options = arrow::compute::TakeOptions::NoBoundsCheck();
    return CallArrow("array_take", {values, indices}, &options);
  }

 private:
  static constexpr int64_t kNowhere = -1;
  std::vector<int64_t> places_;
  std::vector<std::shared_ptr<arrow::Array>> values_;
  int64_t length_ = 0;
};

Rows AllRows(int64_t num_rows) {
  Rows rows(static_cast<size_t>(num_rows));
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<int64_t>(i);
  return rows;
}

arrow::Result<Datum> EvaluateCase(const Frame& frame, const Expression& call) {
  Pieces pieces(frame.num_rows);
  Rows rows = AllRows(frame.num_rows);
  const auto& branches = call.arguments;
  for (size_t i = 0; i + 1 < branches.size() && !rows.empty(); i += 2) {
    ARROW_ASSIGN_OR_RAISE(const Frame part, TakeFrame(frame, *branches[i], rows));
    std::vector<uint8_t> mask;
    ARROW_RETURN_NOT_OK(Evaluator(&part).EvaluateToMask(branches[i], &mask));
    Rows chosen, rest;
    for (size_t row = 0; row < rows.size(); ++row) {
      (mask[row] != 0 ? chosen : rest).push_back(rows[row]);
    }
    if (!chosen.empty()) {
      ARROW_ASSIGN_OR_RAISE(auto values, EvaluateOn(frame, branches[i + 1], chosen));
      pieces.Add(std::move(values), chosen);
    }
    rows = std::move(rest);
  }
  if (branches.size() % 2 == 1 && !rows.empty()) {
    ARROW_ASSIGN_OR_RAISE(auto values, EvaluateOn(frame, branches.back(), rows));
    pieces.Add(std::move(values), rows);
  }
  return pieces.Finish(call.type);
}

arrow::Result<Datum> EvaluateCoalesce(const Frame& frame, const Expression& call) {
  Pieces pieces(frame.num_rows);
  Rows rows = AllRows(frame.num_rows);
  for (const ExpressionPtr& branch : call.arguments) {
    if (rows.empty()) break;
    ARROW_ASSIGN_OR_RAISE(auto values, EvaluateOn(frame, branch, rows));
    Rows rest;
    for (size_t i = 0; i < rows.size(); ++i) {
      if (values->IsNull(static_cast<int64_t>(i))) rest.push_back(rows[i]);
    }
    pieces.Add(std::move(values), rows);
    rows = std::move(rest);
  }
  return pieces.Finish(call.type);
}

/// AND (`decisive` false) and OR (`decisive` true): a row that has met the decisive value goes no
/// further.
arrow::Result<Datum> EvaluateConnective(const Frame& frame, const Expression& call, bool decisive) {
  enum : uint8_t { kOther, kUnknown, kDecided };
  std::vector<uint8_t> states(static_cast<size_t>(frame.num_rows), kOther);
  Rows rows = AllRows(frame.num_rows);
  for (const ExpressionPtr& branch : call.arguments) {
    if (rows.empty()) break;
    ARROW_ASSIGN_OR_RAISE(auto values, EvaluateOn(frame, branch, rows));
    const auto& booleans = static_cast<const arrow::BooleanArray&>(*values);
    Rows rest;
    for (size_t i = 0; i < rows.size(); ++i) {
      const auto row = static_cast<int64_t>(i);
      uint8_t& state = states[static_cast<size_t>(rows[i])];
      if (booleans.IsNull(row)) {
        state = kUnknown;
      } else if (booleans.Value(row) == decisive) {
        state = kDecided;
        continue;
      }
      rest.push_back(rows[i]);
    }
    rows = std::move(rest);
  }
  ARROW_ASSIGN_OR_RAISE(auto validity, GenerateBits(frame.num_rows, [&](int64_t row) {
                          return states[static_cast<size_t>(row)] != kUnknown;
                        }));
  return Generate<bool>(arrow::boolean(), frame.num_rows, validity, [&](int64_t row) {
    return (states[static_cast<size_t>(row)] == kDecided) == decisive;
  });
}

}  // namespace

bool HasBranches(const Expression& call) {
  const std::string& name = call.function->name;
  return name == "case" || name == "coalesce" || name == "and" || name == "or";
}

arrow::Result<Datum> EvaluateBranches(const Frame& frame, const Expression& call) {
  const std::string& name = call.function->name;
  if (name == "case") return EvaluateCase(frame, call);
  if (name == "coalesce") return EvaluateCoalesce(frame, call);
  return EvaluateConnective(frame, call, name == "or");
}

}  // namespace tidemill
