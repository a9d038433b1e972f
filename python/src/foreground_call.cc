#include "foreground_call.h"

#include <chrono>
#include <exception>
#include <thread>
#include <utility>

#include <nanobind/stl/string.h>

namespace nb = nanobind;

namespace tidemill::python {
namespace {

/// How long Ctrl-C may go unnoticed, and how often progress is handed on at most.
constexpr std::chrono::milliseconds kInterval{50};

}  // namespace

void ForegroundCall::Connect(RunOptions* options) {
  options->cancelled = &cancelled_;
  options->on_progress = [this](const Progress& progress) {
    const std::lock_guard lock(mutex_);
    progress_[progress.stage] = progress;
  };
  options->on_warning = [this](const std::string& warning) {
    const std::lock_guard lock(mutex_);
    warnings_.push_back(warning);
  };
}

void ForegroundCall::Run(const std::function<void()>& work) {
  std::exception_ptr thrown;
  std::thread worker([&] {
    try {
      work();
    } catch (...) {
      thrown = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    is_done_ = true;
    changed_.notify_all();
  });
  std::optional<nb::python_error> raised;
  for (bool is_done = false; !is_done;) {
    std::map<std::string, Progress> progress;
    std::deque<std::string> warnings;
    {
      nb::gil_scoped_release release;
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, kInterval, [this] { return is_done_; });
      is_done = is_done_;
      progress.swap(progress_);
      warnings.swap(warnings_);
    }
    if (raised) continue;
    try {
      // A signal that comes when all is done is Python's own again.
      if (!is_done && PyErr_CheckSignals() != 0) throw nb::python_error();
      Deliver(std::move(progress), std::move(warnings));
    } catch (nb::python_error& error) {
      raised.emplace(std::move(error));
      cancelled_ = true;
    }
  }
  {
    nb::gil_scoped_release release;
    worker.join();
  }
  if (thrown) std::rethrow_exception(thrown);
  if (raised) throw nb::python_error(std::move(*raised));
}

void ForegroundCall::Deliver(std::map<std::string, Progress> progress,
                             std::deque<std::string> warnings) {
  if (!on_progress_.is_none()) {
    for (const auto& [stage, at] : progress) on_progress_(at.stage, at.done, at.total, at.unit);
  }
  if (!on_warning_.is_none()) {
    for (const std::string& warning : warnings) on_warning_(warning);
  }
}

}  // namespace tidemill::python
