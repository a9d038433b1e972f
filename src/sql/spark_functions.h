#pragma once

/// How Spark 4 says the functions, operators and casts that it does not say as everybody does, so
/// that they give what they give here. The text is for a session with these settings:
///
///     spark.sql.ansi.enabled                            true    errors where there are errors here
///     spark.sql.decimalOperations.allowPrecisionLoss    false   decimals keep their places
///     spark.sql.session.timeZone                        the pipeline's zone
///     spark.sql.variable.substitute                     false   "${...}" stays as it is written
///
/// Known differences, all at the edges: text whose case has special rules (the Turkish dotted I, a
/// final sigma); texts that one parser takes for a number or a time and the other refuses; what
/// Spark computes in double precision is within 1e-9, not equal.

#include <optional>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "sql/expression.h"
#include "sql/function_registry.h"
#include "sql/sql_fragment.h"

namespace tidemill {

/// The text of `call` with these arguments; nothing for operators that every dialect writes alike.
/// An error (kInvalid) for what Spark cannot compute alike.
arrow::Result<std::optional<Fragment>> SparkCall(const Expression& call,
                                                 const std::vector<Fragment>& arguments,
                                                 const std::string& session_zone);

// The families, one per file.

/// A call as its writers see it.
struct SparkArguments {
  const Expression& call;
  const std::vector<Fragment>& fragments;
  const std::string& session_zone;

  const std::string& name() const { return call.function->name; }
  size_t size() const { return fragments.size(); }
  const arrow::DataType& type(size_t i) const { return *call.arguments[i]->type; }
  /// The value of a constant argument; null if it is none, or NULL.
  const arrow::Scalar* literal(size_t i) const;
  /// `spelling` with the arguments filled in.
  Fragment Filled(const std::string& spelling) const {
    return CallFragment(Fill(spelling, fragments));
  }
};

using SparkWriter = arrow::Result<Fragment> (*)(const SparkArguments&);

/// The writer of a date or time function; null if there is none of that name.
SparkWriter FindSparkTimeWriter(const std::string& name);

arrow::Result<Fragment> SparkCast(const SparkArguments& arguments);
arrow::Result<Fragment> SparkLike(const SparkArguments& arguments);
arrow::Result<Fragment> SparkRegex(const SparkArguments& arguments);

/// `pattern` (RE2) as a regular expression of Java that matches the same; an error where there may
/// be none.
arrow::Result<std::string> ToJavaRegex(std::string_view pattern);

}  // namespace tidemill
