// `tidemill training-set`: labels in, labels with features out.
//
// Each pipeline sees the labels in its own way (names of entity columns, types, time zone) and puts
// what it finds for them on a shelf of its own. Then the labels are read a second time, in their
// order, and what is on the shelves is put beside them.

#include "tidemill/training_set.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/nearest_name.h"
#include "runner/label_features.h"
#include "runner/prepare.h"
#include "runner/stopwatch.h"
#include "runner/training_set_output.h"
#include "storage/parallel_for.h"
#include "storage/scratch_folder.h"
#include "table/run_id.h"

namespace tidemill {
namespace {

/// Collects faults, so that a command line with three of them is told all three.
class Faults {
 public:
  void Add(std::string message, std::string hint = "") {
    diagnostics_.push_back({std::move(message), std::move(hint), {}, ""});
  }
  arrow::Status ToStatus() {
    return diagnostics_.empty() ? arrow::Status::OK()
                                : MakeError(ErrorCode::kInvalid, std::move(diagnostics_));
  }

 private:
  std::vector<Diagnostic> diagnostics_;
};

std::string NearestOrAll(const std::string& name, const std::vector<std::string>& names) {
  const auto nearest = NearestName(name, names);
  return nearest ? fmt::format("did you mean '{}'?", *nearest)
                 : fmt::format("there is {}", fmt::join(names, ", "));
}

class TrainingSetMaker {
 public:
  TrainingSetMaker(const std::vector<Pipeline>& pipelines, const TrainingSetOptions& options)
      : pipelines_(pipelines), options_(options), scratch_(options.scratch) {}

  arrow::Result<TrainingSetReport> Make() {
    ARROW_RETURN_NOT_OK(CheckOptions());
    ARROW_ASSIGN_OR_RAISE(labels_, LabelSource::Open(options_.labels, ThreadsOf(options_)));
    ARROW_RETURN_NOT_OK(FindEntities());
    ARROW_RETURN_NOT_OK(CheckLabelTime(labels_, options_.label_time));
    report_.labels_path = labels_.path();
    report_.label_time = options_.label_time;
    report_.mode = options_.exact ? "exact" : "published";
    report_.labels = labels_.num_rows();
    ARROW_RETURN_NOT_OK(OpenFeatures());
    ARROW_RETURN_NOT_OK(NameColumns());
    std::unique_ptr<TrainingSetOutput> output;
    if (!options_.out.empty()) {
      ARROW_ASSIGN_OR_RAISE(output, TrainingSetOutput::Open(options_, schema_, &scratch_));
    }
    report_.seconds.emplace_back("open", watch_.Lap());
    for (size_t p = 0; p < pipelines_.size(); ++p) ARROW_RETURN_NOT_OK(Collect(p));
    report_.seconds.emplace_back("features", watch_.Lap());
    if (output == nullptr) {
      ARROW_RETURN_NOT_OK(Keep());
    } else {
      ARROW_RETURN_NOT_OK(Write(output.get()));
    }
    report_.seconds.emplace_back("write", watch_.Lap());
    report_.seconds.emplace_back("total", watch_.Total());
    report_.peak_memory = PeakMemory();
    return std::move(report_);
  }

 private:
  arrow::Status CheckOptions() {
    Faults faults;
    if (options_.exact && options_.max_age) {
      faults.Add("--max-age is for published features",
                 "with --exact, windows end at the label's time");
    }
    if (options_.overwrite && options_.out.empty()) {
      faults.Add("--overwrite: nothing is written", "give --out PATH");
    }
    std::set<std::string> seen;
    for (const Pipeline& pipeline : pipelines_) {
      if (seen.insert(pipeline.name).second) continue;
      faults.Add(fmt::format("two pipelines are called '{}'", pipeline.name),
                 "give each pipeline file once");
    }
    return faults.ToStatus();
  }

  /// The labels' names of each pipeline's entity columns.
  arrow::Status FindEntities() {
    Faults faults;
    const std::vector<std::string> names = labels_.schema()->field_names();
    std::map<std::string, std::string> label_name;  // by entity column
    for (const auto& [label, entity] : options_.on) {
      if (!label_name.emplace(entity, label).second) {
        faults.Add(fmt::format("--on: entity column '{}' is given twice", entity));
      }
      std::vector<std::string> entities;
      for (const Pipeline& pipeline : pipelines_) {
        for (const LocatedText& column : pipeline.entity) entities.push_back(column.text);
      }
      if (std::ranges::find(entities, entity) == entities.end()) {
        faults.Add(fmt::format("--on {}={}: no pipeline has the entity column '{}'", label, entity,
                               entity),
                   NearestOrAll(entity, entities));
      }
    }
    std::set<std::string> missing;
    const auto require = [&](const std::string& name, const std::string& what,
                             const std::string& way_out) {
      const auto count = std::ranges::count(names, name);
      if (count == 1 || !missing.insert(name).second) return;
      if (count > 1) {
        faults.Add(fmt::format("labels {}: there are {} columns called '{}'", labels_.path(), count,
                               name));
        return;
      }
      faults.Add(fmt::format("labels {}: there is no column '{}'{}", labels_.path(), name, what),
                 NearestOrAll(name, names) + way_out);
    };
    require(options_.label_time, ", the label time", "");
    for (const Pipeline& pipeline : pipelines_) {
      EntityColumns entity;
      for (const LocatedText& column : pipeline.entity) {
        const auto renamed = label_name.find(column.text);
        const bool is_renamed = renamed != label_name.end();
        entity.names.push_back(is_renamed ? renamed->second : column.text);
        require(entity.names.back(), fmt::format(", an entity column of {}", pipeline.name),
                is_renamed ? "" : fmt::format("; say --on COLUMN={}", column.text));
      }
      entities_.push_back(std::move(entity));
    }
    return faults.ToStatus();
  }

  arrow::Status OpenFeatures() {
    // Half of the budget is left for what is read and written.
    const int64_t memory =
        MemoryOf(options_) / 2 / static_cast<int64_t>(std::max<size_t>(1, pipelines_.size()));
    const int64_t now = NowMicros();
    for (size_t p = 0; p < pipelines_.size(); ++p) {
      LabelRequest request;
      request.labels = &labels_;
      request.options = &options_;
      request.entity = entities_[p];
      request.memory = memory;
      request.run_timestamp = now;
      request.scratch = [this] { return scratch_.NewPath(); };
      const auto open = options_.exact ? ExactFeatures : PublishedFeatures;
      ARROW_ASSIGN_OR_RAISE(auto source, open(pipelines_[p], std::move(request)));
      sources_.push_back(std::move(source));
    }
    return arrow::Status::OK();
  }

  arrow::Status NameColumns() {
    Faults faults;
    arrow::FieldVector fields = labels_.schema()->fields();
    std::map<std::string, std::string> owner;
    for (const auto& field : fields) owner.emplace(field->name(), "the labels");
    for (size_t p = 0; p < pipelines_.size(); ++p) {
      const std::string& pipeline = pipelines_[p].name;
      for (const auto& feature : sources_[p]->schema()->fields()) {
        const std::string name =
            options_.prefix ? pipeline + "__" + feature->name() : feature->name();
        const auto [other, is_new] = owner.emplace(name, pipeline);
        if (!is_new) {
          faults.Add(fmt::format("'{}' is a column of {} and a feature of {}", name, other->second,
                                 pipeline),
                     options_.prefix
                         ? "rename one of them"
                         : fmt::format("say --prefix to call it {}__{}", pipeline, name));
        }
        fields.push_back(feature->WithName(name));
      }
    }
    ARROW_RETURN_NOT_OK(faults.ToStatus());
    schema_ = arrow::schema(std::move(fields));
    report_.columns = schema_->field_names();
    return arrow::Status::OK();
  }

  arrow::Status Collect(size_t p) {
    TrainingSetFeatures features;
    features.pipeline = pipelines_[p].name;
    std::vector<std::string> warnings;
    ARROW_ASSIGN_OR_RAISE(auto shelf, sources_[p]->Collect(&features, &warnings));
    sources_[p].reset();
    shelves_.push_back(std::move(shelf));
    report_.pipelines.push_back(std::move(features));
    for (std::string& warning : warnings) {
      if (options_.on_warning) options_.on_warning(warning);
      report_.warnings.push_back(std::move(warning));
    }
    return arrow::Status::OK();
  }

  /// Hands a batch of labels with their features to `take`, in parts that are not too wide.
  template <typename TakeRows>
  arrow::Status JoinInParts(const std::shared_ptr<arrow::RecordBatch>& labels, int64_t first,
                            const TakeRows& take) {
    for (int64_t begin = 0; begin < labels->num_rows();) {
      int64_t count = labels->num_rows() - begin;
      for (const auto& shelf : shelves_) {
        ARROW_ASSIGN_OR_RAISE(count, shelf->Fitting(first + begin, count));
      }
      ARROW_ASSIGN_OR_RAISE(auto rows, Join(labels->Slice(begin, count), first + begin));
      ARROW_RETURN_NOT_OK(take(std::move(rows)));
      begin += count;
    }
    return arrow::Status::OK();
  }

  /// A batch of labels with their features.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Join(
      const std::shared_ptr<arrow::RecordBatch>& labels, int64_t first) {
    arrow::ArrayVector columns = labels->columns();
    for (const auto& shelf : shelves_) {
      ARROW_ASSIGN_OR_RAISE(const auto features, shelf->Take(first, labels->num_rows()));
      columns.insert(columns.end(), features.begin(), features.end());
    }
    return arrow::RecordBatch::Make(schema_, labels->num_rows(), std::move(columns));
  }

  arrow::Status Write(TrainingSetOutput* output) {
    const size_t batches = labels_.num_batches();
    for (size_t b = 0; b < batches; ++b) {
      if (options_.cancelled != nullptr && options_.cancelled->load()) {
        return MakeError(ErrorCode::kInterrupted, "interrupted");
      }
      ARROW_ASSIGN_OR_RAISE(const auto labels, labels_.Read(b, {}));
      ARROW_RETURN_NOT_OK(
          JoinInParts(labels, labels_.first_row(b), [&](std::shared_ptr<arrow::RecordBatch> rows) {
            return output->Write(std::move(rows));
          }));
      if (options_.on_progress) {
        options_.on_progress({"write", labels_.first_row(b + 1), labels_.num_rows(), "rows"});
      }
    }
    return output->Finish(&report_);
  }

  arrow::Status Keep() {
    const int64_t limit = options_.limit < 0 ? labels_.num_rows() : options_.limit;
    arrow::RecordBatchVector batches;
    for (size_t b = 0; b < labels_.num_batches() && labels_.first_row(b) < limit; ++b) {
      ARROW_ASSIGN_OR_RAISE(auto labels, labels_.Read(b, {}));
      labels = labels->Slice(0, limit - labels_.first_row(b));
      ARROW_RETURN_NOT_OK(
          JoinInParts(labels, labels_.first_row(b), [&](std::shared_ptr<arrow::RecordBatch> rows) {
            batches.push_back(std::move(rows));
            return arrow::Status::OK();
          }));
    }
    ARROW_ASSIGN_OR_RAISE(report_.rows, arrow::Table::FromRecordBatches(schema_, batches));
    return arrow::Status::OK();
  }

  const std::vector<Pipeline>& pipelines_;
  const TrainingSetOptions& options_;
  ScratchFolder scratch_;
  Stopwatch watch_;
  LabelSource labels_;
  std::vector<EntityColumns> entities_;                       ///< per pipeline
  std::vector<std::unique_ptr<LabelFeatureSource>> sources_;  ///< per pipeline
  std::vector<std::unique_ptr<FeatureShelf>> shelves_;        ///< per pipeline
  std::shared_ptr<arrow::Schema> schema_;
  TrainingSetReport report_;
};

}  // namespace

arrow::Result<TrainingSetReport> MakeTrainingSet(const std::vector<Pipeline>& pipelines,
                                                 const TrainingSetOptions& options) {
  return TrainingSetMaker(pipelines, options).Make();
}

arrow::Result<WindowLength> ParseAge(const std::string& text) {
  WindowLength age;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, age.count);
  const bool is_length = error == std::errc() && rest + 1 == end && age.count > 0;
  if (is_length && *rest == 'd') return age;
  age.unit = Grain::kHour;
  if (is_length && *rest == 'h') return age;
  return MakeError(ErrorCode::kInvalid,
                   fmt::format("max age '{}': that is no length of time", text),
                   "write it as 7d or 36h");
}

arrow::Result<std::pair<std::string, std::string>> ParseEntityPair(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
    return MakeError(ErrorCode::kInvalid, fmt::format("--on {}: that is no pair of columns", text),
                     "name the labels' column first: --on user=user_id");
  }
  return std::pair(text.substr(0, equals), text.substr(equals + 1));
}

}  // namespace tidemill
