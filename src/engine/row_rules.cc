#include "engine/row_rules.h"

#include <algorithm>
#include <set>

#include <arrow/array.h>
#include <arrow/scalar.h>
#include <fmt/format.h>

namespace tidemill {
namespace {

constexpr size_t kLongestValue = 60;

void KeepFirst(const std::vector<FailedRow>& from, std::vector<FailedRow>* into) {
  into->insert(into->end(), from.begin(), from.end());
  std::ranges::sort(*into);
  if (into->size() > kMostExamples) into->resize(kMostExamples);
}

/// A value as messages show it; long texts are cut.
arrow::Result<std::string> TextAt(const arrow::Datum& column, int64_t row) {
  std::shared_ptr<arrow::Scalar> value;
  if (column.is_scalar()) {
    value = column.scalar();
  } else {
    const auto array = column.make_array();
    ARROW_ASSIGN_OR_RAISE(value, array->GetScalar(row));
    if (value->type->id() == arrow::Type::DICTIONARY && value->is_valid) {
      ARROW_ASSIGN_OR_RAISE(value,
                            static_cast<const arrow::DictionaryScalar&>(*value).GetEncodedValue());
    }
  }
  if (!value->is_valid) return "NULL";
  const bool is_text = arrow::is_string(value->type->id());
  std::string text = value->ToString();
  if (text.size() > kLongestValue) {
    size_t end = kLongestValue;
    while (end > 0 && (static_cast<uint8_t>(text[end]) & 0xc0) == 0x80) --end;
    text = text.substr(0, end) + "...";
  }
  return is_text ? "'" + text + "'" : text;
}

arrow::Result<std::string> ContentOf(const BoundPipeline& pipeline, const Frame& frame,
                                     const ExpressionPtr& condition, int64_t row) {
  std::vector<int> columns;
  CollectColumns(condition, &columns);
  std::set<int> shown;
  std::string text;
  for (const int column : columns) {
    if (!shown.insert(column).second) continue;
    ARROW_ASSIGN_OR_RAISE(const std::string value,
                          TextAt(frame.columns[static_cast<size_t>(column)], row));
    text += (text.empty() ? "" : ", ") + pipeline.rows->field(column)->name() + " = " + value;
  }
  return text;
}

/// The first rows that fail, a few for each slot.
arrow::Status AddFailures(const BoundPipeline& pipeline, const Frame& frame, size_t rule,
                          const std::vector<uint8_t>& passed, const RowOrigins& origins,
                          RuleCountsOfSlots* counts) {
  const size_t num_rules = pipeline.row_rules.size();
  std::map<int32_t, std::vector<FailedRow>> examples;
  for (size_t i = 0; i < passed.size(); ++i) {
    if (passed[i]) continue;
    RuleCounts& of_slot = counts->slots[origins.slots[i]];
    of_slot.rules.resize(num_rules);
    ++of_slot.rules[rule].rows;
    std::vector<FailedRow>& first = examples[origins.slots[i]];
    if (first.size() == kMostExamples) continue;
    ARROW_ASSIGN_OR_RAISE(
        std::string content,
        ContentOf(pipeline, frame, pipeline.row_rules[rule].condition, static_cast<int64_t>(i)));
    first.push_back({origins.file, origins.file_rows[i], std::move(content)});
  }
  for (const auto& [slot, rows] : examples) {
    KeepFirst(rows, &counts->slots[slot].rules[rule].examples);
  }
  return arrow::Status::OK();
}

std::string Rows(int64_t count) { return fmt::format("{} {}", count, count == 1 ? "row" : "rows"); }

/// "0.25 %", with as many digits as tell the two sides of a limit apart.
std::string Percent(double share, int digits = 4) {
  return fmt::format("{:.{}g} %", share * 100, digits);
}

/// The quotient is rounded once, as a rate in a pipeline file is: 29 of 100 are not more than 0.29.
double RateOf(const RuleFailures& failures, int64_t rows_read) {
  return static_cast<double>(failures.rows) / static_cast<double>(rows_read);
}

std::string ReasonOf(const BoundRowRule& rule, const RuleFailures& failures, int64_t rows_read) {
  const double rate = RateOf(failures, rows_read);
  int digits = 4;
  while (rule.max_rate && digits < 17 && Percent(rate, digits) == Percent(*rule.max_rate, digits)) {
    ++digits;
  }
  std::string reason =
      fmt::format("fails in {} of {} ({})", failures.rows, Rows(rows_read), Percent(rate, digits));
  if (rule.max_rate) {
    reason += fmt::format(", more than max_rate {} ({})", *rule.max_rate,
                          Percent(*rule.max_rate, digits));
  }
  const char* separator = ": ";
  for (const FailedRow& row : failures.examples) {
    reason += fmt::format("{}{} row {}", separator, row.file, row.row);
    if (!row.content.empty()) reason += " (" + row.content + ")";
    separator = ", ";
  }
  if (failures.rows > static_cast<int64_t>(failures.examples.size()) &&
      !failures.examples.empty()) {
    reason += ", ...";
  }
  return reason;
}

}  // namespace

void RuleCounts::Add(const RuleCounts& other) {
  rows_quarantined += other.rows_quarantined;
  if (rules.size() < other.rules.size()) rules.resize(other.rules.size());
  for (size_t r = 0; r < other.rules.size(); ++r) {
    rules[r].rows += other.rules[r].rows;
    KeepFirst(other.rules[r].examples, &rules[r].examples);
  }
}

void RuleCountsOfSlots::Add(const RuleCountsOfSlots& other) {
  for (const auto& [slot, counts] : other.slots) slots[slot].Add(counts);
}

RuleCounts RuleCountsOfSlots::Sum(SlotRange range) const {
  RuleCounts sum;
  for (auto at = slots.lower_bound(range.first.index);
       at != slots.end() && at->first <= range.last.index; ++at) {
    sum.Add(at->second);
  }
  return sum;
}

bool RuleVerdicts::any_failed() const {
  return std::ranges::any_of(passed, [](const auto& mask) { return !mask.empty(); });
}

std::vector<int> ColumnsOfRules(const std::vector<BoundRowRule>& rules) {
  std::vector<int> columns;
  for (const BoundRowRule& rule : rules) CollectColumns(rule.condition, &columns);
  return columns;
}

arrow::Result<RuleVerdicts> JudgeRows(const std::vector<BoundRowRule>& rules, const Frame& frame) {
  RuleVerdicts verdicts;
  verdicts.passed.resize(rules.size());
  verdicts.num_kept = frame.num_rows;
  Evaluator evaluator(&frame);
  for (size_t r = 0; r < rules.size(); ++r) {
    std::vector<uint8_t> mask;
    auto passed = evaluator.EvaluateToMask(rules[r].condition, &mask);
    if (!passed.ok()) return WithContext(passed.status(), "row rule '" + rules[r].name + "'");
    if (*passed == frame.num_rows) continue;
    if (rules[r].quarantine) {
      if (verdicts.kept.empty()) verdicts.kept.assign(mask.size(), 1);
      for (size_t i = 0; i < mask.size(); ++i) verdicts.kept[i] &= mask[i];
    }
    verdicts.passed[r] = std::move(mask);
  }
  if (!verdicts.kept.empty()) verdicts.num_kept = std::ranges::count(verdicts.kept, 1);
  return verdicts;
}

arrow::Status CountFailures(const BoundPipeline& pipeline, const Frame& frame,
                            const RuleVerdicts& verdicts, const RowOrigins& origins,
                            RuleCountsOfSlots* counts) {
  for (size_t r = 0; r < verdicts.passed.size(); ++r) {
    if (verdicts.passed[r].empty()) continue;
    ARROW_RETURN_NOT_OK(AddFailures(pipeline, frame, r, verdicts.passed[r], origins, counts));
  }
  for (size_t i = 0; i < verdicts.kept.size(); ++i) {
    if (!verdicts.kept[i]) ++counts->slots[origins.slots[i]].rows_quarantined;
  }
  return arrow::Status::OK();
}

std::vector<RowRuleResult> ResultsOf(const std::vector<BoundRowRule>& rules,
                                     const RuleCounts& counts) {
  std::vector<RowRuleResult> results;
  for (size_t r = 0; r < rules.size(); ++r) {
    const int64_t failed = r < counts.rules.size() ? counts.rules[r].rows : 0;
    results.push_back({rules[r].name, rules[r].quarantine, rules[r].max_rate, failed});
  }
  return results;
}

std::vector<CheckResult> EvaluateRowRules(const std::vector<BoundRowRule>& rules,
                                          const RuleCounts& counts, int64_t rows_read) {
  std::vector<CheckResult> results;
  for (size_t r = 0; r < rules.size(); ++r) {
    const BoundRowRule& rule = rules[r];
    const RuleFailures failures = r < counts.rules.size() ? counts.rules[r] : RuleFailures{};
    CheckResult result;
    result.check = rule.name;
    result.stage = "rows";
    result.severity = rule.severity;
    result.value = fmt::format("{} of {}", failures.rows, Rows(rows_read));
    const double limit = rule.max_rate.value_or(rule.quarantine ? 1 : 0);
    result.passed = failures.rows == 0 || RateOf(failures, rows_read) <= limit;
    if (!result.passed) result.reason = ReasonOf(rule, failures, rows_read);
    results.push_back(std::move(result));
  }
  return results;
}

}  // namespace tidemill
