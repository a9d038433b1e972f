#include "runner/date_input.h"

namespace tidemill {
namespace {

SlotRange WindowOf(const Plan& plan, size_t date) {
  return plan.strata.WindowSlots(date, plan.strata.Longest(date));
}

}  // namespace

int64_t RowsReadOf(const Plan& plan, const ScanCounts& counts, size_t date) {
  const SlotRange window = WindowOf(plan, date);
  int64_t rows = 0;
  for (Slot slot = window.first; slot <= window.last; slot = slot + 1) {
    rows += counts.rows_of_slot[static_cast<size_t>(slot - plan.strata.slots().first)];
  }
  return rows;
}

RuleCounts RuleCountsOf(const Plan& plan, const ScanCounts& counts, size_t date) {
  return counts.rules.Sum(WindowOf(plan, date));
}

std::vector<CheckResult> CheckInputOf(const Plan& plan, const ScanSummary& scan, size_t date,
                                      const PreviousValues& previous) {
  const BoundPipeline& pipeline = *plan.pipeline;
  std::vector<CheckResult> results =
      EvaluateRowRules(pipeline.row_rules, RuleCountsOf(plan, scan.counts, date),
                       RowsReadOf(plan, scan.counts, date));
  const auto checks =
      EvaluateChecks(pipeline.input_checks, scan.input_metrics[date], "input", previous);
  results.insert(results.end(), checks.begin(), checks.end());
  return results;
}

}  // namespace tidemill
