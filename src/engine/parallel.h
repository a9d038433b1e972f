#pragma once

/// Work shared out to threads by index.

#include <atomic>
#include <functional>

#include <arrow/status.h>

namespace tidemill {

/// Calls `work(index, thread)` for every index in [0, n), each once, from up to `threads` threads
/// (the caller is one of them), and returns the first error; after an error, or once `*cancelled`
/// is set, no new index is started. A cancelled call returns kInterrupted.
arrow::Status ParallelFor(int64_t n, int threads, const std::atomic<bool>* cancelled,
                          const std::function<arrow::Status(int64_t index, int thread)>& work);

}  // namespace tidemill
