#include <charconv>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/byte_size.h"
#include "cli/command.h"
#include "cli/display_text.h"
#include "cli/text_table.h"
#include "table/run_id.h"
#include "tidemill/table.h"

namespace tidemill {
namespace {

constexpr int kMaxCell = 60;

struct TableFlags {
  std::string path;
  int64_t limit = 20;
  bool apply = false;
  bool force = false;
  std::string retention;
  OutputFlags output;
};

Json RunsJson(const std::vector<RunRecord>& runs) {
  Json json = Json::array();
  for (const RunRecord& run : runs) {
    Json one;
    one["run_id"] = run.run_id;
    one["command"] = run.command;
    one["pipeline"] = run.pipeline;
    one["status"] = run.status;
    one["reason"] = run.reason;
    one["started_at"] = FormatInstant(run.started_at);
    one["finished_at"] = FormatInstant(run.finished_at);
    one["rows_read"] = run.rows_read;
    one["rows_quarantined"] = run.rows_quarantined;
    one["bytes_written"] = run.bytes_written;
    one["dates"] = Json::array();
    for (const RunRecord::Date& date : run.dates) {
      Json of_date = DateJson(date);
      of_date["rows_written"] = date.rows_written;
      one["dates"].push_back(std::move(of_date));
    }
    json.push_back(std::move(one));
  }
  return json;
}

Json VersionsJson(const std::vector<TableVersion>& versions) {
  Json json = Json::array();
  for (const TableVersion& version : versions) {
    json.push_back({{"version", version.version},
                    {"committed_at", FormatInstant(version.committed_at)},
                    {"operation", version.operation},
                    {"engine", version.engine},
                    {"predicate", version.predicate},
                    {"files_added", version.files_added},
                    {"files_removed", version.files_removed}});
  }
  return json;
}

/// Keeps the newest ones.
template <typename T>
void Limit(int64_t limit, std::vector<T>* list) {
  if (limit > 0 && list->size() > static_cast<size_t>(limit)) {
    list->erase(list->begin(), list->end() - limit);
  }
}

TextTable RunsTable(const std::vector<RunRecord>& runs) {
  TextTable table;
  table.headers = {"started",   "command",   "dates",   "status",
                   "rows read", "set aside", "written", "reason"};
  table.right_aligned = {false, false, false, false, true, true, true, false};
  for (const RunRecord& run : runs) {
    std::string dates = run.dates.empty() ? "" : run.dates.front().feature_date;
    if (run.dates.size() > 1) dates += " .. " + run.dates.back().feature_date;
    table.rows.push_back({FormatInstant(run.started_at), run.command, dates, run.status,
                          FormatCount(run.rows_read), FormatCount(run.rows_quarantined),
                          FormatByteSize(run.bytes_written), Printable(run.reason)});
  }
  return table;
}

TextTable VersionsTable(const std::vector<TableVersion>& versions) {
  TextTable table;
  table.headers = {"version", "committed", "operation", "engine", "added", "removed", "where"};
  table.right_aligned = {true, false, false, false, true, true, false};
  for (const TableVersion& version : versions) {
    table.rows.push_back({std::to_string(version.version), FormatInstant(version.committed_at),
                          Printable(version.operation), Printable(version.engine),
                          FormatCount(version.files_added), FormatCount(version.files_removed),
                          Printable(version.predicate)});
  }
  return table;
}

/// "7d", "12h", "0h" in milliseconds.
arrow::Result<int64_t> ParseRetention(const std::string& text) {
  if (text.empty()) return -1;
  int64_t count = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view unit(rest, static_cast<size_t>(text.data() + text.size() - rest));
  if (error == std::errc() && count >= 0 && unit == "d") return count * 86'400'000;
  if (error == std::errc() && count >= 0 && unit == "h") return count * 3'600'000;
  return MakeError(ErrorCode::kInvalid, fmt::format("--retention: '{}' is no length of time", text),
                   "write days or hours, as in 7d or 12h");
}

int History(const TableFlags& flags, const CommandContext& context) {
  Session session(context, flags.output);
  auto history = TableHistory(flags.path);
  if (!history.ok()) return session.Fail(history.status());
  Limit(flags.limit, &history->runs);
  Limit(flags.limit, &history->versions);
  const bool has_colour = session.style().has_colour;
  std::string text = history->runs.empty()
                         ? "no run is recorded\n"
                         : RenderTable(RunsTable(history->runs), kMaxCell, has_colour);
  Json json = {{"runs", RunsJson(history->runs)}};
  if (!history->versions.empty()) {
    text += "\n" + RenderTable(VersionsTable(history->versions), kMaxCell, has_colour);
    json["versions"] = VersionsJson(history->versions);
  }
  session.PrintResult(text, json);
  return 0;
}

int Vacuum(const TableFlags& flags, const CommandContext& context) {
  Session session(context, flags.output);
  VacuumOptions options;
  options.apply = flags.apply;
  options.force = flags.force;
  const auto retention = ParseRetention(flags.retention);
  if (!retention.ok()) return session.Fail(retention.status());
  options.retention_ms = *retention;
  const auto leftovers = VacuumTable(flags.path, options);
  if (!leftovers.ok()) return session.Fail(leftovers.status());
  Json json;
  json["applied"] = flags.apply;
  json["leftovers"] = Json::array();
  std::string text;
  for (const Leftover& leftover : *leftovers) {
    json["leftovers"].push_back(
        {{"path", leftover.path}, {"kind", leftover.kind}, {"bytes", leftover.bytes}});
    text += fmt::format("{}  {}  {}\n", leftover.kind, FormatByteSize(leftover.bytes),
                        Printable(leftover.path));
  }
  if (leftovers->empty()) {
    text = "nothing is left over\n";
  } else {
    text += flags.apply ? "cleaned up\n" : "nothing was touched; --apply cleans up\n";
  }
  session.PrintResult(text, json);
  return 0;
}

}  // namespace

void AddTableCommand(CLI::App* program, std::vector<Command>* commands) {
  CLI::App* table = program->add_subcommand("table", "Look after a table of features");
  table->require_subcommand(1);
  auto flags = std::make_shared<TableFlags>();
  CLI::App* history =
      table->add_subcommand("history", "The runs that wrote a table, and a Delta table's versions");
  history->add_option("PATH", flags->path, "The table: a pipeline's output, or a Delta table")
      ->required()
      ->type_name("");
  history->add_option("-n", flags->limit, "Newest runs to show; 0: all")->type_name("N");
  AddOutputFlags(history, &flags->output);
  history->footer("Examples:\n  tidemill table history data/features/engagement -n 5");
  commands->push_back(
      {history, [flags](const CommandContext& context) { return History(*flags, context); }});

  AddInspectCommand(table, commands);
  AddOptimizeCommand(table, commands);

  CLI::App* vacuum = table->add_subcommand("vacuum", "Remove what nobody needs any more");
  vacuum->add_option("PATH", flags->path, "The table: a pipeline's output, or a Delta table")
      ->required()
      ->type_name("");
  vacuum->add_flag("--apply", flags->apply, "Clean up; without it, only tell");
  vacuum
      ->add_option("--retention", flags->retention,
                   "Keep files of a Delta table that were in use in this time: 7d, 12h; default: "
                   "delta.deletedFileRetentionDuration, else 7d")
      ->type_name("TIME");
  vacuum->add_flag("--force", flags->force,
                   "Allow a retention of less than an hour: surely nothing writes to the table");
  AddOutputFlags(vacuum, &flags->output);
  vacuum->footer(
      "Runs clean up after dead ones by themselves; this does it without a run. Of a Delta table\n"
      "it also removes files that no recent version uses; older versions cannot be read "
      "afterwards.\n\n"
      "Examples:\n  tidemill table vacuum data/features/engagement --apply");
  commands->push_back(
      {vacuum, [flags](const CommandContext& context) { return Vacuum(*flags, context); }});
}

}  // namespace tidemill
