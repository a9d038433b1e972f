#include "engine/label_merge.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>

#include <arrow/array/builder_primitive.h>
#include <arrow/builder.h>

#include "engine/label_distincts.h"
#include "engine/label_windows.h"
#include "engine/tile_tree.h"
#include "storage/parallel_for.h"

namespace tidemill {
namespace {

constexpr int64_t kBucketBytes = 1 << 20;
/// Labels whose features are computed together.
constexpr size_t kLabelsAtOnce = 4'096;
/// Entities with more tiles than this get a tree.
constexpr uint32_t kFewTiles = 16;

/// `root` with a column in the place of feature_date, which labels do not have in common.
ExpressionPtr WithFeatureDates(const ExpressionPtr& root, int column) {
  if (root->kind == Expression::Kind::kFeatureDate) {
    return ColumnExpression(column, "day of the label", root->type);
  }
  if (root->arguments.empty()) return root;
  auto copy = std::make_shared<Expression>(*root);
  std::string key = root->name + ":" + root->type->ToString() + "(";
  for (ExpressionPtr& argument : copy->arguments) {
    argument = WithFeatureDates(argument, column);
    key += argument->key + ",";
  }
  copy->key = key + ")";
  return copy;
}

/// The features of a pipeline over the aggregates of labels.
class LabelFeatureMaker {
 public:
  LabelFeatureMaker(const Plan& plan, const EntityKeyCodec& codec, int64_t run_timestamp)
      : plan_(plan),
        pipeline_(*plan.pipeline),
        codec_(codec),
        run_timestamp_(run_timestamp),
        schema_(LabelFeatures(pipeline_)) {
    const auto column = static_cast<int>(pipeline_.entity.size() + pipeline_.features.size());
    for (const BoundFeature& feature : pipeline_.features) {
      expressions_.push_back(WithFeatureDates(feature.expression, column));
    }
  }

  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Make(
      const std::vector<const Bytes*>& keys, const std::vector<int64_t>& instants,
      const arrow::ArrayVector& aggregates) const {
    const auto n = static_cast<int64_t>(keys.size());
    Frame frame;
    frame.num_rows = n;
    frame.run_timestamp = run_timestamp_;
    ARROW_ASSIGN_OR_RAISE(const auto entity, codec_.Decode(keys.data(), n));
    for (const auto& column : entity) frame.columns.emplace_back(column);
    for (const auto& aggregate : aggregates) frame.aggregates.emplace_back(aggregate);
    frame.columns.resize(entity.size() + expressions_.size());
    ARROW_ASSIGN_OR_RAISE(const auto days, DaysOf(instants));
    frame.columns.emplace_back(days);
    Evaluator evaluator(&frame);
    for (size_t f = 0; f < expressions_.size(); ++f) {
      auto values = evaluator.EvaluateToArray(expressions_[f]);
      if (!values.ok()) {
        return WithContext(values.status(), "feature '" + pipeline_.features[f].name + "'");
      }
      frame.columns[entity.size() + f] = *values;
    }
    arrow::ArrayVector columns;
    for (int index : pipeline_.output_order) {
      columns.push_back(frame.columns[entity.size() + static_cast<size_t>(index)].make_array());
    }
    return arrow::RecordBatch::Make(schema_, n, std::move(columns));
  }

 private:
  arrow::Result<std::shared_ptr<arrow::Array>> DaysOf(const std::vector<int64_t>& instants) const {
    std::vector<int32_t> days(instants.size());
    plan_.calendar->zone().CivilDays(instants.data(), static_cast<int64_t>(instants.size()),
                                     days.data());
    arrow::Date32Builder builder;
    ARROW_RETURN_NOT_OK(builder.AppendValues(days));
    return builder.Finish();
  }

  const Plan& plan_;
  const BoundPipeline& pipeline_;
  const EntityKeyCodec& codec_;
  int64_t run_timestamp_;
  std::shared_ptr<arrow::Schema> schema_;
  std::vector<ExpressionPtr> expressions_;
};

/// The labels of one bucket's entities, a few thousand at a time.
class BucketLabels {
 public:
  BucketLabels(const Plan& plan, const ScanResult& scan, const BucketTable& table,
               const LabelFeatureMaker& features, LabelSink* sink)
      : plan_(plan),
        windows_(*plan.labels),
        layout_(*scan.layout),
        table_(table),
        features_(features),
        sink_(sink),
        identity_(layout_.states_size),
        rows_(plan.pipeline->windows.size()) {
    layout_.Initialize(identity_.data());
    Begin();
  }

  arrow::Status Run() {
    for (size_t e = 0; e < table_.num_entities(); ++e) ARROW_RETURN_NOT_OK(AddEntity(e));
    return Emit();
  }

 private:
  /// What the labels in work refer to.
  struct Memory {
    Arena states;
    Arena references;
    std::vector<std::shared_ptr<const TileTree>> trees;
  };

  void Begin() {
    memory_ = std::make_unique<Memory>();
    queues_.clear();
    for (size_t w = 0; w < rows_.size(); ++w) {
      queues_.push_back(std::make_unique<MergeQueue>(layout_, w, &memory_->references));
      rows_[w].clear();
    }
    labels_.clear();
    instants_.clear();
    keys_.clear();
    counts_.assign(layout_.results.size(), {});
    fed_.assign(layout_.results.size(), {});
  }

  arrow::Status AddEntity(size_t index) {
    const uint32_t entity = windows_.Find(table_.keys()[index]);
    first_tile_ = table_.tile_begin(index);
    num_tiles_ = table_.tile_begin(index + 1) - first_tile_;
    tree_ = nullptr;
    if (num_tiles_ > kFewTiles) {
      tree_ = std::make_shared<const TileTree>(layout_, table_, first_tile_, num_tiles_);
    }
    distincts_.clear();
    for (size_t slot = 0; slot < layout_.distincts.size(); ++slot) {
      distincts_.emplace_back(layout_, table_, index, slot);
    }
    const size_t end = windows_.begin(entity + 1);
    for (size_t place = windows_.begin(entity); place < end; ++place) {
      AddLabel(index, place);
      if (labels_.size() >= kLabelsAtOnce) ARROW_RETURN_NOT_OK(Emit());
    }
    return arrow::Status::OK();
  }

  /// The first tile of the entity whose interval is `interval` or later.
  uint32_t TileFrom(int32_t interval) const {
    uint32_t begin = 0;
    uint32_t end = num_tiles_;
    while (begin < end) {
      const uint32_t middle = begin + (end - begin) / 2;
      if (table_.stratum(first_tile_ + middle) < interval) {
        begin = middle + 1;
      } else {
        end = middle;
      }
    }
    return begin;
  }

  void AddLabel(size_t index, size_t place) {
    const uint32_t end = TileFrom(windows_.Window(place, 0).last + 1);
    std::vector<uint32_t>& begins = begins_;
    begins.clear();
    for (size_t w = 0; w < rows_.size(); ++w) {
      begins.push_back(TileFrom(windows_.Window(place, w).first));
    }
    if (*std::ranges::min_element(begins) >= end) return;
    const uint32_t label = windows_.label(place);
    labels_.push_back(label);
    instants_.push_back(windows_.labels().instants[label]);
    keys_.push_back(&table_.keys()[index]);
    if (tree_ != nullptr && (memory_->trees.empty() || memory_->trees.back() != tree_)) {
      memory_->trees.push_back(tree_);
    }
    for (size_t w = 0; w < rows_.size(); ++w) rows_[w].push_back(Merged(w, begins[w], end));
    for (size_t r = 0; r < layout_.results.size(); ++r) {
      const ResultSlot& result = layout_.results[r];
      if (result.distinct < 0) continue;
      LabelDistincts& distincts = distincts_[static_cast<size_t>(result.distinct)];
      const uint32_t begin = begins[static_cast<size_t>(result.window)];
      if (!result.is_fed) {
        counts_[r].push_back(distincts.Count(begin, end));
        continue;
      }
      uint8_t* state = memory_->states.Allocate(result.kernel.state_size);
      result.kernel.initialize(state, 1);
      distincts.Feed(begin, end, result, state, &memory_->references);
      fed_[r].push_back(state);
    }
  }

  const uint8_t* Merged(size_t window, uint32_t begin, uint32_t end) {
    if (begin >= end) return identity_.data();
    if (end - begin == 1) return table_.states(first_tile_ + begin);
    uint8_t* merged = memory_->states.Allocate(layout_.states_size);
    std::copy(identity_.begin(), identity_.end(), merged);
    MergeQueue& queue = *queues_[window];
    if (tree_ != nullptr) {
      tree_->Add(begin, end, merged, &queue);
    } else {
      for (uint32_t t = begin; t < end; ++t) queue.Add(merged, table_.states(first_tile_ + t));
    }
    return merged;
  }

  arrow::Status Emit() {
    if (labels_.empty()) return arrow::Status::OK();
    for (const auto& queue : queues_) queue->Flush();
    arrow::ArrayVector aggregates;
    for (size_t r = 0; r < layout_.results.size(); ++r) {
      auto values = Finalize(r);
      if (!values.ok()) {
        return WithContext(values.status(), FeaturesUsing(*plan_.pipeline, static_cast<int>(r)));
      }
      aggregates.push_back(*std::move(values));
    }
    ARROW_ASSIGN_OR_RAISE(const auto batch, features_.Make(keys_, instants_, aggregates));
    ARROW_RETURN_NOT_OK(sink_->Append(labels_, batch));
    Begin();
    return arrow::Status::OK();
  }

  arrow::Result<std::shared_ptr<arrow::Array>> Finalize(size_t r) const {
    const ResultSlot& result = layout_.results[r];
    const auto n = static_cast<int64_t>(labels_.size());
    if (result.distinct >= 0 && !result.is_fed) {
      arrow::Int64Builder builder;
      ARROW_RETURN_NOT_OK(builder.AppendValues(counts_[r]));
      return builder.Finish();
    }
    std::unique_ptr<arrow::ArrayBuilder> builder;
    ARROW_RETURN_NOT_OK(
        arrow::MakeBuilder(arrow::default_memory_pool(), result.kernel.result_type, &builder));
    ARROW_RETURN_NOT_OK(builder->Reserve(n));
    if (result.is_fed) {
      ARROW_RETURN_NOT_OK(
          result.kernel.finalize(result.kernel, fed_[r].data(), 0, n, builder.get()));
      return builder->Finish();
    }
    const StateSlot& slot = layout_.states[static_cast<size_t>(result.state)];
    const auto& rows = rows_[static_cast<size_t>(result.window)];
    ARROW_RETURN_NOT_OK(
        result.kernel.finalize(result.kernel, rows.data(), slot.offset, n, builder.get()));
    return builder->Finish();
  }

  const Plan& plan_;
  const LabelWindows& windows_;
  const TileLayout& layout_;
  const BucketTable& table_;
  const LabelFeatureMaker& features_;
  LabelSink* sink_;
  std::vector<uint8_t> identity_;  ///< states over no rows
  // The entity in work.
  uint32_t first_tile_ = 0;
  uint32_t num_tiles_ = 0;
  std::shared_ptr<const TileTree> tree_;
  std::vector<LabelDistincts> distincts_;
  std::vector<uint32_t> begins_;
  // The labels in work.
  std::unique_ptr<Memory> memory_;
  std::vector<std::unique_ptr<MergeQueue>> queues_;  ///< per window
  std::vector<std::vector<const uint8_t*>> rows_;    ///< per window and label: merged states
  std::vector<uint32_t> labels_;
  std::vector<int64_t> instants_;
  std::vector<const Bytes*> keys_;
  std::vector<std::vector<int64_t>> counts_;      ///< per result that counts distinct values
  std::vector<std::vector<const uint8_t*>> fed_;  ///< per result that is fed with them
};

}  // namespace

std::shared_ptr<arrow::Schema> LabelFeatures(const BoundPipeline& pipeline) {
  const auto entities = static_cast<std::ptrdiff_t>(pipeline.entity.size());
  const arrow::FieldVector& fields = pipeline.output->fields();
  return arrow::schema(arrow::FieldVector(fields.begin() + entities, fields.end()));
}

arrow::Status MergeLabels(const Plan& plan, const ScanResult& scan, int64_t run_timestamp,
                          const PassOptions& options, LabelSink* sink) {
  const LabelFeatureMaker features(plan, *scan.codec, run_timestamp);
  const std::vector<Bucket> buckets = scan.tiles->Cut(kBucketBytes);
  std::mutex mutex;
  int64_t done = 0;
  const auto total = static_cast<int64_t>(buckets.size());
  return ParallelFor(
      total, options.threads, options.cancelled, [&](int64_t index, int) -> arrow::Status {
        ARROW_ASSIGN_OR_RAISE(const BucketTable table,
                              BucketTable::Make(*scan.layout, buckets[static_cast<size_t>(index)]));
        ARROW_RETURN_NOT_OK(BucketLabels(plan, scan, table, features, sink).Run());
        std::lock_guard lock(mutex);
        ++done;
        if (options.on_progress) options.on_progress("merge", done, total);
        return arrow::Status::OK();
      });
}

}  // namespace tidemill
