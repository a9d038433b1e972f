#pragma once

/// Upkeep of a table, from its path alone: no pipeline file is needed.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <arrow/table.h>

#include "tidemill/error.h"
#include "tidemill/progress.h"

namespace tidemill {

/// One run as the ledger remembers it.
struct RunRecord {
  struct Date {
    std::string feature_date;
    std::string status;
    std::string reason;
    int64_t rows_written = 0;
  };
  std::string run_id;
  std::string command;  ///< "run" | "backfill"
  std::string pipeline;
  std::string definition_hash;
  std::string version;  ///< of tidemill
  std::string status;   ///< "done" | "failed"
  std::string reason;
  int64_t started_at = 0;  ///< microseconds since the epoch
  int64_t finished_at = 0;
  int64_t rows_read = 0;
  int64_t rows_quarantined = 0;
  int64_t bytes_read = 0;
  int64_t bytes_written = 0;
  int64_t peak_memory = 0;
  std::vector<Date> dates;
  std::vector<std::string> warnings;
  std::vector<std::pair<std::string, double>> seconds;  ///< per stage
};

/// A version of a Delta table.
struct TableVersion {
  int64_t version = 0;
  int64_t committed_at = 0;  ///< microseconds since the epoch; 0: unknown
  std::string operation;     ///< "WRITE", "MERGE", "OPTIMIZE", ...
  std::string engine;        ///< who wrote it
  std::string predicate;     ///< of what it replaced; may be empty
  int64_t files_added = 0;
  int64_t files_removed = 0;
};

struct HistoryReport {
  std::vector<RunRecord> runs;         ///< of the ledger, oldest first
  std::vector<TableVersion> versions;  ///< of the Delta log, oldest first, as far as it goes back
};

/// What was done to a table. An error (kRunFailed) where there is neither a ledger nor a Delta log.
arrow::Result<HistoryReport> TableHistory(const std::string& path);

/// Something that a dead run left behind.
struct Leftover {
  std::string path;
  /// "staging folder" | "half-done publication" | "unused file" | "work folder" | "quarantined
  /// rows"
  std::string kind;
  int64_t bytes = 0;
};

struct VacuumOptions {
  bool apply = false;
  /// Files of a Delta table that a version as young as this used are kept; negative: the table's
  /// own delta.deletedFileRetentionDuration, else 7 days.
  int64_t retention_ms = -1;
  bool force = false;  ///< allows less than an hour: nothing else writes to the table
};

/// What nobody needs any more beside and in a table: what dead runs left, and files of a Delta
/// table that no recent version uses. With `apply` it is cleaned up: publications that were half
/// done are finished or dropped, files removed. Live runs are left alone.
arrow::Result<std::vector<Leftover>> VacuumTable(const std::string& path,
                                                 const VacuumOptions& options);

/// How well readers that look for one value of a column can skip row groups.
struct ColumnSkipping {
  std::string column;
  std::string type;
  /// Share of a partition's bytes that such a reader does not have to read, 0 to 1; negative where
  /// statistics do not tell.
  double skipped = -1;
};

struct PartitionSize {
  std::string partition;
  int64_t files = 0;
  int64_t rows = 0;
  int64_t bytes = 0;
};

struct InspectReport {
  std::string path;
  std::string format;  ///< "parquet" | "delta"
  std::optional<int64_t> version;
  std::vector<std::string> partition_columns;
  int64_t partitions = 0;
  int64_t files = 0;
  int64_t rows = 0;
  int64_t bytes = 0;
  int64_t smallest_file = 0, median_file = 0, largest_file = 0;  ///< bytes
  int64_t tiny_files = 0;  ///< a small part of a file's usual size, in a partition of several
  int64_t row_groups = 0;
  int64_t median_group_rows = 0;
  int64_t deleted_rows = 0;  ///< by deletion vectors
  double skew = 0;           ///< bytes of the largest partition over those of the median one
  std::vector<PartitionSize> largest;  ///< partitions, a few
  std::vector<ColumnSkipping> columns;
  std::vector<std::string> advice;
};

struct InspectOptions {
  std::vector<std::string> columns;  ///< to measure; empty: all
  int64_t file_size = 128'000'000;   ///< a file's usual size
  int threads = 0;                   ///< 0: all cores
};

/// Looks at the layout of a table of Parquet files or a Delta table, written by whomever. Reads
/// footers only.
arrow::Result<InspectReport> InspectTable(const std::string& path, const InspectOptions& options);

/// A key of a table and how often it comes.
struct HotKey {
  int64_t rows = 0;
  double share = 0;  ///< of the rows with a key, 0 to 1
};

/// What a hash join or an aggregation that cuts the rows into partitions by key would get.
struct KeyPartitioning {
  int partitions = 0;
  int64_t largest = 0;   ///< rows of the largest partition
  double imbalance = 0;  ///< largest over mean
};

struct KeyReport {
  std::string path;
  std::string format;  ///< "parquet" | "delta"
  std::optional<int64_t> version;
  std::vector<std::string> columns;  ///< of the key
  int64_t rows = 0;
  int64_t null_rows = 0;  ///< where any column of the key is NULL: they have no key
  int64_t distinct = 0;   ///< keys
  std::vector<HotKey>
      hot;  ///< most rows first; keys with equally many come in an order of their own
  std::shared_ptr<arrow::Table> hot_keys;  ///< the columns of the key, a row for each of `hot`
  std::vector<KeyPartitioning> partitionings;
  int64_t spilled_bytes = 0;  ///< counts that went through the scratch folder
  std::vector<std::string> advice;
};

struct KeyOptions {
  std::vector<std::string> columns;            ///< of the key; of files or of partitions
  int64_t top = 10;                            ///< hot keys to name
  std::vector<int> partitions = {8, 64, 200};  ///< to tell the imbalance of
  int threads = 0;                             ///< 0: all cores
  int64_t memory_bytes = 0;                    ///< of counts; 0: a quarter of RAM
  std::string scratch;  ///< for counts beyond that; empty: $TMPDIR, else /tmp
  const std::atomic<bool>* cancelled = nullptr;
};

/// Counts the rows of every key of a table of Parquet files or a Delta table, exactly, and names
/// the hottest. Reads the key columns alone. Errors: a column that there is not, or that is nested
/// (kInvalid).
arrow::Result<KeyReport> InspectKeys(const std::string& path, const KeyOptions& options);

struct OptimizeOptions {
  /// "feature_date = '2026-03-02'" or "feature_date >= '2026-03-01'", several joined by "and": the
  /// partitions to work on, by the text of their values; empty: all.
  std::string where;
  std::string cluster_by;  ///< "hilbert(a, b)"; empty: rows stay in their order
  int64_t file_size = 128'000'000;
  std::string compression = "zstd";
  bool dry_run = false;
  int threads = 0;  ///< 0: all cores
  std::string scratch;
  std::function<void(const Progress&)> on_progress;
  const std::atomic<bool>* cancelled = nullptr;
};

struct OptimizedPartition {
  std::string partition;
  std::string status;  ///< "done" | "planned" | "skipped" | "failed"
  std::string reason;
  int64_t files_before = 0, files_after = 0;
  int64_t bytes_before = 0, bytes_after = 0;
  int64_t rows = 0;
};

struct OptimizeReport {
  std::string path;
  std::vector<OptimizedPartition> partitions;
  arrow::Status outcome;  ///< of the first partition that failed
};

/// Rewrites partitions into fewer or better ordered files, one by one, each published by itself.
/// The rows stay the same, which is verified by a hash over their multiset before anything is
/// published. Without `cluster_by` only partitions with files that are too small are rewritten.
arrow::Result<OptimizeReport> OptimizeTable(const std::string& path,
                                            const OptimizeOptions& options);

}  // namespace tidemill
