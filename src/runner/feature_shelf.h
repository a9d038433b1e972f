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

/// As long as everything fits into the budget it stays in memory. What does not is appended to
/// files, one for each of the stretches of equal length into which the labels are then divided: so
/// many that a stretch of labels whose features are as wide as those that came first is a part of
/// the budget. Of a stretch that is wider still, parts are read back one after the other.
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

  /// After Finish: how many labels from `first` on, of `most`, to take at once.
  arrow::Result<int64_t> Fitting(int64_t first, int64_t most);

  /// The features of labels [first, first + count), NULL for those that have none. Calls go through
  /// the labels in order; with a count that does not fit, more is held than the budget.
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
    int64_t bytes = 0;
  };

  arrow::Status Spill(const std::vector<Piece>& pieces);
  arrow::Result<Stretch> Arrange(int64_t begin, int64_t end,
                                 const std::vector<Piece>& pieces) const;
  /// The pieces of a stretch, of labels in [begin, end).
  arrow::Result<std::vector<Piece>> ReadStretch(size_t stretch, int64_t begin, int64_t end) const;
  void ChooseStretch(const std::vector<Piece>& pieces);
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
  int64_t stretch_ = 0;                          ///< labels; 0: nothing was spilled
  std::vector<std::vector<std::string>> files_;  ///< per stretch
  std::vector<int64_t> bytes_;                   ///< per stretch: of its files
  Stretch loaded_;
};

}  // namespace tidemill
