// Published features as a table in memory.

#include <algorithm>
#include <set>

#include <arrow/array/util.h>
#include <arrow/compute/cast.h>
#include <arrow/table.h>
#include <fmt/format.h>

#include "runner/open_table.h"
#include "runner/prepare.h"
#include "storage/parallel_for.h"
#include "tidemill/read.h"

namespace tidemill {
namespace {

/// The feature date of a partition as its label, from the columns that say so.
class DateOfPartition {
 public:
  static arrow::Result<DateOfPartition> Make(const arrow::Schema& columns) {
    DateOfPartition made;
    made.date_ = columns.GetFieldIndex("feature_date");
    made.hour_ = columns.GetFieldIndex("feature_hour");
    for (const char* part : {"year", "month", "day"}) {
      made.parts_.push_back(columns.GetFieldIndex(part));
    }
    const bool has_parts = std::ranges::min(made.parts_) >= 0;
    if (made.date_ >= 0 || has_parts) return made;
    return MakeError(ErrorCode::kInvalid,
                     "the table is not partitioned by feature dates, so none can be picked",
                     "read all of it");
  }

  std::string operator()(const std::vector<std::shared_ptr<arrow::Scalar>>& values) const {
    const auto text = [&](int index) { return values[static_cast<size_t>(index)]->ToString(); };
    const auto padded = [&](int index) {
      const std::string digits = text(index);
      return digits.size() < 2 ? "0" + digits : digits;
    };
    std::string label = date_ >= 0
                            ? text(date_)
                            : text(parts_[0]) + "-" + padded(parts_[1]) + "-" + padded(parts_[2]);
    if (hour_ >= 0) label += "T" + padded(hour_);
    return label;
  }

 private:
  int date_ = -1;
  int hour_ = -1;
  std::vector<int> parts_;
};

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

/// The columns to read: those of files, those of partitions, and all of them as asked for.
struct Columns {
  std::vector<std::string> of_files;
  std::vector<int> of_partitions;
  std::shared_ptr<arrow::Schema> schema;  ///< in the order of reading: files, partitions
  std::vector<int> order;                 ///< of the schema's fields, as asked for
};

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

arrow::Result<Columns> PickColumns(const TableContents& contents, const ReadOptions& options) {
  Columns picked;
  const arrow::Schema& partitions = *contents.listing.partition_schema;
  std::vector<std::string> all = contents.schema->field_names();
  for (const std::string& name : partitions.field_names()) all.push_back(name);
  const std::vector<std::string>& names = options.columns.empty() ? all : options.columns;
  arrow::FieldVector from_files;
  arrow::FieldVector from_partitions;
  for (const std::string& name : names) {
    if (const int index = partitions.GetFieldIndex(name); index >= 0) {
      picked.of_partitions.push_back(index);
      from_partitions.push_back(partitions.field(index));
    } else if (const auto field = contents.schema->GetFieldByName(name)) {
      picked.of_files.push_back(name);
      from_files.push_back(field);
    } else {
      return MakeError(ErrorCode::kInvalid, "the table has no column '" + name + "'",
                       fmt::format("there is {}", fmt::join(all, ", ")));
    }
  }
  int next_file = 0;
  int next_partition = static_cast<int>(from_files.size());
  for (const std::string& name : names) {
    picked.order.push_back(partitions.GetFieldIndex(name) >= 0 ? next_partition++ : next_file++);
  }
  from_files.insert(from_files.end(), from_partitions.begin(), from_partitions.end());
  picked.schema = arrow::schema(std::move(from_files));
  return picked;
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> ReadBatch(const Location& location,
                                                             const TableContents& contents,
                                                             const Columns& columns, size_t file,
                                                             int row_group) {
  const DataFile& data = contents.listing.files[file];
  ARROW_ASSIGN_OR_RAISE(auto rows, ReadRowGroup(location, data, contents.footers[file], row_group,
                                                *contents.schema, columns.of_files));
  for (size_t c = 0; c < rows.arrays.size(); ++c) {
    const auto& type = columns.schema->field(static_cast<int>(c))->type();
    if (rows.arrays[c]->type()->Equals(*type)) continue;
    ARROW_ASSIGN_OR_RAISE(rows.arrays[c], arrow::compute::Cast(*rows.arrays[c], type));
  }
  for (const int partition : columns.of_partitions) {
    const auto& value = data.partition_values[static_cast<size_t>(partition)];
    ARROW_ASSIGN_OR_RAISE(auto column, arrow::MakeArrayFromScalar(*value, rows.num_rows));
    rows.arrays.push_back(std::move(column));
  }
  return arrow::RecordBatch::Make(columns.schema, rows.num_rows, std::move(rows.arrays));
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
  ARROW_ASSIGN_OR_RAISE(const Columns columns, PickColumns(contents, options));
  std::vector<std::pair<size_t, int>> groups;
  for (size_t f = 0; f < contents.footers.size(); ++f) {
    for (int g = 0; g < contents.footers[f].metadata->num_row_groups(); ++g) {
      groups.emplace_back(f, g);
    }
  }
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches(groups.size());
  ARROW_RETURN_NOT_OK(
      ParallelFor(static_cast<int64_t>(groups.size()), threads, nullptr,
                  [&](int64_t index, int) -> arrow::Status {
                    const auto& [file, row_group] = groups[static_cast<size_t>(index)];
                    ARROW_ASSIGN_OR_RAISE(batches[static_cast<size_t>(index)],
                                          ReadBatch(location, contents, columns, file, row_group));
                    return arrow::Status::OK();
                  }));
  ARROW_ASSIGN_OR_RAISE(const auto table,
                        arrow::Table::FromRecordBatches(columns.schema, std::move(batches)));
  return table->SelectColumns(columns.order);
}

}  // namespace tidemill
