#pragma once

/// A pass spread over other processes: tasks of the native engine, run by somebody's scheduler.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <arrow/result.h>

namespace tidemill {

class PassEngine;

/// Runs tasks elsewhere: on the workers of a Dask cluster, say.
class TaskScheduler {
 public:
  virtual ~TaskScheduler() = default;

  /// Has every task run by RunTask, each at least once, in any process and any order, and hands
  /// each result over once: from one thread at a time, in the order in which they come. Ends with
  /// the first error, of a task or of `on_result`, after what runs was cancelled.
  virtual arrow::Status Run(
      const std::vector<std::string>& tasks,
      const std::function<arrow::Status(size_t index, std::string result)>& on_result) = 0;
};

/// Runs one task in this process and returns its result; both are opaque. A task may run twice,
/// also at the same time: it writes only files of its own attempt. Errors: what was read or
/// written, and (kInvalid) a task of another version of Tidemill or over a source that has changed
/// since.
arrow::Result<std::string> RunTask(const std::string& task);

/// Computes passes with tasks: tiles per group of row groups, then windows per range of entities.
/// What they leave for each other lies in the pass's work folder (pass_engine.h). Features are the
/// native engine's, bit for bit.
std::shared_ptr<PassEngine> DistributedEngine(std::shared_ptr<TaskScheduler> scheduler);

}  // namespace tidemill
