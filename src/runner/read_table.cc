// Published features as a table in memory.

#include <algorithm>
#include <set>

#include <arrow/table.h>

#include "runner/prepare.h"
#include "runner/table_rows.h"
#include "storage/parallel_for.h"
#include "tidemill/read.h"

namespace tidemill {
namespace {

/// Keeps the files of the wanted dates; of a table with a ledger those that it names, since what a
/// dead run left in an object store is no part of it.
arrow::Status Narrow(const Location& location, const ReadOptions& options, bool is_delta,
                     HiveListing* listing) {
  if (options.dates) {
    ARROW_ASSIGN_OR_RAISE(const auto date_of, DateOfPartition::Make(*listing->partition_schema));
    const std::set<std::string> wanted(options.dates->begin(), options.dates->end());
    std::erase_if(listing->files, [&](const DataFile& file) {
      return !wanted.contains(date_of(file.partition_values));
    });
  }
  if (is_delta || location.is_local) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(const bool has_ledger, HasLedger(location));
  if (!has_ledger) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(const Table table, OpenForUpkeep(location));
  ARROW_ASSIGN_OR_RAISE(const auto entries, table.ledger().ReadAll("", ""));
  std::set<std::string> published;
  for (const LedgerEntry& entry : entries) {
    if (!entry.published) continue;
    for (const PublishedFile& file : entry.published->files) published.insert(file.path);
  }
  std::erase_if(listing->files,
                [&](const DataFile& file) { return !published.contains(file.relative_path); });
  return arrow::Status::OK();
}

/// An error (kInvalid) for a label that no feature date can have.
arrow::Status CheckLabels(const std::vector<std::string>& labels) {
  constexpr size_t kHourLabel = 13;  // without the offset of an hour that comes twice
  const auto utc = TimeZone::Find("UTC");
  const Calendar days(Calendar::Step::kDay, utc);
  const Calendar hours(Calendar::Step::kHour, utc);
  for (const std::string& label : labels) {
    if (days.Parse(label) || hours.Parse(label.substr(0, kHourLabel))) continue;
    return MakeError(ErrorCode::kInvalid, "'" + label + "' is not a feature date",
                     "give a day as in 2026-03-02, or an hour as in 2026-03-02T14");
  }
  return arrow::Status::OK();
}

}  // namespace

arrow::Result<std::shared_ptr<arrow::Table>> ReadTable(const std::string& path,
                                                       const ReadOptions& options) {
  RunOptions run;
  run.threads = options.threads;
  const int threads = ThreadsOf(run);
  if (options.dates) ARROW_RETURN_NOT_OK(CheckLabels(*options.dates));
  ARROW_ASSIGN_OR_RAISE(const Location location, LocateTable(path));
  ARROW_ASSIGN_OR_RAISE(const TableContents contents,
                        ReadContents(location, threads, [&](bool is_delta, HiveListing* listing) {
                          return Narrow(location, options, is_delta, listing);
                        }));
  ARROW_ASSIGN_OR_RAISE(const TableColumns columns, TableColumns::Pick(contents, options.columns));
  std::vector<std::pair<size_t, int>> groups;
  for (size_t f = 0; f < contents.footers.size(); ++f) {
    for (int g = 0; g < contents.footers[f].metadata->num_row_groups(); ++g) {
      groups.emplace_back(f, g);
    }
  }
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches(groups.size());
  ARROW_RETURN_NOT_OK(ParallelFor(
      static_cast<int64_t>(groups.size()), threads, nullptr,
      [&](int64_t index, int) -> arrow::Status {
        const auto& [file, row_group] = groups[static_cast<size_t>(index)];
        ARROW_ASSIGN_OR_RAISE(batches[static_cast<size_t>(index)],
                              ReadTableBatch(location, contents, columns, file, row_group));
        return arrow::Status::OK();
      }));
  ARROW_ASSIGN_OR_RAISE(const auto table,
                        arrow::Table::FromRecordBatches(columns.schema, std::move(batches)));
  return table->SelectColumns(columns.order);
}

}  // namespace tidemill
