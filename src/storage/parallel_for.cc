#include "storage/parallel_for.h"

#include <algorithm>
#include <mutex>
#include <new>
#include <thread>
#include <utility>
#include <vector>

#include "tidemill/error.h"

namespace tidemill {

arrow::Status ParallelFor(int64_t n, int threads, const std::atomic<bool>* cancelled,
                          const std::function<arrow::Status(int64_t index, int thread)>& work) {
  std::atomic<int64_t> next{0};
  std::atomic<bool> stop{false};
  std::mutex mutex;
  int64_t first_failed = n;
  arrow::Status failure;
  const auto run = [&](int thread) {
    while (!stop.load(std::memory_order_relaxed)) {
      const bool is_cancelled = cancelled != nullptr && cancelled->load(std::memory_order_relaxed);
      const int64_t index = next.fetch_add(1, std::memory_order_relaxed);
      if (index >= n) return;
      arrow::Status status;
      try {
        status =
            is_cancelled ? MakeError(ErrorCode::kInterrupted, "interrupted") : work(index, thread);
      } catch (const std::bad_alloc&) {
        status = MakeError(ErrorCode::kRunFailed, "out of memory",
                           "give a smaller --memory or fewer --threads, so that more is spilled");
      }
      if (status.ok()) continue;
      stop.store(true, std::memory_order_relaxed);
      const std::lock_guard lock(mutex);
      if (index < first_failed) {
        first_failed = index;
        failure = std::move(status);
      }
    }
  };
  std::vector<std::thread> others;
  const auto num_threads = static_cast<int>(std::min<int64_t>(std::max(threads, 1), n));
  for (int thread = 1; thread < num_threads; ++thread) others.emplace_back(run, thread);
  run(0);
  for (std::thread& other : others) other.join();
  return failure;
}

}  // namespace tidemill
