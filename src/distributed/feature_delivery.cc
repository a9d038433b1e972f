#include "distributed/feature_delivery.h"

#include <chrono>
#include <utility>

#include "distributed/work_errors.h"
#include "engine/feature_file.h"
#include "storage/parallel_for.h"
#include "tidemill/error.h"

namespace tidemill {

arrow::Status FeatureDelivery::Take(size_t task, WindowAnswer answer) {
  if (task < next_ || answers_[task]) return arrow::Status::OK();
  answers_[task] = std::move(answer);
  for (; next_ < answers_.size() && answers_[next_]; ++next_) {
    const auto started = std::chrono::steady_clock::now();
    ARROW_RETURN_NOT_OK(Deliver(*answers_[next_]));
    answers_[next_] = WindowAnswer{};  // what it held is not needed any more
    summary_.write_seconds +=
        std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  }
  return arrow::Status::OK();
}

arrow::Status FeatureDelivery::Deliver(const WindowAnswer& answer) {
  summary_.entities += answer.entities;
  for (const auto& [date, status] : answer.failed) {
    if (date >= wanted_.size()) return MakeError(ErrorCode::kRunFailed, "a task answered amiss");
    Fail(date, status);
  }
  const std::vector<size_t>& dates = answer.features.dates;
  if (!dates.empty()) {
    ARROW_ASSIGN_OR_RAISE(
        FeatureFileReader reader,
        InWorkFolder(FeatureFileReader::Open(work_.filesystem, answer.features), work_));
    // The task wrote waves, each with at most one batch per date, in the order of the dates.
    for (size_t begin = 0; begin < dates.size();) {
      std::vector<size_t> of_wave;
      std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
      size_t end = begin;
      do {
        if (dates[end] >= wanted_.size()) {
          return MakeError(ErrorCode::kRunFailed, "a task answered amiss");
        }
        ARROW_ASSIGN_OR_RAISE(auto batch, reader.Read(end));
        of_wave.push_back(dates[end]);
        batches.push_back(std::move(batch));
        ++end;
      } while (end < dates.size() && dates[end] > dates[end - 1]);
      ARROW_RETURN_NOT_OK(AppendWave(of_wave, batches));
      begin = end;
    }
  }
  // What cannot be removed now goes with the folder.
  static_cast<void>(work_.filesystem->DeleteFile(answer.features.path));
  return arrow::Status::OK();
}

arrow::Status FeatureDelivery::AppendWave(
    const std::vector<size_t>& dates,
    const std::vector<std::shared_ptr<arrow::RecordBatch>>& batches) {
  std::vector<arrow::Status> statuses(dates.size());
  ARROW_RETURN_NOT_OK(
      ParallelFor(static_cast<int64_t>(dates.size()), options_.writers, options_.cancelled,
                  [&](int64_t index, int) -> arrow::Status {
                    const auto i = static_cast<size_t>(index);
                    const size_t date = dates[i];
                    if (!wanted_[date] || !summary_.dates[date].ok()) {
                      return arrow::Status::OK();
                    }
                    statuses[i] = sink_->Append(date, batches[i]);
                    const bool is_interrupted = CodeOf(statuses[i]) == ErrorCode::kInterrupted;
                    return !statuses[i].ok() && is_interrupted ? statuses[i] : arrow::Status::OK();
                  }));
  for (size_t i = 0; i < dates.size(); ++i) Fail(dates[i], std::move(statuses[i]));
  return arrow::Status::OK();
}

void FeatureDelivery::Fail(size_t date, arrow::Status status) {
  if (summary_.dates[date].ok()) summary_.dates[date] = std::move(status);
}

}  // namespace tidemill
