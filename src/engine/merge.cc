#include "engine/merge.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <mutex>

#include "engine/bucket.h"
#include "engine/feature_batch.h"
#include "engine/window_merger.h"
#include "storage/parallel_for.h"

namespace tidemill {
namespace {

/// Tiles of one bucket: about what a core's second-level cache holds with the tables built from it.
constexpr int64_t kBucketBytes = 1 << 20;
/// Feature rows (over all dates) of a wave; two waves are in memory at a time.
constexpr int64_t kWaveRows = 1 << 19;

using DateBatches = std::vector<std::shared_ptr<arrow::RecordBatch>>;

class Merger {
 public:
  Merger(const Plan& plan, const ScanResult& scan, const std::vector<bool>& wanted,
         int64_t run_timestamp, const PassOptions& options, FeatureSink* sink)
      : plan_(plan),
        scan_(scan),
        wanted_(wanted),
        run_timestamp_(run_timestamp),
        options_(options),
        sink_(sink),
        spans_(plan.strata, plan.dates.size(), plan.pipeline->windows.size()) {
    result_.rows_of_date.assign(plan.dates.size(), 0);
    for (size_t d = 0; d < plan.dates.size(); ++d) {
      result_.output_metrics.emplace_back(&plan.pipeline->output_checks, 1);
    }
  }

  arrow::Result<MergeResult> Run() {
    buckets_ = scan_.tiles->Cut(kBucketBytes);
    // Buckets are computed in waves, in parallel; while the next wave is computed, each date's
    // batches of this one are written, in order.
    std::future<arrow::Status> writing;
    const auto dates = static_cast<int64_t>(plan_.dates.size());
    size_t begin = 0;
    while (begin < buckets_.size()) {
      size_t end = begin;
      int64_t rows = 0;
      while (end < buckets_.size() &&
             (rows < kWaveRows || end - begin < static_cast<size_t>(options_.threads))) {
        rows += buckets_[end++].num_rows * std::max<int64_t>(1, dates / 4);
      }
      ARROW_ASSIGN_OR_RAISE(auto wave, ComputeWave(begin, end));
      ARROW_RETURN_NOT_OK(WaitFor(&writing));
      writing = std::async(std::launch::async,
                           [this, wave = std::move(wave)] { return WriteWave(wave); });
      begin = end;
    }
    ARROW_RETURN_NOT_OK(WaitFor(&writing));
    return std::move(result_);
  }

 private:
  arrow::Result<std::vector<DateBatches>> ComputeWave(size_t begin, size_t end) {
    std::vector<DateBatches> wave(end - begin);
    const auto total = static_cast<int64_t>(buckets_.size());
    ARROW_RETURN_NOT_OK(ParallelFor(static_cast<int64_t>(end - begin), options_.threads,
                                    options_.cancelled, [&](int64_t i, int) -> arrow::Status {
                                      const size_t index = begin + static_cast<size_t>(i);
                                      ARROW_ASSIGN_OR_RAISE(wave[static_cast<size_t>(i)],
                                                            RunBucket(buckets_[index]));
                                      std::lock_guard lock(mutex_);
                                      ++buckets_done_;
                                      if (options_.on_progress) {
                                        options_.on_progress("merge", buckets_done_, total);
                                      }
                                      return arrow::Status::OK();
                                    }));
    return wave;
  }

  arrow::Status WriteWave(const std::vector<DateBatches>& wave) {
    return ParallelFor(static_cast<int64_t>(plan_.dates.size()), options_.writers,
                       options_.cancelled, [&](int64_t d, int) -> arrow::Status {
                         for (const DateBatches& batches : wave) {
                           const auto& batch = batches[static_cast<size_t>(d)];
                           if (batch == nullptr || batch->num_rows() == 0) continue;
                           ARROW_RETURN_NOT_OK(sink_->Append(static_cast<size_t>(d), batch));
                         }
                         return arrow::Status::OK();
                       });
  }

  arrow::Status WaitFor(std::future<arrow::Status>* writing) {
    if (!writing->valid()) return arrow::Status::OK();
    const auto started = std::chrono::steady_clock::now();
    arrow::Status status = writing->get();
    result_.write_seconds +=
        std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    return status;
  }

  arrow::Result<DateBatches> RunBucket(const Bucket& bucket) {
    const BoundPipeline& pipeline = *plan_.pipeline;
    ARROW_ASSIGN_OR_RAISE(const BucketTable table, BucketTable::Make(*scan_.layout, bucket));
    WindowMerger merger(plan_, scan_, table, spans_);
    ARROW_RETURN_NOT_OK(merger.Prepare());
    DateBatches batches(plan_.dates.size());
    for (size_t d = 0; d < plan_.dates.size(); ++d) {
      ARROW_ASSIGN_OR_RAISE(DateAggregates aggregates, merger.Next(wanted_[d]));
      if (!wanted_[d]) continue;
      ARROW_ASSIGN_OR_RAISE(
          batches[d], MakeFeatureBatch(pipeline, *scan_.codec, table, aggregates,
                                       plan_.calendar->DayOf(plan_.dates[d]), run_timestamp_));
      ARROW_RETURN_NOT_OK(Measure(d, *batches[d]));
    }
    std::lock_guard lock(mutex_);
    result_.entities += static_cast<int64_t>(table.num_entities());
    return batches;
  }

  arrow::Status Measure(size_t date, const arrow::RecordBatch& batch) {
    const FrameChecks& checks = plan_.pipeline->output_checks;
    FrameMetrics metrics(&checks, 1);
    if (!checks.metrics.empty() && batch.num_rows() > 0) {
      Frame frame;
      frame.num_rows = batch.num_rows();
      for (const auto& column : batch.columns()) frame.columns.emplace_back(column);
      Evaluator evaluator(&frame);
      ArgumentReader reader(&frame, &evaluator);
      ARROW_RETURN_NOT_OK(metrics.Update(&reader, nullptr, 0));
    }
    std::lock_guard lock(mutex_);
    result_.rows_of_date[date] += batch.num_rows();
    result_.output_metrics[date].Merge(metrics);
    return arrow::Status::OK();
  }

  const Plan& plan_;
  const ScanResult& scan_;
  const std::vector<bool>& wanted_;
  int64_t run_timestamp_;
  const PassOptions& options_;
  FeatureSink* sink_;
  DateSpans spans_;
  std::vector<Bucket> buckets_;
  std::mutex mutex_;
  int64_t buckets_done_ = 0;
  MergeResult result_;
};

}  // namespace

arrow::Result<MergeResult> Merge(const Plan& plan, const ScanResult& scan,
                                 const std::vector<bool>& wanted, int64_t run_timestamp,
                                 const PassOptions& options, FeatureSink* sink) {
  return Merger(plan, scan, wanted, run_timestamp, options, sink).Run();
}

}  // namespace tidemill
