#pragma once

/// Upkeep of a table, from its path alone: no pipeline file is needed.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tidemill/error.h"

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
  int64_t bytes_read = 0;
  int64_t bytes_written = 0;
  int64_t peak_memory = 0;
  std::vector<Date> dates;
  std::vector<std::string> warnings;
  std::vector<std::pair<std::string, double>> seconds;  ///< per stage
};

/// All runs on a table, oldest first. An error (kRunFailed) where there is no ledger.
arrow::Result<std::vector<RunRecord>> TableHistory(const std::string& path);

/// Something that a dead run left behind.
struct Leftover {
  std::string path;
  std::string kind;  ///< "staging folder" | "half-done publication"
  int64_t bytes = 0;
};

/// What dead runs left beside and in a table. With `apply` it is cleaned up: publications that were
/// half done are finished or dropped, staged files removed. Live runs are left alone.
arrow::Result<std::vector<Leftover>> VacuumTable(const std::string& path, bool apply);

}  // namespace tidemill
