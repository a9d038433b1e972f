#pragma once

/// The binder: one syntax tree -> one typed expression. Used through BindExpression
/// (sql/expression.h).
///
/// Binding goes bottom-up, one method per kind of node. At each node the arguments are bound first;
/// then the function's resolver, which sees their types and constants, says which types it wants,
/// and casts are put where they differ. Constants are computed at once, so a text that is no date
/// fails here, with its place, and not in the middle of a run.
///
/// Where a node stands decides what its names mean. A row expression sees the rows. A feature sees
/// the results (entity columns and features), and the rows only inside of aggregates: these are the
/// two levels of a GROUP BY. Mixing them up is the most frequent mistake, so each side's errors
/// look into the other.

#include <memory>
#include <string>
#include <vector>

#include "sql/expression.h"
#include "sql/function_registry.h"

namespace tidemill {

class Binder {
 public:
  Binder(const ParsedExpression& parsed, const BindScope& scope)
      : parsed_(parsed),
        scope_(scope),
        place_(scope.results == nullptr ? Place::kRows : Place::kResults) {}

  arrow::Result<BoundExpression> Bind();

 private:
  /// What the names of a node refer to.
  enum class Place { kRows, kAggregate, kResults };

  arrow::Result<ExpressionPtr> BindNode(const SyntaxNode& node);
  arrow::Result<ExpressionPtr> BindKind(const SyntaxNode& node);
  arrow::Result<ExpressionPtr> Literal(const SyntaxNode& node,
                                       arrow::Result<std::shared_ptr<arrow::Scalar>> value);
  arrow::Result<ExpressionPtr> BindCast(const SyntaxNode& node);

  // Names: binder_names.cc.
  arrow::Result<ExpressionPtr> BindColumn(const SyntaxNode& node);
  arrow::Result<ExpressionPtr> RunValue(const SyntaxNode& node, Expression::Kind kind,
                                        const std::string& name,
                                        std::shared_ptr<arrow::DataType> type);
  arrow::Status AmbiguousColumn(const SyntaxNode& node, const arrow::Schema& schema) const;
  arrow::Status UnknownColumn(const SyntaxNode& node) const;
  arrow::Status UnknownFunction(const SyntaxNode& node, const std::string& name) const;

  // Calls.
  arrow::Result<ExpressionPtr> BindCall(const SyntaxNode& node);
  arrow::Result<ExpressionPtr> BindRunTimestamp(const SyntaxNode& node);
  arrow::Status RefuseAggregateClauses(const SyntaxNode& node, const std::string& name) const;
  arrow::Result<ExpressionPtr> Call(const SyntaxNode& node, const ScalarFunction& function,
                                    std::vector<ExpressionPtr> arguments);
  arrow::Result<ExpressionPtr> Call(const SyntaxNode& node, const char* function,
                                    std::vector<ExpressionPtr> arguments);
  arrow::Status CheckArgumentCount(const SyntaxNode& node, const ScalarFunction& function,
                                   int count) const;
  /// A timestamp with time zone as one of the pipeline's zone: days and hours are that zone's,
  /// wherever the files say their instants were noted.
  arrow::Result<ExpressionPtr> InZone(const ExpressionPtr& expression) const;

  // Dates: binder_dates.cc.
  /// date or timestamp +- interval; null if neither operand is an interval.
  arrow::Result<ExpressionPtr> BindIntervalArithmetic(const SyntaxNode& node);
  /// date +- days and date - date; null for operands that are something else.
  arrow::Result<ExpressionPtr> BindDateArithmetic(const SyntaxNode& node,
                                                  const std::vector<ExpressionPtr>& operands);

  // Aggregates: binder_aggregates.cc.
  arrow::Result<ExpressionPtr> BindAggregate(const SyntaxNode& node, const std::string& name);
  arrow::Status BindParts(const SyntaxNode& node, const std::string& name, AggregateCall* call);

  arrow::Status Error(const SyntaxNode& node, std::string message, std::string hint = "") const;
  /// `status` with a place, if it is a failure that has none.
  arrow::Status At(int offset, const arrow::Status& status) const;
  arrow::Status At(const SyntaxNode& node, const arrow::Status& status) const;

  const ParsedExpression& parsed_;
  const BindScope& scope_;
  Place place_;
  int depth_ = 0;
  std::vector<AggregateCall> aggregates_;
};

}  // namespace tidemill
