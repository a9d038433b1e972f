#pragma once

/// The features of tasks, handed on in the order of the tasks whichever comes first.
///
/// Answers that come early wait; what they speak of stays in its file until its turn, so the
/// process that runs the pass holds the rows of one wave of one task.

#include <cstddef>
#include <optional>
#include <vector>

#include "distributed/task_result.h"
#include "engine/merge.h"
#include "storage/location.h"

namespace tidemill {

class FeatureDelivery {
 public:
  FeatureDelivery(size_t tasks, std::vector<bool> wanted, const Location& work,
                  const PassOptions& options, FeatureSink* sink)
      : answers_(tasks), wanted_(std::move(wanted)), work_(work), options_(options), sink_(sink) {
    summary_.dates.resize(wanted_.size());
  }

  /// Takes the answer of a task and hands on what is next. A second answer of a task is dropped.
  arrow::Status Take(size_t task, WindowAnswer answer);

  size_t delivered() const { return next_; }

  /// How it went, after the last answer.
  FeatureSummary summary() { return std::move(summary_); }

 private:
  arrow::Status Deliver(const WindowAnswer& answer);
  arrow::Status AppendWave(const std::vector<size_t>& dates,
                           const std::vector<std::shared_ptr<arrow::RecordBatch>>& batches);
  void Fail(size_t date, arrow::Status status);

  std::vector<std::optional<WindowAnswer>> answers_;
  size_t next_ = 0;
  std::vector<bool> wanted_;
  const Location& work_;
  const PassOptions& options_;
  FeatureSink* sink_;
  FeatureSummary summary_;
};

}  // namespace tidemill
