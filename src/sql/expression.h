#pragma once

/// Typed expressions and how syntax becomes one.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <arrow/scalar.h>
#include <arrow/type.h>

#include "sql/syntax.h"

namespace tidemill {

class ScalarFunction;  // sql/function_registry.h

struct Expression;
using ExpressionPtr = std::shared_ptr<const Expression>;

/// A typed, immutable expression over the columns of a frame. Types never are dictionaries: a
/// dictionary column has the type of its values.
struct Expression {
  enum class Kind {
    kLiteral,       ///< value
    kColumn,        ///< column: index in the schema it was bound to
    kAggregate,     ///< column: index in BoundExpression::aggregates
    kFeatureDate,   ///< the date32 of the run; at grain hour its day
    kRunTimestamp,  ///< timestamp[us, UTC] of the run
    kCall,          ///< function, arguments
  };
  Kind kind = Kind::kLiteral;
  std::shared_ptr<arrow::DataType> type;
  std::shared_ptr<arrow::Scalar> value;
  int column = -1;
  std::string name;  ///< column name or function name
  const ScalarFunction* function = nullptr;
  std::vector<ExpressionPtr> arguments;
  int offset = 0;  ///< in the text it came from
  /// Canonical text: equal for expressions that compute the same thing the same way. Keys the
  /// evaluator's memo and the definition hash.
  std::string key;
};

/// An aggregate call found in an expression. Arguments and filter are bound to the rows schema.
struct AggregateCall {
  std::string function;  ///< registered name, lower case
  bool distinct = false;
  bool star = false;  ///< count(*)
  std::vector<ExpressionPtr> arguments;
  /// Arguments behind the columns: the p of a percentile, the k of top_k.
  std::vector<std::shared_ptr<arrow::Scalar>> constants;
  ExpressionPtr filter;  ///< may be null
  std::shared_ptr<arrow::DataType> type;
  int offset = 0;
  std::string key;
};

/// What the binder must know of aggregate functions; implemented by the aggregate registry, a floor
/// above.
class AggregateCatalog {
 public:
  virtual ~AggregateCatalog() = default;
  virtual bool Has(const std::string& lower_name) const = 0;
  virtual std::vector<std::string> Names() const = 0;
  /// The result type; an error message that names function and argument type (no position) if it
  /// has none.
  virtual arrow::Result<std::shared_ptr<arrow::DataType>> ResultType(
      const std::string& lower_name, bool distinct, bool star,
      const std::vector<std::shared_ptr<arrow::DataType>>& arguments,
      const std::vector<std::shared_ptr<arrow::Scalar>>& constants) const = 0;
  /// How many leading arguments are computed per row; the others must be constants. -1: all.
  virtual int NumColumns(const std::string& /*lower_name*/) const { return -1; }
  /// The type to which an argument of `type` is cast: `type` itself for most.
  virtual std::shared_ptr<arrow::DataType> ArgumentType(
      const std::string& /*lower_name*/, const std::shared_ptr<arrow::DataType>& type) const {
    return type;
  }
};

struct BindScope {
  /// Columns that row expressions (and the inside of aggregates) see.
  const arrow::Schema* rows = nullptr;
  /// Columns that the outside of aggregates sees (entity columns, features). Null: a row
  /// expression, in which aggregates are refused.
  const arrow::Schema* results = nullptr;
  const AggregateCatalog* aggregates = nullptr;
  bool feature_date = false;  ///< whether `feature_date` and `run_timestamp()` may be used
  std::string timezone = "UTC";
};

struct BoundExpression {
  ExpressionPtr root;                     ///< over `results` (or `rows`) and `aggregates`
  std::vector<AggregateCall> aggregates;  ///< deduplicated by key
};

/// Resolves names, infers types, inserts casts and folds literals. Errors (kInvalid) point into the
/// file and suggest the nearest column or function. Wall clocks and random() are refused.
arrow::Result<BoundExpression> BindExpression(const ParsedExpression& parsed,
                                              const BindScope& scope);

/// The columns that `root` mentions outside of every aggregate call, in the order of the text: in a
/// feature those that may be other features.
std::vector<ColumnMention> ColumnsOutsideAggregates(const SyntaxPtr& root,
                                                    const AggregateCatalog& aggregates);

/// `root` cast to `type`: itself if it has that type, a constant if it is one. An error (no
/// position) if there is no such cast, or none of that constant.
arrow::Result<ExpressionPtr> CastTo(const ExpressionPtr& root,
                                    const std::shared_ptr<arrow::DataType>& type);
ExpressionPtr LiteralExpression(std::shared_ptr<arrow::Scalar> value);
/// The same expression from another place in the text.
ExpressionPtr WithOffset(const ExpressionPtr& expression, int offset);
/// A dictionary type stands for the type of its values.
ExpressionPtr ColumnExpression(int index, const std::string& name,
                               const std::shared_ptr<arrow::DataType>& type);
ExpressionPtr AggregateExpression(int index, const AggregateCall& call);

/// A call of `function`, whose arguments have the types that its signature wants, with result
/// `type`. Computed at once if all arguments are constants; then an error (no position) is the
/// function's.
arrow::Result<ExpressionPtr> CallExpression(const ScalarFunction& function,
                                            std::vector<ExpressionPtr> arguments,
                                            std::shared_ptr<arrow::DataType> type, int offset);

/// Canonical text of an aggregate call: equal for calls that compute the same.
std::string KeyOf(const AggregateCall& call);

/// The index of column `name` by the rule of section 2 (exact first, then without regard to case
/// unless quoted); -1 if absent, -2 if two fit.
int FindColumn(const arrow::Schema& schema, const std::string& name, bool quoted);

/// Adds the indices of the columns that `root` reads to `columns`.
void CollectColumns(const ExpressionPtr& root, std::vector<int>* columns);

/// A copy of `root` in which `replacement` has taken the place of each column and aggregate; keys
/// above them are made anew.
ExpressionPtr ReplaceLeaves(
    const ExpressionPtr& root,
    const std::function<ExpressionPtr(const Expression& leaf)>& replacement);
bool UsesRunTimestamp(const ExpressionPtr& root);

}  // namespace tidemill
