#pragma once

/// The functions that only checks have, spelled out in plain aggregates before binding.

#include <string>
#include <vector>

#include "sql/syntax.h"

namespace tidemill {

/// `previous(expr)` calls found in a check, in order of appearance. Each is replaced by the quoted
/// column PreviousColumn(i).
using PreviousCalls = std::vector<SyntaxPtr>;

std::string PreviousColumn(size_t index);

/// Rewrites row_count, null_count(x), null_rate(x), contains(x, v...), unique(x...) and
/// previous(expr) of a check. Errors (kInvalid) for a wrong number of arguments and for previous
/// inside previous.
arrow::Result<SyntaxPtr> ExpandCheck(const ParsedExpression& check, PreviousCalls* previous);

/// Names of the check functions with what they mean, for the reference and for suggestions.
struct CheckFunctionDoc {
  const char* signature;
  const char* summary;
};
const std::vector<CheckFunctionDoc>& CheckFunctions();

}  // namespace tidemill
