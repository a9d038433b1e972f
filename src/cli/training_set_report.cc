#include "cli/training_set_report.h"

#include <fmt/format.h>

#include "base/byte_size.h"
#include "cli/console.h"
#include "cli/display_text.h"

namespace tidemill {
namespace {

constexpr int kLabelWidth = 10;

std::string Line(const std::string& label, const std::string& text) {
  return fmt::format("  {}{}\n", PadRight(label, kLabelWidth), text);
}

/// "3 d 4 h", "2 h 10 min", "45 s".
std::string FormatAge(double seconds) {
  constexpr int64_t kMinute = 60;
  constexpr int64_t kHour = 60 * kMinute;
  constexpr int64_t kDay = 24 * kHour;
  const auto whole = static_cast<int64_t>(seconds);
  if (whole >= kDay) return fmt::format("{} d {} h", whole / kDay, whole % kDay / kHour);
  if (whole >= kHour) return fmt::format("{} h {} min", whole / kHour, whole % kHour / kMinute);
  if (whole >= kMinute) return fmt::format("{} min", whole / kMinute);
  return fmt::format("{} s", whole);
}

std::string RenderFeatures(const TrainingSetFeatures& features, const TrainingSetReport& report,
                           const ReportStyle& style) {
  const bool is_exact = report.mode == "exact";
  std::string text = fmt::format(
      "{}  {}\n", Painted(features.pipeline, Paint::kBold, style.has_colour), features.table);
  std::string read = FormatCount(features.rows_read, "row", "rows");
  if (!is_exact) read += ", " + FormatCount(features.dates_read, "date", "dates");
  read += fmt::format(", {}, {}", FormatCount(features.files_read, "file", "files"),
                      FormatByteSize(features.bytes_read));
  if (!features.first_date.empty()) {
    read += fmt::format("; {} .. {}", features.first_date, features.last_date);
  }
  text += Line("read", read);
  const double share = report.labels == 0 ? 0
                                          : 100.0 * static_cast<double>(features.matched) /
                                                static_cast<double>(report.labels);
  text += Line("matched", fmt::format("{} of {} ({:.1f} %), {}", FormatCount(features.matched),
                                      FormatCount(report.labels, "label", "labels"), share,
                                      FormatCount(features.features, "feature", "features")));
  if (features.ages) {
    const auto& [least, median, most] = *features.ages;
    text += Line("ages", fmt::format("{} at least, {} median, {} at most", FormatAge(least),
                                     FormatAge(median), FormatAge(most)));
  }
  const auto add_gap = [&](int64_t count, const std::string& cause) {
    if (count > 0) text += Line("without", FormatCount(count, "label", "labels") + ": " + cause);
  };
  add_gap(features.no_time, fmt::format("{} is NULL", report.label_time));
  add_gap(features.no_entity, "the entity is NULL");
  add_gap(features.no_date, "no feature date was published before");
  add_gap(features.too_old, "the last feature date before is too old");
  add_gap(features.no_row, is_exact ? "no event of the entity in its window"
                                    : "the entity has no row at the feature date");
  if (features.spilled_bytes > 0) {
    text += Line("spilled", FormatByteSize(features.spilled_bytes) + " to the scratch folder");
  }
  return text;
}

}  // namespace

Json ToJson(const TrainingSetReport& report) {
  Json json;
  json["labels_path"] = report.labels_path;
  json["label_time"] = report.label_time;
  json["mode"] = report.mode;
  json["out"] = report.out;
  json["labels"] = report.labels;
  json["columns"] = report.columns;
  json["pipelines"] = Json::array();
  for (const TrainingSetFeatures& features : report.pipelines) {
    Json one;
    one["pipeline"] = features.pipeline;
    one["table"] = features.table;
    one["features"] = features.features;
    one["entities"] = features.entities;
    one["matched"] = features.matched;
    one["without_features"] = {{"no_time", features.no_time},
                               {"no_entity", features.no_entity},
                               {"no_date", features.no_date},
                               {"too_old", features.too_old},
                               {"no_row", features.no_row}};
    one["age_seconds"] = Json();
    if (features.ages) {
      const auto& [least, median, most] = *features.ages;
      one["age_seconds"] = {{"min", least}, {"median", median}, {"max", most}};
    }
    one["first_date"] = features.first_date;
    one["last_date"] = features.last_date;
    one["dates_read"] = features.dates_read;
    one["files_read"] = features.files_read;
    one["rows_read"] = features.rows_read;
    one["bytes_read"] = features.bytes_read;
    one["spilled_bytes"] = features.spilled_bytes;
    json["pipelines"].push_back(std::move(one));
  }
  json["files_written"] = report.files_written;
  json["bytes_written"] = report.bytes_written;
  json["peak_memory"] = report.peak_memory;
  json["seconds"] = SecondsJson(report.seconds);
  json["warnings"] = report.warnings;
  return json;
}

std::string RenderTrainingSetReport(const TrainingSetReport& report, const ReportStyle& style) {
  std::string text;
  for (const TrainingSetFeatures& features : report.pipelines) {
    text += RenderFeatures(features, report, style);
  }
  if (!report.out.empty()) {
    text += fmt::format("{}\n", Painted(report.out, Paint::kBold, style.has_colour));
    text += Line("written", fmt::format("{}, {}, {}, {}", FormatCount(report.labels, "row", "rows"),
                                        FormatCount(static_cast<int64_t>(report.columns.size()),
                                                    "column", "columns"),
                                        FormatCount(report.files_written, "file", "files"),
                                        FormatByteSize(report.bytes_written)));
  }
  std::string times;
  for (const auto& [stage, seconds] : report.seconds) {
    times += fmt::format("{}{} {}", times.empty() ? "" : ", ", stage, FormatSeconds(seconds));
  }
  return text + Line("time", times);
}

}  // namespace tidemill
