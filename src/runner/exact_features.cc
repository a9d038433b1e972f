// Features as of each label's own instant, computed from events.
//
// The pass is that of a run: events are read once, reduced to tiles, merged. Only what a tile
// stands for differs (engine/label_windows.h).

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "engine/label_merge.h"
#include "engine/label_plan.h"
#include "runner/label_features.h"
#include "runner/pass_size.h"
#include "runner/prepare.h"

namespace tidemill {
namespace {

/// Puts the features of labels on the shelf and notes who has some.
class ShelfSink : public LabelSink {
 public:
  ShelfSink(FeatureShelf* shelf, std::vector<LabelGap>* gaps) : shelf_(shelf), gaps_(gaps) {}

  arrow::Status Append(const std::vector<uint32_t>& labels,
                       const std::shared_ptr<arrow::RecordBatch>& features) override {
    for (const uint32_t label : labels) (*gaps_)[label] = LabelGap::kNone;
    return shelf_->Add(labels, features);
  }

 private:
  FeatureShelf* shelf_;
  std::vector<LabelGap>* gaps_;  ///< each label comes once, so threads do not meet
};

/// The windows that the pipeline file mentions.
std::vector<WindowLength> WindowsOf(const Pipeline& pipeline) {
  std::vector<WindowLength> windows;
  if (pipeline.window) windows.push_back(*pipeline.window);
  for (const FeatureSpec& feature : pipeline.features) {
    if (feature.window) windows.push_back(*feature.window);
  }
  return windows;
}

class FromEvents : public LabelFeatureSource {
 public:
  static arrow::Result<std::unique_ptr<LabelFeatureSource>> Open(const Pipeline& pipeline,
                                                                 LabelRequest request) {
    auto source = std::make_unique<FromEvents>();
    source->request_ = std::move(request);
    ARROW_RETURN_NOT_OK(source->OpenSource(pipeline));
    return source;
  }

  const std::shared_ptr<arrow::Schema>& schema() const override { return schema_; }

  arrow::Result<std::unique_ptr<FeatureShelf>> Collect(
      TrainingSetFeatures* report, std::vector<std::string>* warnings) override {
    const TrainingSetOptions& options = *request_.options;
    ARROW_ASSIGN_OR_RAISE(
        const EntityKeyCodec codec,
        EntityKeyCodec::Make(request_.entity.types, bound_->spec.null_entity == NullEntity::kKeep));
    ARROW_ASSIGN_OR_RAISE(IndexedLabels labels,
                          IndexLabels(*request_.labels, request_.entity, codec, std::move(times_),
                                      ThreadsOf(options), options.cancelled));
    report->table = source_->root.uri;
    report->features = schema_->num_fields();
    report->entities = labels.keys.entities.size();
    auto shelf =
        std::make_unique<FeatureShelf>(schema_, request_.labels->num_rows(), request_.memory,
                                       ThreadsOf(options), request_.scratch);
    if (labels.keys.entities.size() > 0) {
      ARROW_RETURN_NOT_OK(Compute(labels.keys, &labels.gaps, shelf.get(), report, warnings));
    }
    ARROW_RETURN_NOT_OK(shelf->Finish());
    report->spilled_bytes += shelf->spilled_bytes();
    CountGaps(labels.gaps, report);
    return shelf;
  }

 private:
  arrow::Status OpenSource(const Pipeline& pipeline) {
    const TrainingSetOptions& options = *request_.options;
    if (!pipeline.source.event_time) {
      return MakeError(ErrorCode::kInvalid,
                       fmt::format("--exact: {} has no source.event_time", pipeline.name),
                       "name the column that tells when an event happened");
    }
    ARROW_ASSIGN_OR_RAISE(calendar_, CalendarOf(pipeline));
    ARROW_ASSIGN_OR_RAISE(times_,
                          ReadLabelTimes(*request_.labels, options.label_time, calendar_->zone(),
                                         ThreadsOf(options), options.cancelled));
    std::pair<CivilDay, CivilDay> days = {1, 0};  // no day: of the source its schema alone
    if (const auto instants = times_.Span()) {
      std::pair<int64_t, int64_t> span = *instants;
      for (const WindowLength& window : WindowsOf(pipeline)) {
        span.first =
            std::min(span.first, WindowBeginAt(instants->first, window, calendar_->zone()));
      }
      days = DaysOfSpan(*calendar_, span);
    }
    ARROW_ASSIGN_OR_RAISE(OpenedPipeline opened, OpenPipeline(pipeline, days, options));
    source_ = std::move(opened.source);
    dimensions_ = std::move(opened.dimensions);
    auto bound = std::make_shared<BoundPipeline>(*opened.pipeline);
    // Checks speak of feature dates.
    bound->input_checks = {};
    bound->output_checks = {};
    bound_ = std::move(bound);
    schema_ = LabelFeatures(*bound_);
    for (const int index : bound_->entity) {
      request_.entity.types.push_back(bound_->rows->field(index)->type());
    }
    return CheckEntityTypes(pipeline, request_, request_.entity.types);
  }

  arrow::Status Compute(const LabelKeys& keys, std::vector<LabelGap>* gaps, FeatureShelf* shelf,
                        TrainingSetFeatures* report, std::vector<std::string>* warnings) {
    const TrainingSetOptions& options = *request_.options;
    const auto windows =
        std::make_shared<const LabelWindows>(keys, bound_->windows, calendar_->zone());
    ARROW_ASSIGN_OR_RAISE(const Plan plan,
                          MakeLabelPlan(bound_, source_, dimensions_, calendar_, windows));
    const auto [first, last] = DaysOfSpan(*calendar_, windows->span());
    report->first_date = FormatCivilDay(first + 1);
    report->last_date = FormatCivilDay(last - 1);
    report->files_read = plan.files_read;
    report->bytes_read = plan.bytes;
    for (const std::string& warning : source_->warnings) warnings->push_back(warning);
    for (const auto& dimension : dimensions_) {
      warnings->insert(warnings->end(), dimension->warnings.begin(), dimension->warnings.end());
    }
    ARROW_ASSIGN_OR_RAISE(const MemoryShares shares, DivideMemory(plan, options));
    PassOptions pass;
    pass.threads = ThreadsOf(options);
    pass.cancelled = options.cancelled;
    pass.tile_memory = shares.tiles;
    pass.portable_tiles = true;  // a set of values in a mask cannot be cut into intervals
    pass.scratch = request_.scratch;
    if (options.on_progress) {
      pass.on_progress = [&](const char* stage, int64_t done, int64_t total) {
        options.on_progress(
            {stage, done, total, std::string(stage) == "scan" ? "rows" : "buckets"});
      };
    }
    ARROW_ASSIGN_OR_RAISE(const ScanResult scan, Scan(plan, pass));
    report->rows_read = scan.counts.rows_read;
    report->spilled_bytes += scan.tiles->spilled_bytes();
    if (scan.counts.rows_without_day > 0) {
      warnings->push_back(
          fmt::format("{}: {} rows have no event_time (NULL) and count in no window",
                      bound_->spec.name, scan.counts.rows_without_day));
    }
    ShelfSink sink(shelf, gaps);
    return MergeLabels(plan, scan, request_.run_timestamp, pass, &sink);
  }

  LabelRequest request_;
  std::shared_ptr<const Calendar> calendar_;
  std::shared_ptr<const Source> source_;
  Dimensions dimensions_;
  std::shared_ptr<const BoundPipeline> bound_;
  std::shared_ptr<arrow::Schema> schema_;
  LabelTimes times_;
};

}  // namespace

arrow::Result<std::unique_ptr<LabelFeatureSource>> ExactFeatures(const Pipeline& pipeline,
                                                                 LabelRequest request) {
  return FromEvents::Open(pipeline, std::move(request));
}

}  // namespace tidemill
