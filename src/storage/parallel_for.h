#pragma once

/// Independent pieces of work on several threads.

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include <arrow/status.h>

namespace tidemill {

/// Calls `work(i)` for each i in [0, count) on up to `threads` threads, the caller's included.
/// Returns the failure of the lowest i that failed among those that ran; after a failure no further
/// piece is begun. `work` must not throw.
template <typename Work>
arrow::Status ParallelFor(int threads, int64_t count, const Work& work) {
  std::atomic<int64_t> next = 0;
  std::atomic<bool> failed = false;
  std::mutex mutex;
  int64_t first_failed = count;
  arrow::Status failure;

  const auto loop = [&] {
    while (!failed.load(std::memory_order_relaxed)) {
      const int64_t i = next.fetch_add(1, std::memory_order_relaxed);
      if (i >= count) return;
      arrow::Status status = work(i);
      if (status.ok()) continue;
      failed.store(true, std::memory_order_relaxed);
      const std::lock_guard<std::mutex> lock(mutex);
      if (i < first_failed) {
        first_failed = i;
        failure = std::move(status);
      }
    }
  };

  std::vector<std::thread> others;
  const int64_t num_threads = std::min<int64_t>(threads, count);
  others.reserve(static_cast<size_t>(std::max<int64_t>(num_threads, 1)));
  for (int64_t i = 1; i < num_threads; ++i) others.emplace_back(loop);
  loop();
  for (std::thread& other : others) other.join();
  return failure;
}

}  // namespace tidemill
