#pragma once

/// A pass spread over other processes: tasks of the native engine, run by somebody's scheduler.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <arrow/result.h>

namespace tidemill {

class PassEngine;

/// What tasks run on.
struct TaskResources {
  int slots = 1;       ///< tasks that run at the same time
  int64_t memory = 0;  ///< bytes for each of them; 0: unknown
};

/// Runs tasks elsewhere: on the workers of a Dask cluster, say.
class TaskScheduler {
 public:
  virtual ~TaskScheduler() = default;

  /// Asked for once per pass, before it cuts itself into tasks. Also the place to find out that the
  /// workers cannot run any.
  virtual arrow::Result<TaskResources> Resources() = 0;

  /// Has every task run by RunTask, each at least once, in any process and any order, and hands one
  /// result of each over: from one thread at a time, in the order in which they come. Ends with the
  /// first error, of a task or of `on_result`, or with kInterrupted soon after `is_cancelled` says
  /// so; what still runs is cancelled first.
  virtual arrow::Status Run(
      const std::vector<std::string>& tasks,
      const std::function<arrow::Status(size_t index, const std::string& result)>& on_result,
      const std::function<bool()>& is_cancelled) = 0;
};

/// Runs one task in this process and returns its result; both are opaque. A task may run twice,
/// also at the same time: it writes only files of its own attempt. An error is worth another
/// attempt: something could not be read or written. A failure that would come again (bad data, an
/// overflow, a source that changed) is a result, which the engine turns into the error that it is.
arrow::Result<std::string> RunTask(const std::string& task);

/// How large tasks are; 0: chosen by what there is to do and what it runs on.
struct TaskSizes {
  int64_t scan_bytes = 0;    ///< compressed bytes of the columns that one task reads
  int64_t window_bytes = 0;  ///< of tiles that one task merges
};

/// Computes passes with tasks: tiles per group of row groups, then windows per range of entities.
/// What they leave for each other lies in the pass's work folder, which all processes must reach.
/// Features are the native engine's, bit for bit.
std::shared_ptr<PassEngine> DistributedEngine(std::shared_ptr<TaskScheduler> scheduler,
                                              TaskSizes sizes = {});

}  // namespace tidemill
