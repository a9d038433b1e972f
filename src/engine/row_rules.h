#pragma once

/// Row rules: what they say of the rows of a morsel, and what is remembered of it.
///
/// Failures are counted per slot, as events are: counts of morsels add up, and each date of a pass
/// judges the slots of its own window.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/plan.h"
#include "sql/evaluate.h"
#include "tidemill/run.h"

namespace tidemill {

/// How many rows a message shows.
inline constexpr size_t kMostExamples = 3;

/// A row that failed a rule, for messages. Ordered as the rows are read: by file, then row.
struct FailedRow {
  std::string file;     ///< relative to the source
  int64_t row = 0;      ///< in the file, from 0
  std::string content;  ///< "value = -1, kind = NULL": the columns that the rule mentions

  auto operator<=>(const FailedRow&) const = default;
};

struct RuleFailures {
  int64_t rows = 0;
  std::vector<FailedRow> examples;  ///< the first few, in order
};

/// What the rules found among the events of a stretch of slots.
struct RuleCounts {
  int64_t rows_quarantined = 0;
  std::vector<RuleFailures> rules;  ///< one per BoundPipeline::row_rules; or none: no failures

  void Add(const RuleCounts& other);
};

/// The same per slot; slots without failures are absent.
struct RuleCountsOfSlots {
  std::map<int32_t, RuleCounts> slots;

  void Add(const RuleCountsOfSlots& other);
  RuleCounts Sum(SlotRange slots) const;
};

/// Which rows of a frame failed.
struct RuleVerdicts {
  /// Per rule a byte per row, 1 where the rule is TRUE; empty if it is TRUE in all rows.
  std::vector<std::vector<uint8_t>> passed;
  /// A byte per row, 0 where the row is quarantined; empty if none is.
  std::vector<uint8_t> kept;
  int64_t num_kept = 0;

  bool any_failed() const;
};

/// Evaluates all rules. The columns that they mention must be in the frame.
arrow::Result<RuleVerdicts> JudgeRows(const std::vector<BoundRowRule>& rules, const Frame& frame);

/// The columns of BoundPipeline::rows that the rules mention.
std::vector<int> ColumnsOfRules(const std::vector<BoundRowRule>& rules);

/// Where the rows of a frame come from.
struct RowOrigins {
  std::string file;                ///< relative to the source
  std::vector<int64_t> file_rows;  ///< one per row of the frame, ascending
  std::vector<int32_t> slots;      ///< likewise
};

/// Adds failures to `counts`, with examples.
arrow::Status CountFailures(const BoundPipeline& pipeline, const Frame& frame,
                            const RuleVerdicts& verdicts, const RowOrigins& origins,
                            RuleCountsOfSlots* counts);

/// The rules' part in the report of a date with these counts.
std::vector<RowRuleResult> ResultsOf(const std::vector<BoundRowRule>& rules,
                                     const RuleCounts& counts);

/// The verdicts of the rules as checks of the stage "rows": a rule has not passed if more of
/// `rows_read` rows fail than it tolerates.
std::vector<CheckResult> EvaluateRowRules(const std::vector<BoundRowRule>& rules,
                                          const RuleCounts& counts, int64_t rows_read);

}  // namespace tidemill
