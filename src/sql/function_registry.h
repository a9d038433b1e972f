#pragma once

/// All scalar functions and operators by name, with their types, kernels and documentation.
///
/// Operators and special forms are functions too: "+", "=", "and", "is_null", "case", "cast", "in",
/// "like", ... A call of a `ScalarFunction` with resolved arguments is the only kind of computation
/// that an expression has.

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <arrow/datum.h>
#include <arrow/result.h>
#include <arrow/type.h>

namespace tidemill {

struct Expression;

struct ScalarFunctionDoc {
  std::string signature;  ///< "date_trunc(unit, t)"; empty: an operator or form that the reference
                          ///< lists by syntax
  std::string summary;
  std::string example;  ///< an expression
  std::string result;   ///< what the example gives
};

/// What a function makes of its arguments' types: the types that it wants (arguments are cast to
/// them by the binder) and the type that it gives.
struct ScalarSignature {
  std::vector<std::shared_ptr<arrow::DataType>> arguments;
  std::shared_ptr<arrow::DataType> result;
};

/// An argument as the resolver sees it. `literal` is the value if it is a constant (a unit name, a
/// pattern), else null. The type of an untyped NULL is arrow::null().
struct ArgumentInfo {
  std::shared_ptr<arrow::DataType> type;
  std::shared_ptr<arrow::Scalar> literal;
};

struct CallContext {
  const Expression* call = nullptr;  ///< result type and name; argument literals
  int64_t num_rows = 0;              ///< rows of array arguments
};

class ScalarFunction {
 public:
  std::string name;  ///< lower case, or the operator
  std::vector<std::string> aliases = {};
  int min_arguments = 0;
  int max_arguments = 0;  ///< -1: any number
  ScalarFunctionDoc doc = {};
  /// NULL in any argument gives NULL (lets the evaluator skip work); false for coalesce, case, and,
  /// or, is_null, ...
  bool null_in_null_out = true;
  /// Chooses argument and result types; an error message without position if there are none, which
  /// says what types it got: "date_trunc(text, bigint): the second argument must be a date or a
  /// timestamp".
  std::function<arrow::Result<ScalarSignature>(const std::vector<ArgumentInfo>&)> resolve;
  /// Computes. Arguments are plain arrays of context.num_rows values or scalars, of the resolved
  /// types; the result is an array of that length or a scalar. Must be thread-safe.
  std::function<arrow::Result<arrow::Datum>(const std::vector<arrow::Datum>&, const CallContext&)>
      evaluate;
  /// Spelling in DuckDB, "{0}" standing for the first argument, "{*}" for all, comma-separated.
  /// Empty: name({*}).
  std::string duckdb = {};
};

class ScalarRegistry {
 public:
  static const ScalarRegistry& Default();

  const ScalarFunction* Find(
      const std::string& lower_name) const;              ///< by name or alias; null if none
  std::vector<const ScalarFunction*> functions() const;  ///< in registration order
  std::vector<std::string> Names() const;                ///< of functions with a doc signature

  void Add(ScalarFunction function);

 private:
  std::vector<std::unique_ptr<ScalarFunction>> functions_;
  std::unordered_map<std::string, const ScalarFunction*> by_name_;
};

// One per file of functions.
void RegisterComparisons(ScalarRegistry* registry);  // = <> < <= > >=, is [not] distinct from, in
void RegisterLogic(
    ScalarRegistry* registry);  // and or not, is [not] null, is [not] true, is [not] false
void RegisterConditionals(ScalarRegistry* registry);  // case coalesce nullif greatest least
void RegisterArithmetic(ScalarRegistry* registry);    // + - * / % unary -
void RegisterMath(ScalarRegistry* registry);  // abs round floor ceil ln log10 exp sqrt power sign
void RegisterStrings(ScalarRegistry* registry);  // lower upper length trim substring replace ... ||
void RegisterPatterns(ScalarRegistry* registry);  // like ilike regexp_matches
void RegisterTimes(ScalarRegistry* registry);     // extract date_trunc year..second epoch
void RegisterDates(ScalarRegistry* registry);  // datediff date_add add_days make_date to_timestamp
void RegisterCasts(ScalarRegistry* registry);  // cast
void RegisterLists(ScalarRegistry* registry);  // cardinality element_at

/// Whether values of type `from` can be cast to `to`, and if not why ("there is no cast from text
/// to bytea").
arrow::Status CheckCast(const arrow::DataType& from, const arrow::DataType& to);

/// PostgreSQL's name of a type, for messages: "bigint", "text", "timestamp".
std::string TypeName(const arrow::DataType& type);

/// The type that two operands share (numeric promotion, date with timestamp, string sizes; NULL
/// takes the other); null if there is none.
std::shared_ptr<arrow::DataType> CommonType(const std::shared_ptr<arrow::DataType>& a,
                                            const std::shared_ptr<arrow::DataType>& b);

}  // namespace tidemill
