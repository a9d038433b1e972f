#pragma once

/// Files on storage that fails now and then (network file systems, object stores).

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>

#include <arrow/io/interfaces.h>
#include <arrow/result.h>

namespace tidemill {

/// How often reads are tried again and how often that happened. Thread-safe.
class IoRetries {
 public:
  static constexpr int kAttempts = 4;

  /// `first_pause` doubles twice from one attempt to the next; up to half of it again is added, so
  /// that many readers do not come back at the same time.
  explicit IoRetries(std::chrono::milliseconds first_pause = std::chrono::milliseconds(50))
      : first_pause_(first_pause) {}

  int64_t count() const { return count_; }
  /// Notes a retry that somebody else made.
  void Count() { ++count_; }

  /// Calls `work` (a callable that returns a Result) until it succeeds, fails for good, or has
  /// failed kAttempts times; returns its last result.
  template <typename Work>
  auto Run(const Work& work) -> decltype(work()) {
    for (int attempt = 1;; ++attempt) {
      auto result = work();
      if (result.ok() || attempt == kAttempts || !IsTransient(result.status())) return result;
      ++count_;
      Pause(attempt);
    }
  }

  /// Whether the same call may succeed later: interrupted, timed out, a lost connection, a stale
  /// handle, an I/O error of the device.
  static bool IsTransient(const arrow::Status& status);

 private:
  void Pause(int attempt);

  std::chrono::milliseconds first_pause_;
  std::atomic<int64_t> count_{0};
};

/// `file`, whose reads are retried.
std::shared_ptr<arrow::io::RandomAccessFile> WithRetries(
    std::shared_ptr<arrow::io::RandomAccessFile> file, std::shared_ptr<IoRetries> retries);

}  // namespace tidemill
