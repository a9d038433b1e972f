// The side of a distributed pass that hands out tasks and takes answers.
//
//     plan ── scan tasks ──> files of tiles ── ranges of entities ── window tasks ──> features
//                     (work folder)                                       (work folder)
//
// Between the two phases there is no shuffle. The files of tiles are sorted by entity and tell the
// first key of each of their segments, so cutting them all at the same keys is a matter of a few
// comparisons here, and a window task reads its slices out of every file by itself.
//
// Nothing here depends on which worker did what, or on the order in which answers come: the sums of
// a scan are exact, its metrics are merged in the order of the tasks, features are handed on in the
// order of the tasks. Hence they are the native engine's.

#include <algorithm>
#include <optional>
#include <utility>

#include "distributed/feature_delivery.h"
#include "distributed/metrics_file.h"
#include "distributed/planned_pass.h"
#include "distributed/task_result.h"
#include "distributed/task_sizes.h"
#include "distributed/work_errors.h"
#include "engine/pass_engine.h"
#include "runner/work_folder.h"
#include "tidemill/tasks.h"

namespace tidemill {
namespace {

class DistributedWork : public PassWork {
 public:
  DistributedWork(const Plan& plan, const PassRequest& request,
                  std::shared_ptr<TaskScheduler> scheduler, TaskSizes sizes,
                  TaskResources resources)
      : plan_(plan),
        request_(request),
        scheduler_(std::move(scheduler)),
        sizes_(sizes),
        slots_(std::max(resources.slots, 1)),
        memory_(resources.memory > 0 ? resources.memory : kUsualTaskMemory) {
    // --memory is for whoever computes: half of it may be tiles, and a third of a task's memory.
    const int64_t wanted = request.options.tile_memory * 2;
    if (wanted > 0) memory_ = std::min(memory_, wanted);
  }

  arrow::Status Begin() {
    ARROW_ASSIGN_OR_RAISE(pass_, DescribePass(plan_, request_, memory_));
    ARROW_ASSIGN_OR_RAISE(folder_, WorkFolder::Create(request_.work));
    return arrow::Status::OK();
  }

  arrow::Result<ScanSummary> Scan() override {
    const std::vector<ScanTask> parts = CutScan(plan_, sizes_, slots_);
    std::vector<std::optional<ScanAnswer>> answers(parts.size());
    int64_t rows_done = 0;
    const auto take = [&](size_t task, const std::string& text) -> arrow::Status {
      ARROW_ASSIGN_OR_RAISE(ScanAnswer answer, AnswerFromText<ScanAnswer>(text));
      if (task >= answers.size() || answer.counts.rows_of_slot.size() != num_slots() ||
          answer.counts.looked_up.size() != plan_.dimensions.size() ||
          answer.counts.not_found.size() != plan_.dimensions.size()) {
        return Amiss();
      }
      if (answers[task]) return arrow::Status::OK();
      for (size_t m = parts[task].begin; m < parts[task].end; ++m) {
        rows_done += plan_.morsels[m].num_rows;
      }
      answers[task] = std::move(answer);
      Report("scan", rows_done, plan_.num_rows);
      return arrow::Status::OK();
    };
    ARROW_RETURN_NOT_OK(RunTasks(parts, take));
    return Sum(std::move(answers));
  }

  arrow::Result<FeatureSummary> Features(const std::vector<bool>& wanted,
                                         FeatureSink* sink) override {
    ARROW_ASSIGN_OR_RAISE(const TileLayout layout, MakeTileLayout(*plan_.pipeline));
    const std::vector<Bucket> ranges = CutWindows(plan_, layout, tiles_, sizes_, slots_, memory_);
    std::vector<WindowTask> parts;
    for (const Bucket& range : ranges) {
      WindowTask part{range.keys, {}, wanted};
      for (const FileSlice& slice : range.files) {
        part.tiles.push_back({slice.file->path, slice.file->bytes, slice.begin, slice.end});
      }
      parts.push_back(std::move(part));
    }
    FeatureDelivery delivery(parts.size(), wanted, request_.work, request_.options, sink);
    const auto take = [&](size_t task, const std::string& text) -> arrow::Status {
      ARROW_ASSIGN_OR_RAISE(WindowAnswer answer, AnswerFromText<WindowAnswer>(text));
      if (task >= parts.size()) return Amiss();
      ARROW_RETURN_NOT_OK(delivery.Take(task, std::move(answer)));
      Report("merge", static_cast<int64_t>(delivery.delivered()),
             static_cast<int64_t>(parts.size()));
      return arrow::Status::OK();
    };
    ARROW_RETURN_NOT_OK(RunTasks(parts, take));
    if (delivery.delivered() < parts.size()) return Unanswered();
    return delivery.summary();
  }

 private:
  template <typename Part, typename Take>
  arrow::Status RunTasks(const std::vector<Part>& parts, const Take& take) {
    if (parts.empty()) return arrow::Status::OK();
    std::vector<std::string> tasks;
    for (const Part& part : parts) tasks.push_back(TaskToText({pass_, part}));
    return scheduler_->Run(tasks, take, [this] { return IsCancelled(); });
  }

  arrow::Result<ScanSummary> Sum(std::vector<std::optional<ScanAnswer>> answers) {
    ScanSummary summary;
    summary.counts.rows_of_slot.assign(num_slots(), 0);
    summary.counts.looked_up.assign(plan_.dimensions.size(), 0);
    summary.counts.not_found.assign(plan_.dimensions.size(), 0);
    FrameMetrics metrics(&plan_.pipeline->input_checks, plan_.strata.size());
    for (std::optional<ScanAnswer>& answer : answers) {
      if (!answer) return Unanswered();
      summary.counts.Add(answer->counts);
      summary.spilled_bytes += answer->spilled_bytes;
      if (!answer->metrics.empty()) {
        ARROW_RETURN_NOT_OK(
            InWorkFolder(MergeMetrics(request_.work, answer->metrics, &metrics), request_.work));
      }
      for (RowSpoolFile& file : answer->quarantined) {
        file.filesystem = request_.work.filesystem;
        summary.quarantined.push_back(std::move(file));
      }
      if (answer->tiles) {
        summary.spilled_bytes += answer->tiles->bytes;
        answer->tiles->filesystem = request_.work.filesystem;
        tiles_.push_back(*std::move(answer->tiles));
      }
    }
    summary.input_metrics = InputMetricsOf(plan_, metrics);
    return summary;
  }

  size_t num_slots() const { return static_cast<size_t>(plan_.strata.slots().size()); }

  static arrow::Status Amiss() {
    return MakeError(ErrorCode::kRunFailed, "the scheduler gave an answer to no task of this pass");
  }

  static arrow::Status Unanswered() {
    return MakeError(ErrorCode::kRunFailed, "the scheduler left tasks without an answer");
  }

  bool IsCancelled() const {
    return request_.options.cancelled != nullptr && *request_.options.cancelled;
  }

  void Report(const char* stage, int64_t done, int64_t total) {
    if (request_.options.on_progress) request_.options.on_progress(stage, done, total);
  }

  const Plan& plan_;
  const PassRequest& request_;
  std::shared_ptr<TaskScheduler> scheduler_;
  TaskSizes sizes_;
  int slots_;
  int64_t memory_;
  PassDescription pass_;
  std::unique_ptr<WorkFolder> folder_;
  std::vector<TileFile> tiles_;
};

class EngineOfTasks : public PassEngine {
 public:
  EngineOfTasks(std::shared_ptr<TaskScheduler> scheduler, TaskSizes sizes)
      : scheduler_(std::move(scheduler)), sizes_(sizes) {}

  arrow::Result<std::unique_ptr<PassWork>> Begin(const Plan& plan,
                                                 const PassRequest& request) override {
    ARROW_ASSIGN_OR_RAISE(const TaskResources resources, scheduler_->Resources());
    auto work = std::make_unique<DistributedWork>(plan, request, scheduler_, sizes_, resources);
    ARROW_RETURN_NOT_OK(work->Begin());
    return work;
  }

 private:
  std::shared_ptr<TaskScheduler> scheduler_;
  TaskSizes sizes_;
};

}  // namespace

std::shared_ptr<PassEngine> DistributedEngine(std::shared_ptr<TaskScheduler> scheduler,
                                              TaskSizes sizes) {
  return std::make_shared<EngineOfTasks>(std::move(scheduler), sizes);
}

}  // namespace tidemill
