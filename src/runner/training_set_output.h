#pragma once

/// The file or the directory of a training set: complete or not there.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "storage/location.h"
#include "storage/parquet_sink.h"
#include "storage/scratch_folder.h"
#include "tidemill/training_set.h"

namespace tidemill {

/// Writes beside its place and then renames; what is there stays as it is until then. In an object
/// store, where nothing is renamed, a training set is one object, put at once.
class TrainingSetOutput {
 public:
  /// An error (kInvalid) if something is at the place that may not be replaced.
  static arrow::Result<std::unique_ptr<TrainingSetOutput>> Open(
      const TrainingSetOptions& options, const std::shared_ptr<arrow::Schema>& schema,
      ScratchFolder* scratch);
  /// Removes what was written and not finished.
  ~TrainingSetOutput();

  arrow::Status Write(const std::shared_ptr<arrow::RecordBatch>& batch) {
    return sink_->Write(batch);
  }

  arrow::Status Finish(TrainingSetReport* report);

 private:
  TrainingSetOutput() = default;
  arrow::Status CheckPlace(bool overwrite) const;
  arrow::Status Upload() const;
  arrow::Status MoveDirectory();

  Location place_;
  bool is_file_ = false;
  std::string staging_;  ///< a local directory; empty: nothing to remove
  std::unique_ptr<ParquetSink> sink_;
};

}  // namespace tidemill
