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
  OutputFlags output;
};

Json HistoryJson(const std::vector<RunRecord>& runs) {
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
    one["bytes_written"] = run.bytes_written;
    one["dates"] = Json::array();
    for (const RunRecord::Date& date : run.dates) {
      Json of_date = DateJson(date);
      of_date["rows_written"] = date.rows_written;
      one["dates"].push_back(std::move(of_date));
    }
    json.push_back(std::move(one));
  }
  return {{"runs", std::move(json)}};
}

int History(const TableFlags& flags, const CommandContext& context) {
  Session session(context, flags.output);
  auto runs = TableHistory(flags.path);
  if (!runs.ok()) return session.Fail(runs.status());
  if (flags.limit > 0 && runs->size() > static_cast<size_t>(flags.limit)) {
    runs->erase(runs->begin(), runs->end() - flags.limit);
  }
  TextTable table;
  table.headers = {"started", "command", "dates", "status", "rows read", "written", "reason"};
  table.right_aligned = {false, false, false, false, true, true, false};
  for (const RunRecord& run : *runs) {
    std::string dates = run.dates.empty() ? "" : run.dates.front().feature_date;
    if (run.dates.size() > 1) dates += " .. " + run.dates.back().feature_date;
    table.rows.push_back({FormatInstant(run.started_at), run.command, dates, run.status,
                          FormatCount(run.rows_read), FormatByteSize(run.bytes_written),
                          Printable(run.reason)});
  }
  const std::string text = table.rows.empty()
                               ? "no run is recorded\n"
                               : RenderTable(table, kMaxCell, session.style().has_colour);
  session.PrintResult(text, HistoryJson(*runs));
  return 0;
}

int Vacuum(const TableFlags& flags, const CommandContext& context) {
  Session session(context, flags.output);
  const auto leftovers = VacuumTable(flags.path, flags.apply);
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
  CLI::App* history = table->add_subcommand("history", "The runs that wrote a table");
  history->add_option("PATH", flags->path, "The table: a pipeline's output")
      ->required()
      ->type_name("");
  history->add_option("-n", flags->limit, "Newest runs to show; 0: all")->type_name("N");
  AddOutputFlags(history, &flags->output);
  history->footer("Examples:\n  tidemill table history data/features/engagement -n 5");
  commands->push_back(
      {history, [flags](const CommandContext& context) { return History(*flags, context); }});

  CLI::App* vacuum = table->add_subcommand("vacuum", "Clean up after runs that died");
  vacuum->add_option("PATH", flags->path, "The table: a pipeline's output")
      ->required()
      ->type_name("");
  vacuum->add_flag("--apply", flags->apply, "Clean up; without it, only tell");
  AddOutputFlags(vacuum, &flags->output);
  vacuum->footer(
      "Runs clean up after dead ones by themselves; this does it without a run.\n\n"
      "Examples:\n  tidemill table vacuum data/features/engagement --apply");
  commands->push_back(
      {vacuum, [flags](const CommandContext& context) { return Vacuum(*flags, context); }});
}

}  // namespace tidemill
