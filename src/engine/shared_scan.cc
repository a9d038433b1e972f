#include "engine/shared_scan.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "engine/plan_scan.h"
#include "storage/parallel_for.h"

namespace tidemill {
namespace {

/// One of the passes.
struct Sharer {
  const Plan* plan = nullptr;
  const PassRequest* request = nullptr;
  std::optional<PlanScan> scan;
  std::atomic<bool> has_failed = false;
  size_t failed_at = 0;  ///< the first row group that failed
  arrow::Status status;
  std::optional<ScanResult> result;
};

/// A row group and who needs it.
struct SharedMorsel {
  int64_t num_rows = 0;
  std::vector<std::pair<Sharer*, const MorselRef*>> takers;
};

/// Columns of a row group that are read together: no name twice with different types. Files of
/// other days can widen a column for one pass alone.
struct ReadSet {
  std::vector<std::string> columns;
  std::vector<std::shared_ptr<arrow::DataType>> types;
  std::pair<Sharer*, const MorselRef*> reader;  ///< the first of those that take it
  std::vector<std::pair<Sharer*, const MorselRef*>> takers;

  /// Whether the columns of `plan` fit in; then they are added.
  bool Add(const Plan& plan) {
    const arrow::Schema& schema = *plan.source->file_schema;
    std::vector<std::string> more;
    for (const std::string& name : plan.file_columns) {
      const auto found = std::ranges::find(columns, name);
      if (found == columns.end()) {
        more.push_back(name);
      } else if (!types[static_cast<size_t>(found - columns.begin())]->Equals(
                     *schema.GetFieldByName(name)->type())) {
        return false;
      }
    }
    for (const std::string& name : more) {
      columns.push_back(name);
      types.push_back(schema.GetFieldByName(name)->type());
    }
    return true;
  }
};

class ScanForAll {
 public:
  Sharer* Join(const Plan& plan, const PassRequest& request) {
    sharers_.push_back(std::make_unique<Sharer>());
    sharers_.back()->plan = &plan;
    sharers_.back()->request = &request;
    return sharers_.back().get();
  }

  void RunOnce() {
    if (std::exchange(has_run_, true)) return;
    const arrow::Status status = Run();
    for (const auto& sharer : sharers_) {
      if (sharer->status.ok()) sharer->status = status;
      if (sharer->status.ok()) sharer->status = Finish(sharer.get());
      sharer->scan.reset();
    }
  }

 private:
  arrow::Status Run() {
    int threads = 1;
    for (const auto& sharer : sharers_) {
      const PassOptions& options = sharer->request->options;
      threads = std::max(threads, options.threads);
      sharer->status = PlanScan::Begin(*sharer->plan, options).Value(&sharer->scan);
      sharer->has_failed = !sharer->status.ok();
    }
    const std::vector<SharedMorsel> morsels = Morsels();
    int64_t num_rows = 0;
    for (const SharedMorsel& morsel : morsels) num_rows += morsel.num_rows;
    const PassOptions& options = sharers_.front()->request->options;
    std::mutex progress;
    int64_t rows_done = 0;
    return ParallelFor(static_cast<int64_t>(morsels.size()), threads, options.cancelled,
                       [&](int64_t index, int thread) -> arrow::Status {
                         const auto m = static_cast<size_t>(index);
                         for (const ReadSet& set : ReadSetsOf(morsels[m])) Take(set, m, thread);
                         const std::lock_guard lock(progress);
                         rows_done += morsels[m].num_rows;
                         if (options.on_progress) {
                           options.on_progress("scan", rows_done, num_rows);
                         }
                         return arrow::Status::OK();
                       });
  }

  static arrow::Status Finish(Sharer* sharer) {
    ARROW_ASSIGN_OR_RAISE(sharer->result, std::move(*sharer->scan).Finish());
    const Plan& plan = *sharer->plan;
    if (plan.universe == nullptr) return arrow::Status::OK();
    return ScanUniverse(plan, sharer->request->options, &*sharer->result);
  }

  /// The row groups of all passes, in the order of the listing.
  std::vector<SharedMorsel> Morsels() const {
    std::map<std::pair<std::string, int>, SharedMorsel> by_place;
    for (const auto& sharer : sharers_) {
      for (const MorselRef& ref : sharer->plan->morsels) {
        const DataFile& file = sharer->plan->source->files[static_cast<size_t>(ref.file)];
        SharedMorsel& morsel = by_place[{file.relative_path, ref.row_group}];
        morsel.num_rows = ref.num_rows;
        morsel.takers.emplace_back(sharer.get(), &ref);
      }
    }
    std::vector<SharedMorsel> morsels;
    for (auto& [place, morsel] : by_place) morsels.push_back(std::move(morsel));
    return morsels;
  }

  static std::vector<ReadSet> ReadSetsOf(const SharedMorsel& morsel) {
    std::vector<ReadSet> sets;
    for (const auto& taker : morsel.takers) {
      if (taker.first->has_failed) continue;
      const Plan& plan = *taker.first->plan;
      auto set = std::ranges::find_if(sets, [&](ReadSet& one) { return one.Add(plan); });
      if (set == sets.end()) {
        set = sets.emplace(sets.end());
        set->reader = taker;
        set->Add(plan);
      }
      set->takers.push_back(taker);
    }
    return sets;
  }

  void Take(const ReadSet& set, size_t index, int thread) {
    // Columns that only others of the set know are in files all the same, under the same types.
    const auto& [reader, reader_ref] = set.reader;
    arrow::FieldVector fields;
    for (size_t i = 0; i < set.columns.size(); ++i) {
      fields.push_back(arrow::field(set.columns[i], set.types[i]));
    }
    const auto raw = ReadMorsel(*reader->plan->source, reader_ref->file, reader_ref->row_group,
                                arrow::Schema(std::move(fields)), set.columns);
    for (const auto& [sharer, ref] : set.takers) {
      if (sharer->has_failed) continue;
      const arrow::Status status = raw.ok() ? sharer->scan->Take(*ref, *raw, thread) : raw.status();
      if (!status.ok()) Fail(sharer, index, status);
    }
  }

  /// The failure of the first row group counts, as when a pass scans alone.
  void Fail(Sharer* sharer, size_t index, const arrow::Status& status) {
    const std::lock_guard lock(mutex_);
    if (sharer->has_failed && sharer->failed_at < index) return;
    sharer->has_failed = true;
    sharer->failed_at = index;
    sharer->status = status;
  }

  std::vector<std::unique_ptr<Sharer>> sharers_;
  bool has_run_ = false;
  std::mutex mutex_;
};

class SharedWork : public PassWork {
 public:
  SharedWork(std::shared_ptr<ScanForAll> scan, Sharer* sharer)
      : scan_(std::move(scan)), sharer_(sharer) {}
  ~SharedWork() override { sharer_->result.reset(); }

  arrow::Result<ScanSummary> Scan() override {
    scan_->RunOnce();
    ARROW_RETURN_NOT_OK(sharer_->status);
    sharer_->plan->loaded->Release();
    const ScanResult& result = *sharer_->result;
    return ScanSummary{result.counts, InputMetricsOf(*sharer_->plan, result.input_metrics),
                       result.tiles->spilled_bytes() + result.spilled_rows, result.quarantined};
  }

  arrow::Result<FeatureSummary> Features(const std::vector<bool>& wanted,
                                         FeatureSink* sink) override {
    return Merge(*sharer_->plan, *sharer_->result, wanted, sharer_->request->run_timestamp,
                 sharer_->request->options, sink);
  }

 private:
  std::shared_ptr<ScanForAll> scan_;
  Sharer* sharer_;
};

class SharedScanEngine : public PassEngine {
 public:
  arrow::Result<std::unique_ptr<PassWork>> Begin(const Plan& plan,
                                                 const PassRequest& request) override {
    return std::make_unique<SharedWork>(scan_, scan_->Join(plan, request));
  }

 private:
  std::shared_ptr<ScanForAll> scan_ = std::make_shared<ScanForAll>();
};

}  // namespace

std::shared_ptr<PassEngine> SharedScan() { return std::make_shared<SharedScanEngine>(); }

}  // namespace tidemill
