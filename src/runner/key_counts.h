#pragma once

/// How often each key comes, in bounded memory.
///
/// Keys are known by their 128-bit hashes and counted in as many tables as there are ranges of
/// hashes. When the tables outgrow the budget, their counts are appended to one file a range in the
/// scratch folder, and the tables begin anew. At the end the ranges are taken one after the other,
/// so that the memory for one of them is enough, and every key is counted exactly.

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include <arrow/result.h>

#include "base/hash.h"
#include "storage/scratch_folder.h"

namespace tidemill {

struct HashFold {
  size_t operator()(const Hash128& hash) const { return hash.low; }
};
using CountsByKey = std::unordered_map<Hash128, int64_t, HashFold>;

class KeyCounts {
 public:
  /// `memory` in bytes; what is beyond it goes to `scratch`.
  KeyCounts(int64_t memory, ScratchFolder* scratch);

  /// Adds counts. Thread-safe.
  arrow::Status Add(const CountsByKey& counts);

  /// Calls `take` with each key and its rows, once. After the last Add.
  arrow::Status ForEach(const std::function<void(const Hash128& key, int64_t rows)>& take);

  int64_t spilled_bytes() const { return spilled_bytes_; }

 private:
  struct Range {
    CountsByKey counts;
    std::string path;  ///< of what was spilled; empty: nothing
  };

  arrow::Status Spill();

  std::mutex mutex_;
  int64_t most_keys_;  ///< in all tables
  int64_t keys_ = 0;
  ScratchFolder* scratch_;
  std::vector<Range> ranges_;
  int64_t spilled_bytes_ = 0;
};

}  // namespace tidemill
