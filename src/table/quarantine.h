#pragma once

/// The quarantine of a table: events that row rules took out of the input of its runs.
///
///     features/_tidemill/quarantine/
///         20260302T141530...-9f86d081/         a run
///             2026-03-02.quarantine            a pass of it, by its first feature date: Parquet
///
/// Readers of the table find its files by globs such as `**/*.parquet`, and some look into hidden
/// folders; the ending keeps these files out of their sight.

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <arrow/io/file.h>
#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <parquet/arrow/writer.h>

#include "storage/location.h"
#include "table/ledger.h"
#include "tidemill/table.h"

namespace tidemill {

/// Relative to the table: the file `name` of a run, and what matches all files of a run.
std::string QuarantinePath(const std::string& run_id, const std::string& name);
std::string QuarantinePattern(const std::string& run_id);

/// A Parquet file in work. Row groups are written as they fill up. An unfinished file is its
/// folder's owner's to remove. Not thread-safe.
class QuarantineFile {
 public:
  static arrow::Result<std::unique_ptr<QuarantineFile>> Create(
      const std::string& path, const std::shared_ptr<arrow::Schema>& schema);

  arrow::Status Write(const arrow::RecordBatch& batch);

  /// Flushes the file to the disk; returns its size in bytes.
  arrow::Result<int64_t> Close();

 private:
  std::string path_;
  std::shared_ptr<arrow::io::FileOutputStream> stream_;
  std::unique_ptr<parquet::arrow::FileWriter> writer_;
};

/// Quarantined rows of runs that are over and the last of no date, as published or as tried; with
/// `apply` they are removed.
arrow::Result<std::vector<Leftover>> QuarantineLeftovers(const Location& table,
                                                         const Ledger& ledger, bool apply);

}  // namespace tidemill
