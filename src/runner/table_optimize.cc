// `tidemill table optimize`: the same rows in fewer or better ordered files.

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "pipeline/pipeline_file_terms.h"
#include "runner/open_table.h"
#include "runner/partition_filter.h"
#include "runner/prepare.h"
#include "storage/column_types.h"
#include "storage/multiset_hash.h"
#include "table/delta_features.h"
#include "table/delta_rearrange.h"
#include "table/run_id.h"
#include "tidemill/table.h"

namespace tidemill {
namespace {

/// A partition is rewritten if its files could be fewer by this share.
constexpr double kWorthIt = 0.7;

/// Files that are published together: of a date (Parquet) or of a partition (Delta).
struct Unit {
  std::string name;
  std::vector<size_t> files;  ///< in the listing
  int64_t bytes = 0;
  int64_t deleted_rows = 0;
};

class Optimizer {
 public:
  Optimizer(const Location& location, const OptimizeOptions& options)
      : location_(location), options_(options) {
    run_.threads = options.threads;
    report_.path = location.uri;
  }

  arrow::Result<OptimizeReport> Optimize() {
    if (!options_.cluster_by.empty()) {
      ARROW_ASSIGN_OR_RAISE(cluster_by_, ParseClusterSpec(options_.cluster_by));
    }
    ARROW_ASSIGN_OR_RAISE(contents_, ReadContents(location_, ThreadsOf(run_)));
    ARROW_RETURN_NOT_OK(CheckSchema());
    ARROW_ASSIGN_OR_RAISE(const auto units, Units());
    if (!options_.dry_run) ARROW_RETURN_NOT_OK(Begin());
    int64_t done = 0;
    for (const Unit& unit : units) {
      OptimizedPartition partition = Work(unit);
      if (partition.status == "failed" && CodeOf(report_.outcome) == ErrorCode::kInterrupted) {
        report_.partitions.push_back(std::move(partition));
        break;
      }
      report_.partitions.push_back(std::move(partition));
      if (options_.on_progress) {
        options_.on_progress(
            {"optimize", ++done, static_cast<int64_t>(units.size()), "partitions"});
      }
    }
    return std::move(report_);
  }

 private:
  /// Rows are copied column by column; one that cannot be read would be lost.
  arrow::Status CheckSchema() const {
    for (const auto& field : contents_.schema->fields()) {
      ARROW_RETURN_NOT_OK(StoredType(*field).status());
    }
    if (!contents_.is_delta) return arrow::Status::OK();
    const DeltaMetadata metadata = contents_.delta->snapshot->metadata();
    for (const DeltaField& field : contents_.delta->fields) {
      if (ArrowTypeOf(field.type) != nullptr) continue;
      return MakeError(ErrorCode::kRunFailed,
                       fmt::format("column '{}' has a type that is not rewritten here", field.name),
                       "optimize the table with the engine that wrote it");
    }
    return CheckDeltaWritable(metadata, contents_.delta->fields, location_.uri);
  }

  arrow::Result<std::vector<Unit>> Units() {
    if (!contents_.is_delta) {
      ARROW_ASSIGN_OR_RAISE(const bool has_ledger, HasLedger(location_));
      if (!has_ledger) {
        return MakeError(ErrorCode::kRunFailed, "no table with a ledger at " + location_.uri,
                         "give the path of a pipeline's output, or of a Delta table");
      }
    }
    ARROW_ASSIGN_OR_RAISE(const auto table, OpenForUpkeep(location_));
    if (!contents_.is_delta) {
      ARROW_ASSIGN_OR_RAISE(const auto entries, table.ledger().ReadAll("", ""));
      for (const LedgerEntry& entry : entries) {
        if (entry.published.has_value()) entries_[entry.published->partition] = entry;
      }
    }
    ARROW_ASSIGN_OR_RAISE(
        const PartitionFilter filter,
        PartitionFilter::Make(options_.where, contents_.listing.partition_schema));
    std::map<std::pair<std::string, PartitionValues>, Unit> units;
    for (size_t f = 0; f < contents_.listing.files.size(); ++f) {
      const DataFile& file = contents_.listing.files[f];
      ARROW_ASSIGN_OR_RAISE(const bool is_wanted, filter.Holds(file.partition_values));
      if (!is_wanted) continue;
      const std::string name = contents_.is_delta ? PartitionOf(contents_.listing, file)
                                                  : DateFolderOf(file.relative_path);
      PartitionValues values;  // names are for people: NULL and 'NULL' look the same
      if (contents_.is_delta) {
        ARROW_ASSIGN_OR_RAISE(values,
                              ParsePartitionValues(contents_.delta->logged[f].partition_values));
      }
      if (name.empty() && !contents_.is_delta) continue;
      Unit& unit = units[{name, std::move(values)}];
      unit.name = name;
      unit.files.push_back(f);
      unit.bytes += file.size;
      if (file.deleted_rows != nullptr) {
        unit.deleted_rows += static_cast<int64_t>(file.deleted_rows->size());
      }
    }
    std::vector<Unit> list;
    for (auto& [name, unit] : units) list.push_back(std::move(unit));
    return list;
  }

  /// The directory of the date that a file belongs to; empty if the ledger knows none.
  std::string DateFolderOf(const std::string& path) const {
    for (size_t slash = path.find('/'); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
      if (entries_.contains(path.substr(0, slash))) return path.substr(0, slash);
    }
    return "";
  }

  arrow::Status Begin() {
    ARROW_ASSIGN_OR_RAISE(Table table, OpenForUpkeep(location_));
    table_ = std::make_unique<Table>(std::move(table));
    run_id_ = MakeRunId();
    if (contents_.is_delta) {
      ARROW_ASSIGN_OR_RAISE(rearranger_,
                            DeltaRearranger::Begin(location_, run_id_, options_.scratch));
    } else {
      ARROW_ASSIGN_OR_RAISE(writer_, table_->Begin(run_id_));
    }
    return arrow::Status::OK();
  }

  /// Why a unit is left alone; empty if it is not.
  std::string WhyNot(const Unit& unit) const {
    if (cluster_by_.kind != ClusterSpec::Kind::kNone || unit.deleted_rows > 0) return "";
    std::map<std::string, std::pair<int64_t, int64_t>> folders;  // files, bytes
    for (const size_t f : unit.files) {
      const std::string& path = contents_.listing.files[f].relative_path;
      auto& [files, bytes] = folders[path.substr(0, path.rfind('/') + 1)];
      ++files;
      bytes += contents_.listing.files[f].size;
    }
    double needed = 0;
    for (const auto& [folder, sizes] : folders) {
      needed += static_cast<double>((sizes.second + options_.file_size - 1) / options_.file_size);
    }
    return needed > kWorthIt * static_cast<double>(unit.files.size()) ? "its files are large enough"
                                                                      : "";
  }

  OptimizedPartition Work(const Unit& unit) {
    OptimizedPartition partition;
    partition.partition = unit.name;
    partition.files_before = static_cast<int64_t>(unit.files.size());
    partition.bytes_before = unit.bytes;
    partition.reason = WhyNot(unit);
    if (!partition.reason.empty() || options_.dry_run) {
      partition.status = partition.reason.empty() ? "planned" : "skipped";
      return partition;
    }
    const arrow::Status status =
        contents_.is_delta ? RewriteDelta(unit, &partition) : RewriteParquet(unit, &partition);
    partition.status = status.ok() ? "done" : "failed";
    if (!status.ok()) {
      partition.reason = DiagnosticsOf(status).front().message;
      if (report_.outcome.ok()) report_.outcome = status;
    }
    return partition;
  }

  FileOptions Files() const {
    FileOptions files;
    files.file_size = options_.file_size;
    files.compression = options_.compression;
    files.cluster_by = cluster_by_;
    files.threads = ThreadsOf(run_);
    files.cancelled = options_.cancelled;
    return files;
  }

  /// Copies the rows of a unit's files; `root` is what their folders lie below.
  arrow::Result<MultisetHasher> Copy(const Unit& unit, const std::string& root,
                                     StagedPartition* staged) const {
    ARROW_ASSIGN_OR_RAISE(MultisetHasher hasher, MultisetHasher::Make(*contents_.schema));
    for (const size_t f : unit.files) {
      const DataFile& file = contents_.listing.files[f];
      const std::string folder = file.relative_path.substr(0, file.relative_path.rfind('/') + 1);
      std::string below = root.empty() ? "" : folder.substr(root.size() + 1);
      if (below.ends_with('/')) below.pop_back();
      ARROW_RETURN_NOT_OK(
          ForEachBatch(contents_.listing.root, file, contents_.footers[f],
                       [&](const std::shared_ptr<arrow::RecordBatch>& batch) -> arrow::Status {
                         ARROW_RETURN_NOT_OK(hasher.Update(*batch));
                         return staged->WriteInto(below, batch);
                       }));
    }
    return hasher;
  }

  template <typename Take>
  arrow::Status ForEachBatch(const Location& root, const DataFile& file,
                             const ParquetFooter& footer, const Take& take) const {
    const auto names = contents_.schema->field_names();
    for (int group = 0; group < footer.metadata->num_row_groups(); ++group) {
      if (options_.cancelled != nullptr && options_.cancelled->load()) {
        return MakeError(ErrorCode::kInterrupted, "interrupted");
      }
      ARROW_ASSIGN_OR_RAISE(const RowGroupColumns read,
                            ReadRowGroup(root, file, footer, group, *contents_.schema, names));
      arrow::ArrayVector columns;
      for (int i = 0; i < contents_.schema->num_fields(); ++i) {
        ARROW_ASSIGN_OR_RAISE(auto plain, ConvertColumn(read.arrays[static_cast<size_t>(i)],
                                                        contents_.schema->field(i)->type(), false));
        columns.push_back(std::move(plain));
      }
      ARROW_RETURN_NOT_OK(
          take(arrow::RecordBatch::Make(contents_.schema, read.num_rows, std::move(columns))));
    }
    return arrow::Status::OK();
  }

  /// Reads what was written and compares it with what was read.
  arrow::Status Verify(const MultisetHasher& before, const StagedPartition& staged) const {
    ARROW_ASSIGN_OR_RAISE(MultisetHasher after, MultisetHasher::Make(*contents_.schema));
    ARROW_ASSIGN_OR_RAISE(const Location local, ParseLocation(staged.directory()));
    for (const PublishedFile& written : staged.files()) {
      DataFile file;
      file.path = staged.directory() + written.path.substr(staged.partition().size());
      ARROW_ASSIGN_OR_RAISE(const auto footers, ReadFooters(local, {file}, 1));
      ARROW_RETURN_NOT_OK(ForEachBatch(
          local, file, footers[0],
          [&](const std::shared_ptr<arrow::RecordBatch>& batch) { return after.Update(*batch); }));
    }
    if (before.num_rows() == after.num_rows() && before.Finish() == after.Finish()) {
      return arrow::Status::OK();
    }
    return MakeError(
        ErrorCode::kRunFailed,
        fmt::format("{}: the rewritten rows are not the rows that were read", staged.partition()),
        "nothing was published");
  }

  arrow::Status RewriteParquet(const Unit& unit, OptimizedPartition* partition) {
    const LedgerEntry& entry = entries_.at(unit.name);
    ARROW_ASSIGN_OR_RAISE(const DateLock lock, writer_->Lock(entry.feature_date, unit.name));
    ARROW_ASSIGN_OR_RAISE(auto now, table_->ledger().Read(entry.feature_date));
    if (!now.has_value() || !now->published.has_value() ||
        now->published->run_id != entry.published->run_id) {
      return MakeError(ErrorCode::kConflict,
                       fmt::format("{} was published by another run meanwhile", unit.name),
                       "run again");
    }
    ARROW_ASSIGN_OR_RAISE(auto staged, writer_->Stage(lock, contents_.schema, {}, Files()));
    ARROW_ASSIGN_OR_RAISE(const MultisetHasher before, Copy(unit, unit.name, staged.get()));
    ARROW_RETURN_NOT_OK(staged->Close());
    ARROW_RETURN_NOT_OK(Verify(before, *staged));
    partition->rows = staged->num_rows();
    partition->files_after = static_cast<int64_t>(staged->files().size());
    partition->bytes_after = staged->num_bytes();
    return writer_->Publish(lock, std::move(staged), *std::move(now->published)).status();
  }

  arrow::Status RewriteDelta(const Unit& unit, OptimizedPartition* partition) {
    for (const size_t f : unit.files) {
      if (contents_.delta->logged[f].path.find("://") == std::string::npos) continue;
      return MakeError(
          ErrorCode::kRunFailed,
          fmt::format("{} lies outside the table", contents_.listing.files[f].relative_path),
          "optimize the table that the file belongs to, or copy it as a whole");
    }
    const std::string& first = contents_.listing.files[unit.files.front()].relative_path;
    const size_t slash = first.rfind('/');
    const std::string folder = slash == std::string::npos ? "" : first.substr(0, slash);
    ARROW_ASSIGN_OR_RAISE(auto staged, rearranger_->Stage(folder, contents_.schema, Files()));
    ARROW_ASSIGN_OR_RAISE(const MultisetHasher before, Copy(unit, "", staged.get()));
    ARROW_RETURN_NOT_OK(staged->Close());
    ARROW_RETURN_NOT_OK(Verify(before, *staged));
    partition->rows = staged->num_rows();
    partition->bytes_after = staged->num_bytes();
    partition->files_after = static_cast<int64_t>(staged->files().size());
    return rearranger_->Publish(*staged, *contents_.delta, unit.files, options_.cluster_by);
  }

  Location location_;
  const OptimizeOptions& options_;
  RunOptions run_;
  ClusterSpec cluster_by_;
  TableContents contents_;
  std::map<std::string, LedgerEntry> entries_;  ///< by directory of the date
  std::string run_id_;
  std::unique_ptr<Table> table_;
  std::unique_ptr<TableWriter> writer_;          ///< of a table of Parquet files
  std::unique_ptr<DeltaRearranger> rearranger_;  ///< of a Delta table
  OptimizeReport report_;
};

}  // namespace

arrow::Result<OptimizeReport> OptimizeTable(const std::string& path,
                                            const OptimizeOptions& options) {
  ARROW_ASSIGN_OR_RAISE(const Location location, LocateTable(path));
  return Optimizer(location, options).Optimize();
}

}  // namespace tidemill
