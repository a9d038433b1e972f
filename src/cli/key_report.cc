#include "cli/key_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/byte_size.h"
#include "cli/cell_text.h"
#include "cli/display_text.h"
#include "cli/text_table.h"

namespace tidemill {
namespace {

constexpr int kMaxCell = 60;

std::string Percent(double share) { return fmt::format("{:.3g} %", 100 * share); }

double ShareOf(int64_t rows, int64_t all) {
  return all > 0 ? static_cast<double>(rows) / static_cast<double>(all) : 0;
}

}  // namespace

std::string RenderKeyReport(const KeyReport& report, bool has_colour) {
  std::string text = fmt::format("{}  {}", report.path, report.format);
  if (report.version) text += fmt::format(", version {}", *report.version);
  text += fmt::format("\n{}: {} in {}; {} without a key ({})\n\n",
                      Printable(fmt::format("{}", fmt::join(report.columns, ", "))),
                      FormatCount(report.distinct, "key", "keys"),
                      FormatCount(report.rows, "row", "rows"), FormatCount(report.null_rows),
                      Percent(ShareOf(report.null_rows, report.rows)));
  TextTable keys = ToTextTable(*report.hot_keys);
  keys.headers.insert(keys.headers.end(), {"rows", "share"});
  keys.right_aligned.insert(keys.right_aligned.end(), {true, true});
  for (size_t i = 0; i < report.hot.size(); ++i) {
    keys.rows[i].push_back(FormatCount(report.hot[i].rows));
    keys.rows[i].push_back(Percent(report.hot[i].share));
  }
  text += RenderTable(keys, kMaxCell, has_colour) + "\n";
  TextTable partitions;
  partitions.headers = {"partitions by key", "rows of the largest", "times the mean"};
  partitions.right_aligned = {true, true, true};
  for (const KeyPartitioning& one : report.partitionings) {
    partitions.rows.push_back({FormatCount(one.partitions), FormatCount(one.largest),
                               fmt::format("{:.2f}", one.imbalance)});
  }
  text += RenderTable(partitions, kMaxCell, has_colour);
  if (report.spilled_bytes > 0) {
    text += fmt::format("\n{} of counts went through the scratch folder\n",
                        FormatByteSize(report.spilled_bytes));
  }
  for (const std::string& advice : report.advice) text += "\n* " + Printable(advice);
  return text + "\n";
}

Json ToJson(const KeyReport& report) {
  Json json;
  json["path"] = report.path;
  json["format"] = report.format;
  if (report.version) json["version"] = *report.version;
  Json& keys = json["keys"];
  keys["columns"] = report.columns;
  keys["rows"] = report.rows;
  keys["null_rows"] = report.null_rows;
  keys["distinct"] = report.distinct;
  keys["largest_share"] = report.hot.empty() ? 0.0 : report.hot.front().share;
  keys["hot"] = ToJson(*report.hot_keys);
  for (size_t i = 0; i < report.hot.size(); ++i) {
    Json one;
    one["key"] = keys["hot"][i];
    one["rows"] = report.hot[i].rows;
    one["share"] = report.hot[i].share;
    keys["hot"][i] = std::move(one);
  }
  keys["partitionings"] = Json::array();
  for (const KeyPartitioning& one : report.partitionings) {
    keys["partitionings"].push_back(
        {{"partitions", one.partitions}, {"largest", one.largest}, {"imbalance", one.imbalance}});
  }
  keys["spilled_bytes"] = report.spilled_bytes;
  json["advice"] = report.advice;
  return json;
}

}  // namespace tidemill
