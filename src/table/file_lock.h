#pragma once

/// Locks between processes that end with their process.

#include <optional>
#include <string>

#include <arrow/result.h>

namespace tidemill {

/// An exclusive flock on a file, held until destroyed. The file stays: removing it would let two
/// processes lock two files of one name. Its text tells others who holds it.
class FileLock {
 public:
  /// Nothing if somebody else holds the lock. Creates the file if `create`; else a missing file
  /// counts as an error.
  static arrow::Result<std::optional<FileLock>> Try(const std::string& path, bool create = true);
  /// Waits for the lock.
  static arrow::Result<FileLock> Wait(const std::string& path);

  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  ~FileLock();

  /// Writes who holds the lock, for error messages of others; failures do not matter.
  void SetHolder(const std::string& text);
  /// What the holder of the lock at `path` wrote; empty if unknown.
  static std::string HolderOf(const std::string& path);

 private:
  explicit FileLock(int fd) : fd_(fd) {}

  int fd_ = -1;
};

}  // namespace tidemill
