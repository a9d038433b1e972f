#pragma once

/// CASE, COALESCE, AND and OR, branch by branch: each branch is evaluated on the rows that reach it
/// and on no other, so that a guard protects what it guards: case when x <> '' then cast(x as
/// bigint) end.

#include <arrow/datum.h>
#include <arrow/result.h>

#include "sql/evaluate.h"
#include "sql/expression.h"

namespace tidemill {

/// Whether `call` is one of these forms.
bool HasBranches(const Expression& call);

/// The value of `call`, a plain array. Slower than evaluating every branch on every row; the errors
/// are those of rows that reach their branch.
arrow::Result<arrow::Datum> EvaluateBranches(const Frame& frame, const Expression& call);

}  // namespace tidemill
