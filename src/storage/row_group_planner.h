#pragma once

/// How many rows the next row group of a file gets, and when a file is full.

#include <algorithm>
#include <cstdint>

namespace tidemill {

/// Decides from rows and bytes already written alone, so equal data is cut equally on any machine.
///
/// Row groups have up to 131 072 rows, if not told otherwise: large enough for encodings and for
/// scans (a multiple of DuckDB's vectors, about its own row group), small enough that readers of a
/// file get work for several threads and that a writer of many partitions at once holds little.
/// Wide rows make them smaller. The last row groups of a file are evened out, so that the file ends
/// near its target size without a crumb at its end.
class RowGroupPlanner {
 public:
  static constexpr int64_t kMaxRows = 131'072;
  static constexpr int64_t kMinRows = 1024;
  /// Bytes in memory of a row group's rows, at most about.
  static constexpr int64_t kMaxMemory = 256'000'000;
  /// A file this close to its target is full; what fits no more goes to the next.
  static constexpr double kFull = 0.95;

  /// `max_rows_per_file` 0: no limit.
  RowGroupPlanner(int64_t file_size, int64_t max_rows_per_file)
      : file_size_(file_size), max_rows_per_file_(max_rows_per_file) {}

  /// For rows in an order by their values: row groups have at most `max_rows`, and a file has at
  /// least eight, as the last one's width is then a poor guess of the next one's.
  void SetClustered(int64_t max_rows) {
    max_rows_per_group_ = max_rows;
    least_groups_ = 8;
  }

  /// Tells how wide rows are in memory, before the first row group.
  void SetRowWidth(double bytes) { memory_width_ = std::max(bytes, 1.0); }
  bool knows_row_width() const { return memory_width_ > 0; }

  int64_t RowsOfNextGroup() const {
    // Rows hardly ever grow by encoding, so their width in memory is a safe first guess.
    const double width = stored_width_ > 0 ? stored_width_ : memory_width_;
    int64_t fit = RowsIn(file_size_ - bytes_in_file_, width);
    if (max_rows_per_file_ > 0) fit = std::min(fit, max_rows_per_file_ - rows_in_file_);
    const auto in_memory = static_cast<int64_t>(static_cast<double>(kMaxMemory) / memory_width_);
    int64_t limit = std::clamp(in_memory, kMinRows, max_rows_per_group_);
    if (least_groups_ > 1) limit = std::min(limit, RowsIn(file_size_ / least_groups_, width));
    if (stored_width_ == 0) return std::min(fit, limit);
    const int64_t groups = (fit + limit - 1) / limit;
    return (fit + groups - 1) / groups;
  }

  void GroupWritten(int64_t rows, int64_t compressed_bytes, double memory_bytes) {
    rows_in_file_ += rows;
    bytes_in_file_ += compressed_bytes;
    stored_width_ =
        std::max(static_cast<double>(compressed_bytes) / static_cast<double>(rows), 1e-3);
    SetRowWidth(memory_bytes / static_cast<double>(rows));
  }

  bool FileIsFull() const {
    if (max_rows_per_file_ > 0 && rows_in_file_ >= max_rows_per_file_) return true;
    return static_cast<double>(bytes_in_file_) >= kFull * static_cast<double>(file_size_);
  }

  void FileClosed() {
    rows_in_file_ = 0;
    bytes_in_file_ = 0;
  }

 private:
  static int64_t RowsIn(int64_t bytes, double width) {
    const double rows = static_cast<double>(bytes) / width;
    return std::max(static_cast<int64_t>(std::min(rows, 1e15)), kMinRows);
  }

  int64_t file_size_;
  int64_t max_rows_per_file_;
  int64_t max_rows_per_group_ = kMaxRows;
  int64_t least_groups_ = 1;
  int64_t rows_in_file_ = 0;
  int64_t bytes_in_file_ = 0;
  double memory_width_ = 0;  ///< of a row; 0: not known
  double stored_width_ = 0;  ///< of a row of the last row group, compressed; 0: none yet
};

}  // namespace tidemill
