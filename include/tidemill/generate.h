#pragma once

/// Synthetic events to try pipelines on.

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include <arrow/result.h>

#include "tidemill/run.h"

namespace tidemill {

struct GenerateOptions {
  std::string directory;
  std::string start = "2026-01-01";  ///< first day
  int days = 31;
  int64_t events_per_day = 100'000;
  int64_t entities = 10'000;  ///< users that there are, not all of whom are seen each day
  double skew = 0.75;         ///< exponent of the Zipf-like law of users; 0: all alike
  uint64_t seed = 7;
  bool overwrite = false;                            ///< replaces the day partitions that are there
  int threads = 0;                                   ///< 0: all cores
  std::function<void(const Progress&)> on_progress;  ///< may be empty; called one at a time
  const std::atomic<bool>* cancelled = nullptr;
};

struct GenerateReport {
  int64_t events = 0;
  int64_t files = 0;
  int64_t bytes = 0;
  std::string first_day;
  std::string last_day;
};

/// Writes a click stream as hive partitions, `event_date=2026-01-01/part-0.parquet` (zstd, several
/// row groups a day): event_id, user_id, session_id, event_type, product_category, value,
/// timestamp. A day's events depend on seed, day and the counts alone, not on threads or the other
/// days. Nothing shows in the directory before all days are written. Errors: options out of range
/// and a directory that is not empty (kInvalid), I/O (kRunFailed), cancelled (kInterrupted).
arrow::Result<GenerateReport> GenerateEvents(const GenerateOptions& options);

}  // namespace tidemill
