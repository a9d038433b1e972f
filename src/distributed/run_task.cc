// What a worker does: a task in, an answer out.
//
// Both kinds of task are what the native engine does with a part of the pass. A scan task reduces
// its morsels to tiles, as ever within a budget of memory, and merges them into one sorted file. A
// window task takes one range of entities out of all those files; from there on it is a pass of its
// own whose tiles happen to be in memory already.
//
// A task may be run again: because its worker was lost, because its answer was, because a scheduler
// was impatient. So nothing that an attempt does shows until its answer arrives. Its files have
// names that no other attempt has, and only the answer tells them. Two answers to one task name
// different files with the same content, and either will do.

#include <algorithm>
#include <new>
#include <utility>

#include <arrow/ipc/writer.h>

#include "distributed/metrics_file.h"
#include "distributed/pass_task.h"
#include "distributed/planned_pass.h"
#include "distributed/task_result.h"
#include "distributed/work_errors.h"
#include "engine/feature_file.h"
#include "engine/merge.h"
#include "runner/pass_size.h"
#include "storage/parallel_for.h"
#include "storage/remote_filesystem.h"
#include "storage/scratch_folder.h"
#include "table/run_id.h"
#include "tidemill/tasks.h"

namespace tidemill {
namespace {

/// Segments of a file of tiles: smaller ones cost more in requests than they save in bytes.
constexpr int64_t kLeastSegment = 16 << 10;
constexpr int64_t kMostSegment = 1 << 20;

std::string NewPath(const Location& work, const char* kind) {
  return work.path + "/" + kind + "-" + MakeUuid() + ".arrow";
}

arrow::Result<ScanAnswer> Run(const ScanTask& task, const PassDescription& pass,
                              const PlannedPass& planned) {
  const Plan& plan = planned.plan;
  if (task.begin > task.end || task.end > plan.morsels.size()) {
    return MakeError(ErrorCode::kInvalid, "the task asks for row groups that are not in the plan");
  }
  ScratchFolder scratch("");
  PassOptions options;
  options.portable_tiles = true;
  options.tile_memory = pass.memory / 3;
  options.dimension_memory = pass.memory / 3;
  options.scratch = [&scratch] { return scratch.NewPath(); };
  if (pass.keep_quarantined) {
    options.quarantine = [&planned]() -> arrow::Result<NewFile> {
      return InWorkFolder(BeginFile(planned.work.filesystem, NewPath(planned.work, "quarantine")),
                          planned.work);
    };
  }
  ARROW_ASSIGN_OR_RAISE(ScanResult scan, ScanMorsels(plan, task.begin, task.end, options));
  if (task.universe && plan.universe != nullptr) {
    ARROW_RETURN_NOT_OK(ScanUniverse(plan, options, &scan));
  }
  ScanAnswer answer;
  answer.counts = scan.counts;
  answer.spilled_bytes = scan.tiles->spilled_bytes() + scan.spilled_rows;
  answer.quarantined = scan.quarantined;
  const Location& work = planned.work;
  if (const int64_t memory = scan.tiles->memory(); memory > 0) {
    const int64_t segment =
        std::clamp(memory / std::max<int64_t>(task.segments, 1), kLeastSegment, kMostSegment);
    ARROW_ASSIGN_OR_RAISE(
        answer.tiles,
        InWorkFolder(scan.tiles->WriteSorted(work.filesystem, NewPath(work, "tiles"), segment),
                     work));
  }
  if (!plan.pipeline->input_checks.metrics.empty()) {
    answer.metrics = NewPath(work, "metrics");
    ARROW_RETURN_NOT_OK(InWorkFolder(WriteMetrics(scan.input_metrics, work, answer.metrics), work));
  }
  return answer;
}

/// The tiles of the task's range, as the scan of a pass would leave them.
arrow::Result<ScanResult> LoadTiles(const WindowTask& task, const PlannedPass& planned,
                                    const PassOptions& options) {
  ARROW_ASSIGN_OR_RAISE(ScanResult scan, EmptyScan(planned.plan, options));
  const Location& work = planned.work;
  std::vector<std::vector<TileRun>> runs(task.tiles.size());
  const auto load = [&](int64_t index, int) -> arrow::Status {
    const TileSegments& segments = task.tiles[static_cast<size_t>(index)];
    TileFile file;
    file.filesystem = work.filesystem;
    file.path = segments.path;
    file.bytes = segments.bytes;
    ARROW_ASSIGN_OR_RAISE(TileFileReader reader, TileFileReader::Open(file));
    for (size_t segment = segments.begin; segment < segments.end; ++segment) {
      ARROW_ASSIGN_OR_RAISE(TileRun run, reader.Read(*scan.layout, segment, task.keys));
      runs[static_cast<size_t>(index)].push_back(std::move(run));
    }
    return arrow::Status::OK();
  };
  ARROW_RETURN_NOT_OK(InWorkFolder(ParallelFor(static_cast<int64_t>(task.tiles.size()),
                                               work.is_local ? 1 : kRemoteRequests, nullptr, load),
                                   work));
  for (auto& of_file : runs) {
    for (TileRun& run : of_file) ARROW_RETURN_NOT_OK(scan.tiles->Add(std::move(run)));
  }
  return scan;
}

arrow::Result<WindowAnswer> Run(const WindowTask& task, const PassDescription& pass,
                                const PlannedPass& planned) {
  const Plan& plan = planned.plan;
  if (task.wanted.size() != plan.dates.size()) {
    return MakeError(ErrorCode::kInvalid, "the task asks for dates that are not in the plan");
  }
  PassOptions options;
  options.portable_tiles = true;
  constexpr int64_t kMostWaves = 64'000'000;
  options.wave_rows =
      std::max<int64_t>(1, std::min(pass.memory / 8, kMostWaves) / 2 / FeatureRowMemory(plan));
  ARROW_ASSIGN_OR_RAISE(const ScanResult scan, LoadTiles(task, planned, options));
  const Location& work = planned.work;
  ARROW_ASSIGN_OR_RAISE(auto writer, InWorkFolder(FeatureFileWriter::Create(
                                                      work.filesystem, NewPath(work, "features"),
                                                      plan.pipeline->output),
                                                  work));
  ARROW_ASSIGN_OR_RAISE(const FeatureSummary summary,
                        Merge(plan, scan, task.wanted, pass.run_timestamp, options, writer.get()));
  WindowAnswer answer;
  ARROW_ASSIGN_OR_RAISE(answer.features, InWorkFolder(writer->Finish(), work));
  answer.entities = summary.entities;
  for (size_t d = 0; d < summary.dates.size(); ++d) {
    if (!summary.dates[d].ok()) answer.failed.emplace_back(d, summary.dates[d]);
  }
  return answer;
}

arrow::Result<TaskAnswer> Answer(const std::string& text) {
  ARROW_ASSIGN_OR_RAISE(const PassTask task, TaskFromText(text));
  ARROW_ASSIGN_OR_RAISE(const auto planned, PlanAgain(task.pass));
  return std::visit(
      [&](const auto& part) -> arrow::Result<TaskAnswer> {
        ARROW_ASSIGN_OR_RAISE(auto answer, Run(part, task.pass, *planned));
        return answer;
      },
      task.part);
}

}  // namespace

arrow::Result<std::string> RunTask(const std::string& task) {
  try {
    arrow::Result<TaskAnswer> answer = Answer(task);
    if (answer.ok()) return AnswerToText(*answer);
    // Whatever has to do with files may go well elsewhere or later.
    if (answer.status().IsIOError()) return answer.status();
    return AnswerToText(answer.status());
  } catch (const std::bad_alloc&) {
    return arrow::Status::IOError("out of memory: the workers need more for each task");
  }
}

}  // namespace tidemill
