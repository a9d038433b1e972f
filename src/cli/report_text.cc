#include "cli/report_text.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/byte_size.h"
#include "cli/console.h"
#include "cli/display_text.h"

namespace tidemill {
namespace {

constexpr int kLabelWidth = 10;
constexpr size_t kFilesShown = 4;
constexpr int kMaxCheckWidth = 60;

/// Lines of "  label     text"; a label that is repeated is left blank.
class FactList {
 public:
  void Add(const std::string& label, const std::string& text) {
    text_ +=
        fmt::format("  {}{}\n", PadRight(label == last_label_ ? "" : label, kLabelWidth), text);
    last_label_ = label;
  }
  void Add(const std::string& label, const std::vector<std::string>& parts) {
    std::string text;
    for (const std::string& part : parts) {
      if (!part.empty()) text += (text.empty() ? "" : ", ") + part;
    }
    Add(label, text);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::string last_label_;
};

std::string Verdict(const CheckResult& check, bool has_colour) {
  if (check.passed) return Painted("ok  ", Paint::kGreen, has_colour);
  if (check.severity == Severity::kWarn) return Painted("WARN", Paint::kYellow, has_colour);
  return Painted("FAIL", Paint::kRed, has_colour);
}

std::string OneLine(const std::string& text) {
  std::string line;
  for (const char c : text) {
    if (c != '\n' && c != ' ') {
      line += c;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  return line;
}

std::vector<std::string> CheckLines(const std::vector<CheckResult>& checks, bool has_colour) {
  int width = 0;
  for (const CheckResult& check : checks) {
    width = std::max(width, DisplayWidth(OneLine(check.check)));
  }
  width = std::min(width, kMaxCheckWidth);
  std::vector<std::string> lines;
  for (const CheckResult& check : checks) {
    const std::string found =
        !check.reason.empty() && check.value.empty() ? check.reason : check.value;
    std::string line =
        fmt::format("{}  {}  {}  {}", PadRight(check.stage, 6), Verdict(check, has_colour),
                    PadRight(OneLine(check.check), width), OneLine(found));
    while (line.back() == ' ') line.pop_back();
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string StatusText(const std::string& status, bool has_colour) {
  const Paint paint = status == "failed" ? Paint::kRed
                      : status == "done" ? Paint::kGreen
                                         : Paint::kYellow;
  return Painted(status, paint, has_colour);
}

void AddFiles(const RunReport& report, bool verbose, FactList* facts) {
  const size_t shown = verbose ? report.files.size() : std::min(report.files.size(), kFilesShown);
  int width = 0;
  for (size_t i = 0; i < shown; ++i) {
    width = std::max(width, DisplayWidth(report.files[i].path));
  }
  for (size_t i = 0; i < shown; ++i) {
    const PublishedFile& file = report.files[i];
    facts->Add("files", fmt::format("{}  {}  {}{}", PadRight(file.path, width),
                                    FormatCount(file.rows, "row", "rows"),
                                    FormatByteSize(file.bytes), verbose ? "  " + file.hash : ""));
  }
  if (shown < report.files.size()) {
    facts->Add("files", fmt::format("and {} more", report.files.size() - shown));
  }
}

/// "12 rows: 10 value >= 0, 3 known kind". A row may fail several rules.
std::string QuarantineText(const RunReport& report) {
  std::string rules;
  for (const RowRuleResult& rule : report.row_rules) {
    if (!rule.quarantine || rule.rows_failed == 0) continue;
    rules += fmt::format("{}{} {}", rules.empty() ? ": " : ", ", FormatCount(rule.rows_failed),
                         OneLine(rule.rule));
  }
  return FormatCount(report.rows_quarantined, "row", "rows") + rules;
}

/// "scan 0.81 s, merge 0.22 s, total 1.3 s" and how many rows that is in a second.
std::string Seconds(const RunReport& report) {
  std::string text;
  double total = 0;
  for (const auto& [stage, seconds] : report.seconds) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", stage, FormatSeconds(seconds));
    total = seconds;
  }
  if (total > 0 && report.rows_read > 0) {
    text += fmt::format(" ({} rows/s)", FormatShort(static_cast<double>(report.rows_read) / total));
  }
  return text;
}

}  // namespace

std::string JoinText(const JoinReport& join) {
  std::string text = join.path + ": " + FormatCount(join.rows, "row", "rows");
  if (join.unmatched == 0) return text + ", all with a match";
  const double share = static_cast<double>(join.unmatched) / static_cast<double>(join.rows);
  return text + fmt::format(", {} ({:.3g} %) without a match{}", FormatCount(join.unmatched),
                            share * 100, join.type == "inner" ? ", left out" : "");
}

std::string RenderRunReport(const RunReport& report, const ReportStyle& style) {
  const bool has_colour = style.has_colour;
  std::string text = fmt::format("{}  {}  {}", Painted(report.pipeline, Paint::kBold, has_colour),
                                 report.feature_date, StatusText(report.status, has_colour));
  if (!report.run_id.empty()) {
    text += "  " + Painted(fmt::format("run {}", report.run_id), Paint::kDim, has_colour);
  }
  text += "\n";

  FactList facts;
  const bool has_failed = report.status == "failed";
  if (!has_failed || report.rows_read > 0) {
    facts.Add(
        "read",
        {FormatCount(report.rows_read, "row", "rows"), FormatCount(report.days_read, "day", "days"),
         FormatCount(report.files_read, "file", "files"), FormatByteSize(report.bytes_read)});
  }
  if (report.rows_quarantined > 0) {
    facts.Add("set aside", QuarantineText(report));
    if (!report.quarantine.empty()) facts.Add("", report.quarantine);
  }
  if (report.rows_filtered > 0) {
    facts.Add("left out", FormatCount(report.rows_filtered, "row", "rows") + " by source.where");
  }
  for (const JoinReport& join : report.joins) facts.Add("joined", JoinText(join));
  if (report.rows_dropped > 0) {
    facts.Add("dropped", FormatCount(report.rows_dropped, "row", "rows") + " without an entity");
  }
  if (!has_failed || report.entities > 0) {
    facts.Add("computed", {FormatCount(report.entities, "entity", "entities"),
                           FormatCount(report.features, "feature", "features")});
  }
  if (report.entities_entered && report.entities_left) {
    facts.Add("changed", fmt::format("{} entered, {} left since the date before",
                                     FormatCount(*report.entities_entered, "entity", "entities"),
                                     FormatCount(*report.entities_left)));
  }
  for (const std::string& line : CheckLines(report.checks, has_colour)) facts.Add("checks", line);
  if (has_failed) {
    facts.Add("written", "nothing; the table is as it was before");
  } else {
    facts.Add("written", {FormatCount(report.rows_written, "row", "rows"),
                          FormatCount(static_cast<int64_t>(report.files.size()), "file", "files"),
                          FormatByteSize(report.bytes_written)});
    AddFiles(report, style.verbose, &facts);
  }
  if (report.spilled_bytes > 0) {
    facts.Add("spilled", FormatByteSize(report.spilled_bytes) + " to the scratch folder");
  }
  if (report.io_retries > 0) {
    facts.Add("retried", FormatCount(report.io_retries, "read", "reads") + " that had failed");
  }
  if (!report.seconds.empty()) facts.Add("time", Seconds(report));
  return text + facts.text();
}

std::string RenderPlanReport(const PlanReport& report, const ReportStyle& style) {
  std::string text =
      fmt::format("plan of {}\n", Painted(report.pipeline, Paint::kBold, style.has_colour));
  FactList facts;
  facts.Add("source", report.source);
  facts.Add("output", report.output);
  facts.Add("days", fmt::format("{} .. {}, of which {} in the source", report.first_day,
                                report.last_day, FormatCount(report.days_read)));
  const auto pruned = [](int64_t count) {
    return count > 0 ? fmt::format(" ({} skipped)", FormatCount(count)) : "";
  };
  facts.Add("read", {FormatCount(report.rows_read, "row", "rows"),
                     FormatCount(report.files_read, "file", "files") + pruned(report.files_pruned),
                     FormatCount(report.row_groups_read, "row group", "row groups") +
                         pruned(report.row_groups_pruned),
                     FormatByteSize(report.bytes_read),
                     report.passes == 1 ? "one pass" : fmt::format("{} passes", report.passes)});
  facts.Add("columns", report.columns);
  for (const PlannedDimension& dimension : report.dimensions) {
    facts.Add("joins", {dimension.path, FormatCount(dimension.rows, "row", "rows"),
                        FormatByteSize(dimension.bytes),
                        "about " + FormatByteSize(dimension.memory_bytes) + " of memory"});
  }
  if (report.rows_expected >= 0) {
    facts.Add("write", {"about " + FormatCount(report.rows_expected, "row", "rows"),
                        FormatCount(report.files_expected, "file", "files")});
  }
  facts.Add("memory", "about " + FormatByteSize(report.memory_bytes));
  for (const PlannedDate& date : report.dates) {
    const Paint paint = date.status == "done"     ? Paint::kGreen
                        : date.status == "failed" ? Paint::kRed
                                                  : Paint::kYellow;
    facts.Add("dates", fmt::format("{}  {}{}", date.feature_date,
                                   Painted(date.status, paint, style.has_colour),
                                   date.reason.empty() ? "" : "  " + OneLine(date.reason)) +
                           (date.is_picked ? "" : "  (left out)"));
  }
  return text + facts.text();
}

std::string RenderChecks(const std::vector<CheckResult>& checks, const ReportStyle& style) {
  std::string text;
  for (const std::string& line : CheckLines(checks, style.has_colour)) text += "  " + line + "\n";
  return text;
}

std::string ExplainCheck(const CheckResult& check) {
  const std::string what = check.stage == "rows" ? "row rule" : check.stage + " check";
  std::string text = fmt::format("{} failed: {}", what, OneLine(check.check));
  std::string found = OneLine(check.value);
  if (!check.reason.empty()) found += (found.empty() ? "" : "; ") + OneLine(check.reason);
  if (!found.empty()) text += fmt::format(" ({})", found);
  return text;
}

}  // namespace tidemill
