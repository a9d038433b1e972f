#pragma once

/// Events on disk, cut into parts by the key of a join, where the dimension does not fit into
/// memory.
///
/// A part holds the events whose keys fall into it, and the rows of the dimension whose keys do are
/// loaded with it: parts are joined and aggregated one after another. The order of events does not
/// matter to what is aggregated, so nobody can tell from the result.

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <arrow/io/file.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>

#include "engine/dimension_table.h"
#include "engine/plan.h"
#include "sql/evaluate.h"

namespace tidemill {

/// Rows of a frame with their strata and days.
struct SpilledBatch {
  Frame frame;  ///< as RowJoiner::NumColumns wants it, without matches
  std::vector<int32_t> strata;
};

class SpilledRows {
 public:
  using NewPath = std::function<arrow::Result<std::string>()>;

  SpilledRows(const Plan& plan, int parts, NewPath new_path);

  /// Appends rows of a frame to their parts: row i to `part_of_row[i]`. Thread-safe.
  arrow::Status Append(const Frame& frame, const std::vector<int32_t>& strata,
                       int32_t constant_stratum, const std::vector<int32_t>& part_of_row);

  /// Ends writing. How many batches each part has.
  arrow::Result<std::vector<int64_t>> Finish();

  arrow::Result<SpilledBatch> Read(int part, int64_t batch) const;
  void Remove(int part) const;

  int64_t bytes() const { return bytes_; }

 private:
  struct Part {
    std::mutex mutex;
    std::string path;
    std::shared_ptr<arrow::io::FileOutputStream> file;
    std::shared_ptr<arrow::ipc::RecordBatchWriter> writer;
    int64_t batches = 0;
  };

  arrow::Result<std::shared_ptr<arrow::RecordBatch>> BatchOf(const Frame& frame,
                                                             const std::vector<int32_t>& strata,
                                                             int32_t constant_stratum) const;

  const BoundPipeline& pipeline_;
  NewPath new_path_;
  std::vector<int> columns_;  ///< of the frame
  bool has_days_;
  std::shared_ptr<arrow::Schema> schema_;  ///< the columns, plain; strata; days
  std::vector<std::unique_ptr<Part>> parts_;
  int64_t bytes_ = 0;
};

/// Which join is cut into parts, and into how many.
struct JoinParts {
  int join = -1;  ///< none: all dimensions fit
  int parts = 1;
  bool filters_before = false;  ///< whether filter and input checks can do without the join
};

/// Compares what the needed dimensions take with `memory` (0: no limit). An error (kRunFailed) if
/// even with the largest of them in parts the others leave no room.
arrow::Result<JoinParts> CutJoins(const Plan& plan, int64_t memory);

/// Whether the join is needed to have `columns` of BoundPipeline::rows.
bool DependsOnJoin(const BoundPipeline& pipeline, int join, const std::vector<bool>& columns);

}  // namespace tidemill
