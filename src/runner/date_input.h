#pragma once

/// The input of one date of a pass, as its scan has counted and measured it.

#include <vector>

#include "engine/evaluate_checks.h"
#include "engine/pass_engine.h"

namespace tidemill {

/// Events in the date's longest window, quarantined ones included.
int64_t RowsReadOf(const Plan& plan, const ScanCounts& counts, size_t date);

/// What row rules found among them.
RuleCounts RuleCountsOf(const Plan& plan, const ScanCounts& counts, size_t date);

/// The verdicts of row rules and input checks.
std::vector<CheckResult> CheckInputOf(const Plan& plan, const ScanSummary& scan, size_t date,
                                      const PreviousValues& previous);

}  // namespace tidemill
