#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/byte_size.h"
#include "cli/command.h"
#include "cli/display_text.h"
#include "cli/text_table.h"
#include "tidemill/table.h"

namespace tidemill {
namespace {

constexpr int kMaxCell = 60;

struct OptimizeFlags {
  std::string path;
  std::string where;
  std::string cluster_by;
  std::string file_size = "128MB";
  std::string compression = "zstd";
  std::string scratch;
  int threads = 0;
  bool dry_run = false;
  OutputFlags output;
};

Json OptimizeJson(const OptimizeReport& report) {
  Json json;
  json["path"] = report.path;
  json["partitions"] = Json::array();
  for (const OptimizedPartition& partition : report.partitions) {
    json["partitions"].push_back({{"partition", partition.partition},
                                  {"status", partition.status},
                                  {"reason", partition.reason},
                                  {"files_before", partition.files_before},
                                  {"files_after", partition.files_after},
                                  {"bytes_before", partition.bytes_before},
                                  {"bytes_after", partition.bytes_after},
                                  {"rows", partition.rows}});
  }
  return json;
}

std::string OptimizeText(const OptimizeReport& report, bool has_colour) {
  TextTable table;
  table.headers = {"partition", "status", "files", "bytes", "rows", "reason"};
  table.right_aligned = {false, false, true, true, true, false};
  for (const OptimizedPartition& partition : report.partitions) {
    const bool is_done = partition.status == "done";
    table.rows.push_back({Printable(partition.partition), partition.status,
                          FormatCount(partition.files_before) +
                              (is_done ? " -> " + FormatCount(partition.files_after) : ""),
                          FormatByteSize(partition.bytes_before) +
                              (is_done ? " -> " + FormatByteSize(partition.bytes_after) : ""),
                          is_done ? FormatCount(partition.rows) : "", Printable(partition.reason)});
  }
  return table.rows.empty() ? "there is no such partition\n"
                            : RenderTable(table, kMaxCell, has_colour);
}

int Optimize(const OptimizeFlags& flags, const CommandContext& context) {
  Session session(context, flags.output);
  OptimizeOptions options;
  const auto size = ParseByteSize(flags.file_size);
  if (!size || *size <= 0) {
    return session.Fail(MakeError(ErrorCode::kInvalid,
                                  fmt::format("--file-size: '{}' is no size", flags.file_size),
                                  "write a number of bytes with a unit, as in 128MB"));
  }
  options.file_size = *size;
  options.where = flags.where;
  options.cluster_by = flags.cluster_by;
  options.compression = flags.compression;
  options.scratch = flags.scratch;
  options.threads = flags.threads;
  options.dry_run = flags.dry_run;
  options.on_progress = session.ProgressHandler();
  options.cancelled = context.cancelled;
  const auto report = OptimizeTable(flags.path, options);
  if (!report.ok()) return session.Fail(report.status());
  session.PrintResult(OptimizeText(*report, session.style().has_colour), OptimizeJson(*report));
  return report->outcome.ok() ? 0 : session.Explain(report->outcome);
}

}  // namespace

void AddOptimizeCommand(CLI::App* table, std::vector<Command>* commands) {
  auto flags = std::make_shared<OptimizeFlags>();
  CLI::App* optimize =
      table->add_subcommand("optimize", "Put the rows of partitions into fewer, better files");
  optimize->add_option("PATH", flags->path, "A pipeline's output, or a Delta table")
      ->required()
      ->type_name("");
  optimize
      ->add_option("--where", flags->where,
                   "Only partitions for which this condition on their columns holds")
      ->type_name("CONDITION");
  optimize
      ->add_option(
          "--cluster-by", flags->cluster_by,
          "Order rows: sort(a, b), zorder(a, b) or hilbert(a, b); rewrites every partition")
      ->type_name("ORDER");
  optimize->add_option("--file-size", flags->file_size, "Target of a file's compressed bytes")
      ->type_name("SIZE");
  optimize->add_option("--compression", flags->compression, "Of the new files")
      ->check(CLI::IsMember({"zstd", "snappy", "lz4", "gzip", "none"}))
      ->type_name("CODEC");
  optimize->add_option("--threads", flags->threads, "Threads to use; default: all cores")
      ->check(CLI::NonNegativeNumber)
      ->type_name("N");
  optimize->add_option("--scratch", flags->scratch, "Folder for files on their way")
      ->type_name("DIR");
  optimize->add_flag("--dry-run", flags->dry_run, "Tell which partitions would be rewritten");
  AddOutputFlags(optimize, &flags->output);
  optimize->footer(
      "Each partition is published by itself, after a hash of its rows has shown that they are\n"
      "unchanged. Interrupted, it leaves the partitions that are done and those that are not.\n\n"
      "Examples:\n"
      "  tidemill table optimize data/features/engagement --where \"feature_date >= "
      "'2026-03-01'\"\n"
      "  tidemill table optimize data/events --cluster-by 'hilbert(user_id, timestamp)'");
  commands->push_back(
      {optimize, [flags](const CommandContext& context) { return Optimize(*flags, context); }});
}

}  // namespace tidemill
