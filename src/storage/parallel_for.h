#pragma once

/// Independent pieces of work on several threads.

#include <atomic>
#include <cstdint>
#include <functional>

#include <arrow/status.h>

namespace tidemill {

/// Calls `work(index, thread)` for every index in [0, n), each once, on up to `threads` threads
/// (numbered from 0; the caller is one of them). After a failure, or once `*cancelled` is set, no
/// further index is begun. Returns the failure of the lowest index that failed among those that
/// ran, kInterrupted if cancelled. `work` may throw std::bad_alloc, which is a failure
/// (kRunFailed), and nothing else.
arrow::Status ParallelFor(int64_t n, int threads, const std::atomic<bool>* cancelled,
                          const std::function<arrow::Status(int64_t index, int thread)>& work);

}  // namespace tidemill
