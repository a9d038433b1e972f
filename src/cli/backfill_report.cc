#include "cli/backfill_report.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/byte_size.h"
#include "cli/console.h"
#include "cli/display_text.h"
#include "cli/text_table.h"
#include "table/run_id.h"

namespace tidemill {
namespace {

constexpr int kMaxCell = 70;
/// More dates than this are summed up; --json and -v give all.
constexpr size_t kDatesShown = 40;

Paint PaintOf(const std::string& status) {
  if (status == "done") return Paint::kGreen;
  if (status == "failed" || status == "taken") return Paint::kRed;
  return status == "skipped" || status == "missing" ? Paint::kDim : Paint::kYellow;
}

/// "28 done, 2 failed", in the order in which states first appear.
template <typename Dates>
std::string CountStates(const Dates& dates, bool has_colour) {
  std::vector<std::pair<std::string, int64_t>> counts;
  for (const auto& date : dates) {
    auto found = std::find_if(counts.begin(), counts.end(),
                              [&](const auto& count) { return count.first == date.status; });
    if (found == counts.end()) found = counts.insert(counts.end(), {date.status, 0});
    ++found->second;
  }
  std::string text;
  for (const auto& [status, count] : counts) {
    text += (text.empty() ? "" : ", ") +
            Painted(FormatCount(count) + " " + status, PaintOf(status), has_colour);
  }
  return text.empty() ? "no dates" : text;
}

/// One letter per date, runs of ten parted by a blank.
std::string Calendar(const std::vector<DateState>& dates, bool has_colour) {
  static const std::map<std::string, std::string> kLetters = {{"done", "#"},    {"empty", "o"},
                                                              {"missing", "."}, {"stale", "~"},
                                                              {"failed", "x"},  {"changed", "c"}};
  std::string line;
  for (size_t i = 0; i < dates.size(); ++i) {
    if (i > 0 && i % 10 == 0) line += " ";
    line += Painted(kLetters.at(dates[i].status), PaintOf(dates[i].status), has_colour);
  }
  return line;
}

}  // namespace

Json ToJson(const BackfillReport& report) {
  Json json;
  json["run_id"] = report.run_id;
  json["pipeline"] = report.pipeline;
  json["status"] = report.status;
  if (!report.outcome.ok()) json["error"] = ErrorJson(report.outcome);
  json["passes"] = report.passes;
  json["rows_read"] = report.rows_read;
  json["rows_quarantined"] = report.rows_quarantined;
  if (!report.quarantine.empty()) json["quarantine"] = report.quarantine;
  json["rows_written"] = report.rows_written;
  AddVolumes(report, &json);
  json["dates"] = Json::array();
  for (const DateReport& date : report.dates) {
    Json one = DateJson(date);
    one["rows_quarantined"] = date.rows_quarantined;
    one["rows_written"] = date.rows_written;
    one["bytes_written"] = date.bytes_written;
    one["row_rules"] = ToJson(date.row_rules);
    one["checks"] = ToJson(date.checks);
    one["files"] = date.files.size();
    json["dates"].push_back(std::move(one));
  }
  json["warnings"] = report.warnings;
  json["seconds"] = SecondsJson(report.seconds);
  return json;
}

Json ToJson(const StatusReport& report) {
  Json json;
  json["pipeline"] = report.pipeline;
  json["output"] = report.output;
  json["dates"] = Json::array();
  for (const DateState& date : report.dates) {
    Json one = DateJson(date);
    one["changed_days"] = date.changed_days;
    one["run_id"] = date.run_id;
    one["rows"] = date.rows;
    one["published_at"] = date.published_at == 0 ? Json() : Json(FormatInstant(date.published_at));
    json["dates"].push_back(std::move(one));
  }
  return json;
}

std::string RenderBackfillReport(const BackfillReport& report, const ReportStyle& style) {
  TextTable table;
  table.headers = {"date", "status", "rows", "bytes", "reason"};
  table.right_aligned = {false, false, true, true, false};
  const bool is_long = report.dates.size() > kDatesShown && !style.verbose;
  for (const DateReport& date : report.dates) {
    if (is_long && date.status == "done") continue;
    table.rows.push_back({date.feature_date, date.status, FormatCount(date.rows_written),
                          FormatByteSize(date.bytes_written), Printable(date.reason)});
  }
  std::string text =
      fmt::format("{}  {} to {}  run {}\n", report.pipeline, report.dates.front().feature_date,
                  report.dates.back().feature_date, report.run_id);
  if (!table.rows.empty()) text += RenderTable(table, kMaxCell, style.has_colour);
  double total = 0;
  std::string stages;
  for (const auto& [stage, seconds] : report.seconds) {
    stages += (stages.empty() ? "" : ", ") + fmt::format("{} {:.3g} s", stage, seconds);
    total = seconds;
  }
  const double rate = total > 0 ? static_cast<double>(report.rows_read) / total : 0;
  text += fmt::format("  {}\n", CountStates(report.dates, style.has_colour));
  text += fmt::format(
      "  {} read in {}, {}; {} written, {}\n", FormatCount(report.rows_read, "row", "rows"),
      FormatCount(report.passes, "pass", "passes"), FormatByteSize(report.bytes_read),
      FormatCount(report.rows_written, "row", "rows"), FormatByteSize(report.bytes_written));
  for (const JoinReport& join : report.joins) text += "  joined " + JoinText(join) + "\n";
  if (report.rows_quarantined > 0) {
    text += fmt::format("  {} set aside{}\n", FormatCount(report.rows_quarantined, "row", "rows"),
                        report.quarantine.empty() ? "" : ": " + report.quarantine);
  }
  if (report.spilled_bytes > 0) {
    text +=
        fmt::format("  {} went through the scratch folder\n", FormatByteSize(report.spilled_bytes));
  }
  if (report.io_retries > 0) {
    text += fmt::format("  {} failed and succeeded when tried again\n",
                        FormatCount(report.io_retries, "read", "reads"));
  }
  return text + fmt::format("  {} ({:.3g} M rows/s)\n", stages, rate / 1e6);
}

std::string RenderStatusReport(const StatusReport& report, const ReportStyle& style) {
  if (report.dates.empty()) {
    return fmt::format("{}: no date was ever computed for {}\n", report.pipeline, report.output);
  }
  std::string text = fmt::format(
      "{}  {} to {}  {}\n  {}\n  {}\n", report.pipeline, report.dates.front().feature_date,
      report.dates.back().feature_date, report.output, Calendar(report.dates, style.has_colour),
      CountStates(report.dates, style.has_colour));
  TextTable table;
  table.headers = {"date", "status", "rows", "published", "reason"};
  table.right_aligned = {false, false, true, false, false};
  for (const DateState& date : report.dates) {
    const bool is_quiet = date.status == "done" || date.status == "missing";
    if (is_quiet && report.dates.size() > kDatesShown && !style.verbose) continue;
    table.rows.push_back({date.feature_date, date.status, FormatCount(date.rows),
                          date.published_at == 0 ? "" : FormatInstant(date.published_at),
                          Printable(date.reason)});
  }
  return table.rows.empty() ? text : text + RenderTable(table, kMaxCell, style.has_colour);
}

}  // namespace tidemill
