#pragma once

/// Reports as people read them: aligned, one fact a line.

#include <string>
#include <vector>

#include "tidemill/plan.h"

namespace tidemill {

struct ReportStyle {
  bool has_colour = false;
  bool verbose = false;  ///< every file, and its hash
};

/// "../data/users: 1 000 rows, 12 (1.2 %) without a match"
std::string JoinText(const JoinReport& join);

std::string RenderRunReport(const RunReport& report, const ReportStyle& style);
std::string RenderPlanReport(const PlanReport& report, const ReportStyle& style);

/// One line for each check: stage, ok | WARN | FAIL, the check, what it measured.
std::string RenderChecks(const std::vector<CheckResult>& checks, const ReportStyle& style);

/// "input check failed: null_rate(user_id) <= 0.01 (null_rate(user_id) = 0.02)".
std::string ExplainCheck(const CheckResult& check);

}  // namespace tidemill
