#pragma once

/// A long call from Python: the work goes on beside the calling thread, which stays Python's.
///
/// The work runs on a thread of its own without the GIL. The calling thread waits for it, hands on
/// progress and warnings to Python's callbacks (which therefore run where they were given), and
/// looks for signals. Ctrl-C, or an exception from a callback, sets the flag that every engine
/// checks; the work ends where the table is whole, and then the exception is raised.

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include <nanobind/nanobind.h>

#include "tidemill/progress.h"
#include "tidemill/run.h"

namespace tidemill::python {

class ForegroundCall {
 public:
  /// Callbacks may be None: on_progress(stage, done, total, unit), on_warning(text).
  ForegroundCall(nanobind::object on_progress, nanobind::object on_warning)
      : on_progress_(std::move(on_progress)), on_warning_(std::move(on_warning)) {}

  /// Has the options report to this call and stop with it.
  void Connect(RunOptions* options);

  /// Runs `work` to its end, with the GIL held by the caller.
  void Run(const std::function<void()>& work);

 private:
  void Deliver(std::map<std::string, Progress> progress, std::deque<std::string> warnings);

  nanobind::object on_progress_;
  nanobind::object on_warning_;
  std::atomic<bool> cancelled_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_done_ = false;
  std::map<std::string, Progress> progress_;  ///< the latest of each stage
  std::deque<std::string> warnings_;
};

}  // namespace tidemill::python
