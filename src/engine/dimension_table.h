#pragma once

/// A dimension in memory: the columns that a pass needs, and where each key is.

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include <arrow/array.h>
#include <arrow/result.h>

#include "engine/dimension.h"
#include "engine/join_keys.h"
#include "engine/key_index.h"
#include "pipeline/bound_pipeline.h"

namespace tidemill {

struct DimensionTable {
  std::shared_ptr<const Dimension> dimension;
  /// One per BoundJoin::columns, text as dictionaries whose codes are uint8, uint16 or int32; null
  /// where it is not needed.
  arrow::ArrayVector columns;
  /// One, or of a dated dimension one per day of Dimension::days.
  std::vector<KeyIndex> indexes;
  int64_t num_rows = 0;
};

/// Reads the dimension of a join: its key and those of its columns that are in `needed`, which is
/// over BoundPipeline::rows. An error (kRunFailed) if a key comes twice, which names the first of
/// such keys and says how many there are. With a `part` only the rows whose keys fall into it.
arrow::Result<std::shared_ptr<const DimensionTable>> LoadDimension(
    const std::shared_ptr<const Dimension>& dimension, const BoundJoin& join,
    const std::vector<bool>& needed, int threads, const std::atomic<bool>* cancelled,
    KeyPart part = {});

using DimensionTables = std::vector<std::shared_ptr<const DimensionTable>>;

/// The tables of a plan's joins, loaded by whoever comes first. Thread-safe.
class LoadedDimensions {
 public:
  /// One per join; null where nothing of it is needed.
  arrow::Result<DimensionTables> Get(const BoundPipeline& pipeline, const Dimensions& dimensions,
                                     const std::vector<bool>& needed,
                                     const std::vector<bool>& joins, int threads,
                                     const std::atomic<bool>* cancelled);
  void Release();

 private:
  std::mutex mutex_;
  DimensionTables tables_;
};

/// The error (kRunFailed) of a dimension that is not unique in its key. `key` comes `times` times,
/// as the first of `keys` such keys; `day` is that of the partition, empty if there is none.
arrow::Status RepeatedKeyError(const Dimension& dimension, const std::string& day,
                               const std::string& key, int64_t times, int64_t keys);

/// The columns of its dimension that a join reads: its key, and those of `needed`.
std::vector<int> ColumnsRead(const BoundJoin& join, const std::vector<bool>& needed);

/// Bytes that the table of a join takes, roughly, from what footers say.
int64_t ExpectedMemory(const Dimension& dimension, const BoundJoin& join,
                       const std::vector<bool>& needed);

}  // namespace tidemill
