#include "engine/merge.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <mutex>
#include <optional>
#include <utility>

#include "engine/bucket.h"
#include "engine/feature_batch.h"
#include "engine/window_merger.h"
#include "storage/parallel_for.h"

namespace tidemill {
namespace {

/// Tiles of one bucket: about what a core's second-level cache holds with the tables built from it.
constexpr int64_t kBucketBytes = 1 << 20;

/// What one bucket gives for each date; nothing for dates that are not wanted.
using DateRows = std::vector<std::optional<AggregateRows>>;

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
    result_.dates.resize(plan.dates.size());
  }

  arrow::Result<FeatureSummary> Run() {
    buckets_ = scan_.tiles->Cut(kBucketBytes);
    // Buckets are merged in waves, in parallel; while the next wave is merged, each date's features
    // of this one are evaluated and written, in order.
    std::future<arrow::Status> writing;
    const auto dates = static_cast<int64_t>(plan_.dates.size());
    size_t begin = 0;
    while (begin < buckets_.size()) {
      size_t end = begin;
      int64_t rows = 0;
      while (end < buckets_.size() && (rows < options_.wave_rows || end == begin)) {
        // A tile gives a row to every date whose window holds it, or fewer: other tiles of its
        // entity are in the same windows. Entities that always have a row give one to every date.
        const int64_t of_tile = plan_.universe != nullptr ? dates : dates / 4;
        rows += buckets_[end++].num_rows * std::max<int64_t>(1, of_tile);
      }
      ARROW_ASSIGN_OR_RAISE(auto wave, MergeWave(begin, end));
      ARROW_RETURN_NOT_OK(WaitFor(&writing));
      writing = std::async(std::launch::async,
                           [this, wave = std::move(wave)] { return WriteWave(wave); });
      begin = end;
    }
    ARROW_RETURN_NOT_OK(WaitFor(&writing));
    return std::move(result_);
  }

 private:
  arrow::Result<std::vector<DateRows>> MergeWave(size_t begin, size_t end) {
    std::vector<DateRows> wave(end - begin);
    const auto total = static_cast<int64_t>(buckets_.size());
    ARROW_RETURN_NOT_OK(ParallelFor(static_cast<int64_t>(end - begin), options_.threads,
                                    options_.cancelled, [&](int64_t i, int) -> arrow::Status {
                                      const size_t index = begin + static_cast<size_t>(i);
                                      ARROW_ASSIGN_OR_RAISE(wave[static_cast<size_t>(i)],
                                                            MergeBucket(buckets_[index]));
                                      std::lock_guard lock(mutex_);
                                      ++buckets_done_;
                                      if (options_.on_progress) {
                                        options_.on_progress("merge", buckets_done_, total);
                                      }
                                      return arrow::Status::OK();
                                    }));
    return wave;
  }

  arrow::Result<DateRows> MergeBucket(const Bucket& bucket) {
    ARROW_ASSIGN_OR_RAISE(const BucketTable table, BucketTable::Make(*scan_.layout, bucket));
    WindowMerger merger(plan_, scan_, table, spans_);
    ARROW_RETURN_NOT_OK(merger.Prepare());
    DateRows rows(plan_.dates.size());
    for (size_t d = 0; d < plan_.dates.size(); ++d) {
      auto aggregates = merger.Next(IsWanted(d));
      if (!aggregates.ok()) {
        Fail(d, aggregates.status());
        continue;
      }
      if (aggregates->entities.empty()) continue;
      ARROW_ASSIGN_OR_RAISE(rows[d],
                            AggregateRows::Of(*scan_.codec, table, *std::move(aggregates)));
    }
    std::lock_guard lock(mutex_);
    result_.entities += static_cast<int64_t>(table.num_entities());
    return rows;
  }

  arrow::Status WriteWave(const std::vector<DateRows>& wave) {
    return ParallelFor(static_cast<int64_t>(plan_.dates.size()), options_.writers,
                       options_.cancelled, [&](int64_t index, int) -> arrow::Status {
                         const auto d = static_cast<size_t>(index);
                         if (!IsWanted(d)) return arrow::Status::OK();
                         auto status = WriteDate(d, wave);
                         if (status.ok()) return status;
                         if (CodeOf(status) == ErrorCode::kInterrupted) return status;
                         Fail(d, std::move(status));
                         return arrow::Status::OK();
                       });
  }

  arrow::Status WriteDate(size_t date, const std::vector<DateRows>& wave) {
    std::vector<const AggregateRows*> parts;
    for (const DateRows& rows : wave) {
      if (rows[date]) parts.push_back(&*rows[date]);
    }
    if (parts.empty()) return arrow::Status::OK();
    ARROW_ASSIGN_OR_RAISE(AggregateRows rows, AggregateRows::Concatenate(parts));
    ARROW_ASSIGN_OR_RAISE(
        const auto batch,
        MakeFeatureBatch(*plan_.pipeline, std::move(rows), plan_.calendar->DayOf(plan_.dates[date]),
                         run_timestamp_));
    return sink_->Append(date, batch);
  }

  bool IsWanted(size_t date) {
    std::lock_guard lock(mutex_);
    return wanted_[date] && result_.dates[date].ok();
  }

  void Fail(size_t date, arrow::Status status) {
    std::lock_guard lock(mutex_);
    if (result_.dates[date].ok()) result_.dates[date] = std::move(status);
  }

  arrow::Status WaitFor(std::future<arrow::Status>* writing) {
    if (!writing->valid()) return arrow::Status::OK();
    const auto started = std::chrono::steady_clock::now();
    arrow::Status status = writing->get();
    result_.write_seconds +=
        std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    return status;
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
  FeatureSummary result_;
};

}  // namespace

arrow::Result<FeatureSummary> Merge(const Plan& plan, const ScanResult& scan,
                                    const std::vector<bool>& wanted, int64_t run_timestamp,
                                    const PassOptions& options, FeatureSink* sink) {
  return Merger(plan, scan, wanted, run_timestamp, options, sink).Run();
}

}  // namespace tidemill
