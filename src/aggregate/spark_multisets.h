#pragma once

/// In Spark's SQL, the functions whose state here is a multiset of values.
///
/// Spark cannot merge medians, but it can put arrays end to end: a partial result is the array of
/// the values, and the value is computed from the array of all. `{x}` and `{y}` are the arguments,
/// `{distinct}` is DISTINCT or nothing, `{filter}` a FILTER clause or nothing.

#include <optional>
#include <string>

#include <arrow/result.h>

#include "sql/expression.h"

namespace tidemill {

struct SparkMultiset {
  std::string value;   ///< what goes into the array for a row
  std::string result;  ///< of the array {a}, which may be mentioned more than once
};

/// Nothing for functions of another kind. `name` is the function's own, not an alias.
std::optional<SparkMultiset> SparkMultisetOf(const std::string& name, const AggregateCall& call);

/// `result` for one array expression.
std::string OfArray(const SparkMultiset& multiset, const std::string& array);

}  // namespace tidemill
