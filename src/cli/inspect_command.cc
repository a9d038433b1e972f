#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/byte_size.h"
#include "cli/command.h"
#include "cli/display_text.h"
#include "cli/key_report.h"
#include "cli/text_table.h"
#include "tidemill/table.h"

namespace tidemill {
namespace {

constexpr int kMaxCell = 60;

struct InspectFlags {
  std::string path;
  std::vector<std::string> columns;
  std::string file_size = "128MB";
  std::vector<std::string> keys;
  int64_t top = 10;
  std::vector<int> partitions = {8, 64, 200};
  PipelineFlags computing;  ///< threads, memory and scratch alone
  OutputFlags output;
};

Json InspectJson(const InspectReport& report) {
  Json json;
  json["path"] = report.path;
  json["format"] = report.format;
  if (report.version) json["version"] = *report.version;
  json["partition_columns"] = report.partition_columns;
  json["partitions"] = report.partitions;
  json["files"] = report.files;
  json["rows"] = report.rows;
  json["bytes"] = report.bytes;
  json["smallest_file"] = report.smallest_file;
  json["median_file"] = report.median_file;
  json["largest_file"] = report.largest_file;
  json["tiny_files"] = report.tiny_files;
  json["row_groups"] = report.row_groups;
  json["median_group_rows"] = report.median_group_rows;
  json["deleted_rows"] = report.deleted_rows;
  json["skew"] = report.skew;
  json["largest_partitions"] = Json::array();
  for (const PartitionSize& partition : report.largest) {
    json["largest_partitions"].push_back({{"partition", partition.partition},
                                          {"files", partition.files},
                                          {"rows", partition.rows},
                                          {"bytes", partition.bytes}});
  }
  json["columns"] = Json::array();
  for (const ColumnSkipping& column : report.columns) {
    json["columns"].push_back({{"column", column.column},
                               {"type", column.type},
                               {"skipped", column.skipped < 0 ? Json() : Json(column.skipped)}});
  }
  json["advice"] = report.advice;
  return json;
}

std::string InspectText(const InspectReport& report, bool has_colour) {
  std::string text = fmt::format("{}  {}", report.path, report.format);
  if (report.version) text += fmt::format(", version {}", *report.version);
  text += fmt::format("\n{} rows in {} files, {}; {} partitions", FormatCount(report.rows),
                      FormatCount(report.files), FormatByteSize(report.bytes),
                      FormatCount(report.partitions));
  text += fmt::format("\nfiles: {} to {}, median {}; {} tiny", FormatByteSize(report.smallest_file),
                      FormatByteSize(report.largest_file), FormatByteSize(report.median_file),
                      FormatCount(report.tiny_files));
  text += fmt::format("\nrow groups: {}, median {} rows", FormatCount(report.row_groups),
                      FormatCount(report.median_group_rows));
  if (report.deleted_rows > 0) {
    text += fmt::format("\ndeleted rows still in files: {}", FormatCount(report.deleted_rows));
  }
  text +=
      fmt::format("\nskew: the largest partition is {:.1f} times the median one\n\n", report.skew);
  TextTable partitions;
  partitions.headers = {"largest partitions", "files", "rows", "bytes"};
  partitions.right_aligned = {false, true, true, true};
  for (const PartitionSize& partition : report.largest) {
    partitions.rows.push_back({Printable(partition.partition), FormatCount(partition.files),
                               FormatCount(partition.rows), FormatByteSize(partition.bytes)});
  }
  text += RenderTable(partitions, kMaxCell, has_colour) + "\n";
  TextTable columns;
  columns.headers = {"column", "type", "skipped by a reader of one value"};
  columns.right_aligned = {false, false, true};
  for (const ColumnSkipping& column : report.columns) {
    columns.rows.push_back(
        {Printable(column.column), column.type,
         column.skipped < 0 ? "no statistics" : fmt::format("{:.0f} %", 100 * column.skipped)});
  }
  text += RenderTable(columns, kMaxCell, has_colour);
  for (const std::string& advice : report.advice) text += "\n* " + advice;
  return text + (report.advice.empty() ? "\nnothing to advise\n" : "\n");
}

int InspectHotKeys(const InspectFlags& flags, Session* session) {
  KeyOptions options;
  options.columns = flags.keys;
  options.top = flags.top;
  options.partitions = flags.partitions;
  options.threads = flags.computing.threads;
  options.scratch = flags.computing.scratch;
  options.cancelled = session->cancelled();
  const auto memory = MemoryBytes(flags.computing);
  if (!memory.ok()) return session->Fail(memory.status());
  options.memory_bytes = *memory;
  const auto report = InspectKeys(flags.path, options);
  if (!report.ok()) return session->Fail(report.status());
  session->PrintResult(RenderKeyReport(*report, session->style().has_colour), ToJson(*report));
  return 0;
}

int Inspect(const InspectFlags& flags, const CommandContext& context) {
  Session session(context, flags.output);
  if (!flags.keys.empty()) return InspectHotKeys(flags, &session);
  InspectOptions options;
  options.columns = flags.columns;
  const auto size = ParseByteSize(flags.file_size);
  if (!size || *size <= 0) {
    return session.Fail(MakeError(ErrorCode::kInvalid,
                                  fmt::format("--file-size: '{}' is no size", flags.file_size),
                                  "write a number of bytes with a unit, as in 128MB"));
  }
  options.file_size = *size;
  const auto report = InspectTable(flags.path, options);
  if (!report.ok()) return session.Fail(report.status());
  session.PrintResult(InspectText(*report, session.style().has_colour), InspectJson(*report));
  return 0;
}

}  // namespace

void AddInspectCommand(CLI::App* table, std::vector<Command>* commands) {
  auto flags = std::make_shared<InspectFlags>();
  CLI::App* inspect = table->add_subcommand("inspect", "How a table is laid out, with advice");
  inspect->add_option("PATH", flags->path, "A table of Parquet files or a Delta table")
      ->required()
      ->type_name("");
  inspect
      ->add_option("--column", flags->columns,
                   "Measure how much of this column's row groups a reader skips; default: all")
      ->type_name("NAME");
  inspect->add_option("--file-size", flags->file_size, "What files should be like")
      ->type_name("SIZE");
  inspect
      ->add_option("--keys", flags->keys,
                   "In place of the layout: which keys of these columns are hot (reads them)")
      ->type_name("NAME,...")
      ->delimiter(',')
      ->allow_extra_args(false);
  inspect->add_option("--top", flags->top, "Hot keys to name (10)")
      ->type_name("N")
      ->check(CLI::Range(0, 10'000));
  inspect
      ->add_option("--partitions", flags->partitions,
                   "Numbers of partitions by key to tell the imbalance of (8,64,200)")
      ->type_name("N,...")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::Range(1, 1'000'000));
  AddThreadsFlag(inspect, &flags->computing.threads);
  inspect->add_option("--memory", flags->computing.memory, "Memory for counts of keys, as in 4GB")
      ->type_name("SIZE");
  inspect
      ->add_option("--scratch", flags->computing.scratch,
                   "Folder for counts that do not fit into memory ($TMPDIR, else /tmp)")
      ->type_name("DIR");
  AddOutputFlags(inspect, &flags->output);
  inspect->footer(
      "Examples:\n"
      "  tidemill table inspect data/features/engagement --column user_id\n"
      "  tidemill table inspect data/events --keys user_id\n"
      "  tidemill table inspect data/events --keys country,product_id --top 20 --partitions 400");
  commands->push_back(
      {inspect, [flags](const CommandContext& context) { return Inspect(*flags, context); }});
}

}  // namespace tidemill
