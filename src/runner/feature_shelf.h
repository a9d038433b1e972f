#pragma once

/// Features of labels, taken in any order and given back in the order of the labels.

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

namespace tidemill {

/// Labels are divided into stretches of equal length. As long as everything fits into the budget it
/// stays in memory; what does not is appended to a file for each stretch, and only the stretch in
/// work is read back.
class FeatureShelf {
 public:
  /// `budget` in bytes. `scratch` gives a new path when something must go to the disk. Columns are
  /// put in order on up to `threads` threads.
  FeatureShelf(std::shared_ptr<arrow::Schema> schema, int64_t num_labels, int64_t budget,
               int threads, std::function<arrow::Result<std::string>()> scratch);

  const std::shared_ptr<arrow::Schema>& schema() const { return schema_; }

  /// Row i of `features` is of labels[i]; each label at most once. Thread-safe.
  arrow::Status Add(std::vector<uint32_t> labels, std::shared_ptr<arrow::RecordBatch> features);

  /// No more features come.
  arrow::Status Finish();

  /// After Finish: the features of labels [first, first + count), NULL for those that have none.
  /// Calls go through the labels in order.
  arrow::Result<arrow::ArrayVector> Take(int64_t first, int64_t count);

  int64_t spilled_bytes() const { return spilled_bytes_; }

 private:
  struct Piece {
    std::vector<uint32_t> labels;
    std::shared_ptr<arrow::RecordBatch> features;
  };
  /// The features of a stretch of labels.
  struct Stretch {
    int64_t begin = 0;
    int64_t end = 0;
    arrow::ArrayVector columns;
    std::vector<int64_t> row_of_label;  ///< from begin; -1: none
  };

  arrow::Status Spill(std::vector<Piece> pieces);
  arrow::Result<Stretch> Arrange(int64_t begin, int64_t end,
                                 const std::vector<Piece>& pieces) const;
  arrow::Result<std::vector<Piece>> ReadStretch(size_t stretch) const;
  arrow::Status Load(int64_t label);

  std::shared_ptr<arrow::Schema> schema_;
  int64_t num_labels_;
  int64_t budget_;
  int threads_;
  std::function<arrow::Result<std::string>()> scratch_;
  std::mutex mutex_;
  std::vector<Piece> pieces_;
  int64_t memory_ = 0;
  int64_t spilled_bytes_ = 0;
  std::vector<std::vector<std::string>> files_;  ///< per stretch; empty: nothing was spilled
  Stretch loaded_;
};

}  // namespace tidemill
