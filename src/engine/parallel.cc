#include "engine/parallel.h"

#include <algorithm>
#include <mutex>
#include <thread>
#include <vector>

#include "tidemill/error.h"

namespace tidemill {

arrow::Status ParallelFor(int64_t n, int threads, const std::atomic<bool>* cancelled,
                          const std::function<arrow::Status(int64_t index, int thread)>& work) {
  std::atomic<int64_t> next{0};
  std::atomic<bool> stop{false};
  std::mutex mutex;
  arrow::Status first_error;
  auto fail = [&](arrow::Status status) {
    std::lock_guard lock(mutex);
    if (first_error.ok()) first_error = std::move(status);
    stop = true;
  };
  auto run = [&](int thread) {
    while (!stop) {
      if (cancelled != nullptr && *cancelled) {
        return fail(MakeError(ErrorCode::kInterrupted, "interrupted"));
      }
      const int64_t index = next++;
      if (index >= n) return;
      if (auto status = work(index, thread); !status.ok()) return fail(std::move(status));
    }
  };
  const int others = static_cast<int>(std::min<int64_t>(std::max(threads, 1), n)) - 1;
  std::vector<std::thread> pool;
  for (int thread = 1; thread <= others; ++thread) pool.emplace_back(run, thread);
  run(0);
  for (std::thread& thread : pool) thread.join();
  return first_error;
}

}  // namespace tidemill
