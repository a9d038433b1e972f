#pragma once

/// Typed expressions as SQL text for another engine.

#include <functional>
#include <string>
#include <string_view>

#include <arrow/result.h>

#include "sql/expression.h"

namespace tidemill {

enum class Dialect { kDuckDb, kSpark };

/// "name" or `name`, with quotes inside doubled.
std::string QuoteName(std::string_view name, Dialect dialect);

/// 'text', so that the engine reads back the same bytes.
std::string QuoteText(std::string_view text, Dialect dialect);

/// The engine's name of a type; an error (kInvalid) for types that it does not have.
arrow::Result<std::string> TypeToSql(const arrow::DataType& type, Dialect dialect);

/// A constant of exactly that type where it matters: 1.5e0 is double precision in every dialect.
arrow::Result<std::string> LiteralToSql(const arrow::Scalar& value, Dialect dialect);

/// How the leaves of expressions are written.
struct SqlContext {
  Dialect dialect = Dialect::kDuckDb;
  /// The text of a column; empty: its quoted name.
  std::function<std::string(const Expression&)> column;
  /// The text of the aggregate of that index; it must be set if there are any.
  std::function<arrow::Result<std::string>(int index)> aggregate;
  std::string feature_date;   ///< "DATE '2026-03-02'"
  std::string run_timestamp;  ///< "TIMESTAMPTZ '2026-03-02 14:00:00+00:00'"
  /// The time zone of the session that runs the text, for dialects whose functions of timestamps go
  /// by it (Spark's).
  std::string timezone = "UTC";
};

/// The text of `expression`. Casts that binding inserted are written out, so the engine has no
/// types to guess. Errors (kInvalid) for what the dialect cannot say.
arrow::Result<std::string> ExpressionToSql(const ExpressionPtr& expression,
                                           const SqlContext& context);

/// The text of an aggregate call. `spelling` is the function's in the dialect, such as
/// "arg_max({0}, {1})"; empty: function({*}). DISTINCT goes before {0}, which then may occur only
/// once, and FILTER behind the whole, unless the spelling says {filter} where it belongs.
/// `condition`, if not empty, is one more condition that rows must meet.
arrow::Result<std::string> AggregateToSql(const AggregateCall& call, const SqlContext& context,
                                          const std::string& spelling = "",
                                          const std::string& condition = "");

}  // namespace tidemill
