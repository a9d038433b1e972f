// Published features for labels: the last feature date that had ended at each label's time.
//
// Which date that is, is a property of the table and the label's time alone, not of the entity: an
// entity without a row at that date had no event in its windows, and an older row of it would say
// that it had. So labels fall into groups by date, and each date is read once, its entity columns
// first; the features of a row group are read only if a label wants one of its rows.

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include <arrow/array/builder_primitive.h>
#include <arrow/compute/api_vector.h>
#include <fmt/format.h>

#include "runner/label_features.h"
#include "runner/output_table.h"
#include "runner/prepare.h"
#include "runner/table_rows.h"
#include "storage/column_types.h"
#include "storage/parallel_for.h"
#include "storage/value_bytes.h"

namespace tidemill {
namespace {

/// A feature date that readers can see.
struct PublishedDate {
  std::string label;
  int64_t end = 0;  ///< the first instant after it
  bool is_empty = false;
  std::vector<std::string> files;
  std::vector<std::pair<std::string, std::string>> features;  ///< name, hash of its definition
};

class FromTable : public LabelFeatureSource {
 public:
  static arrow::Result<std::unique_ptr<LabelFeatureSource>> Open(const Pipeline& pipeline,
                                                                 LabelRequest request) {
    auto source = std::make_unique<FromTable>();
    source->request_ = std::move(request);
    ARROW_RETURN_NOT_OK(source->OpenTable(pipeline));
    return source;
  }

  const std::shared_ptr<arrow::Schema>& schema() const override { return schema_; }

  arrow::Result<std::unique_ptr<FeatureShelf>> Collect(
      TrainingSetFeatures* report, std::vector<std::string>* warnings) override {
    const TrainingSetOptions& options = *request_.options;
    // NULL entities of labels equal none, so keys need no room for them.
    ARROW_ASSIGN_OR_RAISE(const EntityKeyCodec codec,
                          EntityKeyCodec::Make(request_.entity.types, /*nullable=*/false));
    ARROW_ASSIGN_OR_RAISE(labels_,
                          IndexLabels(*request_.labels, request_.entity, codec, std::move(times_),
                                      ThreadsOf(options), options.cancelled));
    report->table = location_.uri;
    report->features = schema_->num_fields();
    report->entities = labels_.keys.entities.size();
    if (dates_.empty()) {
      warnings->push_back(
          fmt::format("{}: no feature date is published in {}", name_, location_.uri));
    }
    AssignDates();
    auto shelf =
        std::make_unique<FeatureShelf>(schema_, request_.labels->num_rows(), request_.memory,
                                       ThreadsOf(options), request_.scratch);
    ARROW_RETURN_NOT_OK(ReadDates(codec, shelf.get(), report, warnings));
    ARROW_RETURN_NOT_OK(shelf->Finish());
    report->spilled_bytes += shelf->spilled_bytes();
    CountGaps(labels_.gaps, report);
    MeasureAges(report);
    return shelf;
  }

 private:
  arrow::Status OpenTable(const Pipeline& pipeline) {
    name_ = pipeline.name;
    ARROW_ASSIGN_OR_RAISE(calendar_, CalendarOf(pipeline));
    ARROW_ASSIGN_OR_RAISE(const Table table, OpenOutput(pipeline, *calendar_));
    location_ = table.location();
    ARROW_ASSIGN_OR_RAISE(const auto entries, table.ledger().ReadAll("", ""));
    for (const LedgerEntry& entry : entries) {
      if (!entry.published) continue;
      const auto slot = calendar_->Parse(entry.feature_date);
      if (!slot) continue;  // of another grain
      PublishedDate date;
      date.label = entry.feature_date;
      date.end = calendar_->Instants(*slot).second;
      date.is_empty = entry.published->status == "empty";
      for (const PublishedFile& file : entry.published->files) date.files.push_back(file.path);
      date.features = entry.published->features;
      dates_.push_back(std::move(date));
    }
    std::ranges::sort(dates_, {}, &PublishedDate::end);
    const TrainingSetOptions& options = *request_.options;
    ARROW_ASSIGN_OR_RAISE(times_,
                          ReadLabelTimes(*request_.labels, options.label_time, calendar_->zone(),
                                         ThreadsOf(options), options.cancelled));
    return FindColumns(pipeline);
  }

  /// Entity columns and features with their types, from the table; from the source where there is
  /// no table yet.
  arrow::Status FindColumns(const Pipeline& pipeline) {
    if (dates_.empty()) {
      ARROW_ASSIGN_OR_RAISE(const OpenedPipeline opened,
                            OpenPipeline(pipeline, {1, 0}, *request_.options));
      const arrow::FieldVector& fields = opened.pipeline->output->fields();
      const auto entities = static_cast<std::ptrdiff_t>(pipeline.entity.size());
      for (auto field = fields.begin(); field != fields.begin() + entities; ++field) {
        request_.entity.types.push_back((*field)->type());
      }
      schema_ = arrow::schema(arrow::FieldVector(fields.begin() + entities, fields.end()));
      return CheckEntityTypes(pipeline, request_, request_.entity.types);
    }
    ARROW_ASSIGN_OR_RAISE(contents_, ContentsOf(DatesOfLabels()));
    std::vector<Diagnostic> faults;
    arrow::FieldVector features;
    const auto find = [&](const std::string& name) -> std::shared_ptr<arrow::Field> {
      if (auto field = contents_.listing.partition_schema->GetFieldByName(name)) return field;
      return contents_.schema->GetFieldByName(name);
    };
    const auto require = [&](const std::string& name, const char* what,
                             const SourcePosition& position) -> std::shared_ptr<arrow::Field> {
      auto field = find(name);
      if (field == nullptr) {
        faults.push_back({fmt::format("{} has no {} '{}'", location_.uri, what, name),
                          fmt::format("publish it first: tidemill backfill {}", pipeline.file),
                          position, ""});
      }
      return field;
    };
    for (const LocatedText& entity : pipeline.entity) {
      entity_names_.push_back(entity.text);
      const auto field = require(entity.text, "entity column", entity.position);
      request_.entity.types.push_back(field != nullptr ? field->type() : arrow::null());
    }
    for (const FeatureSpec& feature : pipeline.features) {
      feature_names_.push_back(feature.name.text);
      const auto field = require(feature.name.text, "feature", feature.name.position);
      if (field != nullptr) features.push_back(field->WithNullable(true));
    }
    if (!faults.empty()) return MakeError(ErrorCode::kInvalid, std::move(faults));
    schema_ = arrow::schema(std::move(features));
    return CheckEntityTypes(pipeline, request_, request_.entity.types);
  }

  /// The last date before `instant`; as many as there are if there is none.
  size_t DateBefore(int64_t instant) const {
    const auto after = std::ranges::upper_bound(dates_, instant, {}, &PublishedDate::end);
    return after == dates_.begin() ? dates_.size()
                                   : static_cast<size_t>(after - 1 - dates_.begin());
  }

  /// The dates that labels may want, and the last of all, which has the columns of today.
  std::set<std::string> DatesOfLabels() const {
    std::set<std::string> dates = {dates_.back().label};
    for (size_t label = 0; label < times_.instants.size(); ++label) {
      if (!times_.is_known[label]) continue;
      const size_t date = DateBefore(times_.instants[label]);
      if (date < dates_.size()) dates.insert(dates_[date].label);
    }
    return dates;
  }

  /// The files of these dates.
  arrow::Result<TableContents> ContentsOf(const std::set<std::string>& wanted) const {
    std::set<std::string> published;
    for (const PublishedDate& date : dates_) {
      if (wanted.contains(date.label)) published.insert(date.files.begin(), date.files.end());
    }
    return ReadContents(location_, ThreadsOf(*request_.options),
                        [&](bool is_delta, HiveListing* listing) -> arrow::Status {
                          ARROW_ASSIGN_OR_RAISE(const auto date_of,
                                                DateOfPartition::Make(*listing->partition_schema));
                          std::erase_if(listing->files, [&](const DataFile& file) {
                            if (!wanted.contains(date_of(file.partition_values))) return true;
                            // What a dead run left in an object store is no part of the table.
                            return !is_delta && !location_.is_local &&
                                   !published.contains(file.relative_path);
                          });
                          return arrow::Status::OK();
                        });
  }

  /// Finds the date of each label, and the labels of each date.
  void AssignDates() {
    const auto& max_age = request_.options->max_age;
    const LabelKeys& keys = labels_.keys;
    labels_of_date_.resize(dates_.size());
    for (uint32_t label = 0; label < keys.entity.size(); ++label) {
      LabelGap& gap = labels_.gaps[label];
      if (gap != LabelGap::kNoRow) continue;
      const int64_t instant = keys.instants[label];
      const size_t date = DateBefore(instant);
      if (date == dates_.size()) {
        gap = LabelGap::kNoDate;
        continue;
      }
      if (max_age && dates_[date].end < WindowBeginAt(instant, *max_age, calendar_->zone())) {
        gap = LabelGap::kTooOld;
        continue;
      }
      if (keys.entity[label] == EntityIndex::kNone) continue;
      labels_of_date_[date].push_back(label);
    }
  }

  /// Somebody has removed files that the ledger has.
  void WarnOfMissingDates(const std::vector<size_t>& used,
                          const std::vector<std::vector<size_t>>& files,
                          std::vector<std::string>* warnings) const {
    std::vector<std::string> missing;
    for (const size_t date : used) {
      if (files[date].empty() && !dates_[date].files.empty()) missing.push_back(dates_[date].label);
    }
    if (missing.empty()) return;
    const std::string others =
        missing.size() == 1 ? "" : fmt::format(" and {} more dates", missing.size() - 1);
    warnings->push_back(fmt::format(
        "{}: the files of {}{} are in the ledger and not in the table; the labels that they are "
        "for have no features: backfill them, or leave such labels out",
        name_, missing.front(), others));
  }

  arrow::Status ReadDates(const EntityKeyCodec& codec, FeatureShelf* shelf,
                          TrainingSetFeatures* report, std::vector<std::string>* warnings) {
    std::map<std::string, size_t> index_of;
    std::vector<size_t> used;
    for (size_t d = 0; d < dates_.size(); ++d) {
      if (labels_of_date_[d].empty() || dates_[d].is_empty) continue;
      index_of[dates_[d].label] = d;
      used.push_back(d);
    }
    if (used.empty()) return arrow::Status::OK();
    WarnOfDefinitions(used, warnings);
    ARROW_ASSIGN_OR_RAISE(entity_columns_, TableColumns::PickOnly(contents_, entity_names_));
    ARROW_ASSIGN_OR_RAISE(feature_columns_, TableColumns::PickOnly(contents_, feature_names_));
    ARROW_ASSIGN_OR_RAISE(const auto date_of,
                          DateOfPartition::Make(*contents_.listing.partition_schema));
    std::vector<std::vector<size_t>> files(dates_.size());
    for (size_t f = 0; f < contents_.listing.files.size(); ++f) {
      const auto date = index_of.find(date_of(contents_.listing.files[f].partition_values));
      if (date == index_of.end()) continue;
      files[date->second].push_back(f);
      ++report->files_read;
    }
    WarnOfMissingDates(used, files, warnings);
    report->dates_read = static_cast<int64_t>(used.size());
    report->first_date = dates_[used.front()].label;
    report->last_date = dates_[used.back()].label;

    const TrainingSetOptions& options = *request_.options;
    const int threads = ThreadsOf(options);
    std::vector<DateReader> readers;
    for (int t = 0; t < threads; ++t) readers.emplace_back(this, &codec, shelf);
    std::mutex progress;
    int64_t done = 0;
    ARROW_RETURN_NOT_OK(ParallelFor(
        static_cast<int64_t>(used.size()), threads, options.cancelled,
        [&](int64_t index, int thread) -> arrow::Status {
          const size_t date = used[static_cast<size_t>(index)];
          ARROW_RETURN_NOT_OK(
              readers[static_cast<size_t>(thread)].Read(labels_of_date_[date], files[date]));
          std::lock_guard lock(progress);
          ++done;
          if (options.on_progress) {
            options.on_progress({"read", done, static_cast<int64_t>(used.size()), "dates"});
          }
          return arrow::Status::OK();
        }));
    for (const DateReader& reader : readers) {
      report->rows_read += reader.rows_read();
      report->bytes_read += reader.bytes_read();
    }
    return arrow::Status::OK();
  }

  /// A feature that was defined anew between dates means one thing for some labels and another for
  /// others.
  void WarnOfDefinitions(const std::vector<size_t>& used,
                         std::vector<std::string>* warnings) const {
    std::map<std::string, std::string> hashes;
    std::map<std::string, std::string> changed_on;
    for (const size_t date : used) {
      for (const auto& [feature, hash] : dates_[date].features) {
        if (schema_->GetFieldIndex(feature) < 0) continue;
        const auto [known, is_new] = hashes.emplace(feature, hash);
        if (is_new || known->second == hash) continue;
        known->second = hash;
        changed_on[feature] = dates_[date].label;
      }
    }
    for (const auto& [feature, date] : changed_on) {
      warnings->push_back(
          fmt::format("{}: feature '{}' is defined otherwise from {} on than before; backfill the "
                      "dates with --only changed",
                      name_, feature, date));
    }
  }

  /// Reads dates one after the other.
  class DateReader {
   public:
    DateReader(FromTable* table, const EntityKeyCodec* codec, FeatureShelf* shelf)
        : table_(table), codec_(codec), shelf_(shelf) {}

    int64_t rows_read() const { return rows_read_; }
    int64_t bytes_read() const { return bytes_read_; }

    arrow::Status Read(const std::vector<uint32_t>& labels, const std::vector<size_t>& files) {
      const std::vector<uint32_t>& entity = table_->labels_.keys.entity;
      first_of_entity_.resize(table_->labels_.keys.entities.size(), kNothing);
      next_.assign(labels.size(), kNothing);
      labels_ = &labels;
      for (size_t i = labels.size(); i-- > 0;) {
        uint32_t& first = first_of_entity_[entity[labels[i]]];
        next_[i] = std::exchange(first, static_cast<uint32_t>(i));
      }
      arrow::Status status;
      for (size_t f = 0; f < files.size() && status.ok(); ++f) status = ReadFile(files[f]);
      for (const uint32_t label : labels) first_of_entity_[entity[label]] = kNothing;
      return status;
    }

   private:
    static constexpr uint32_t kNothing = UINT32_MAX;
    static constexpr int64_t kMostBytes = int64_t{8} << 20;

    arrow::Status ReadFile(size_t file) {
      const parquet::FileMetaData& metadata = *table_->contents_.footers[file].metadata;
      for (int g = 0; g < metadata.num_row_groups(); ++g) {
        const std::atomic<bool>* cancelled = table_->request_.options->cancelled;
        if (cancelled != nullptr && cancelled->load(std::memory_order_relaxed)) {
          return MakeError(ErrorCode::kInterrupted, "interrupted");
        }
        ARROW_RETURN_NOT_OK(ReadGroup(file, g));
      }
      return arrow::Status::OK();
    }

    arrow::Status ReadGroup(size_t file, int group) {
      const TableContents& contents = table_->contents_;
      ARROW_ASSIGN_OR_RAISE(const RowGroupColumns entity,
                            ReadTableRows(table_->location_, contents, table_->entity_columns_,
                                          file, group, TextForm::kPlain));
      rows_read_ += entity.num_rows;
      bytes_read_ +=
          CompressedBytes(contents.footers[file], group, table_->entity_columns_.of_files);
      arrow::ArrayVector columns;
      for (size_t e = 0; e < table_->entity_names_.size(); ++e) {
        const auto at = static_cast<size_t>(table_->entity_columns_.order[e]);
        columns.push_back(entity.arrays[at]);
      }
      ARROW_RETURN_NOT_OK(
          FindLabels(columns, entity.num_rows, contents.listing.files[file].relative_path));
      if (found_.empty()) return arrow::Status::OK();
      ARROW_ASSIGN_OR_RAISE(const RowGroupColumns read,
                            ReadTableRows(table_->location_, contents, table_->feature_columns_,
                                          file, group, TextForm::kPlain));
      bytes_read_ +=
          CompressedBytes(contents.footers[file], group, table_->feature_columns_.of_files);
      return Shelve(read);
    }

    /// The labels that want a row of the group, and the row.
    arrow::Status FindLabels(const arrow::ArrayVector& entity, int64_t num_rows,
                             const std::string& file) {
      found_.clear();
      rows_.clear();
      if (num_rows == 0) return arrow::Status::OK();
      if (codec_->is_plain_text() && arrow::is_binary_like(entity[0]->type_id())) {
        // The text is the key, and each is there once: there is nothing to group.
        const auto& texts = static_cast<const arrow::BinaryArray&>(*entity[0]);
        keys_.resize(static_cast<size_t>(num_rows));
        for (int64_t row = 0; row < num_rows; ++row) {
          const std::string_view text = texts.GetView(row);
          keys_[static_cast<size_t>(row)] = {reinterpret_cast<const uint8_t*>(text.data()),
                                             text.size()};
        }
        table_->labels_.keys.entities.Find(keys_, &entities_);
        for (int64_t row = 0; row < num_rows; ++row) {
          if (texts.IsNull(row)) continue;
          ARROW_RETURN_NOT_OK(Offer(entities_[static_cast<size_t>(row)], row, file));
        }
        return arrow::Status::OK();
      }
      ARROW_ASSIGN_OR_RAISE(const KeyedRows keyed, KeyedRows::Make(*codec_, entity, num_rows));
      const RowGroups& groups = keyed.groups();
      for (size_t g = 0; g < groups.num_groups; ++g) {
        if (groups.first_row[g] < 0) continue;
        ARROW_RETURN_NOT_OK(
            Offer(table_->labels_.keys.entities.Find(groups.keys[g]), groups.first_row[g], file));
      }
      return arrow::Status::OK();
    }

    /// The row of an entity, for all labels that want it.
    arrow::Status Offer(uint32_t entity, int64_t row, const std::string& file) {
      if (entity == EntityIndex::kNone) return arrow::Status::OK();
      for (uint32_t i = first_of_entity_[entity]; i != kNothing; i = next_[i]) {
        const uint32_t label = (*labels_)[i];
        LabelGap& gap = table_->labels_.gaps[label];
        if (gap == LabelGap::kNone) {
          return MakeError(
              ErrorCode::kRunFailed,
              fmt::format("{} holds an entity a second time for its feature date", file),
              "the table was changed by something else: run the date again");
        }
        gap = LabelGap::kNone;
        found_.push_back(label);
        rows_.push_back(row);
      }
      return arrow::Status::OK();
    }

    /// Hands the rows of labels over in batches that are not too wide: one row may be of many
    /// labels.
    arrow::Status Shelve(const RowGroupColumns& read) {
      const std::vector<int64_t> widths = ValueBytes(read.arrays, read.num_rows);
      for (size_t begin = 0; begin < rows_.size();) {
        size_t end = begin;
        int64_t bytes = 0;
        while (end < rows_.size() && (end == begin || bytes < kMostBytes)) {
          bytes += widths[static_cast<size_t>(rows_[end++])];
        }
        ARROW_RETURN_NOT_OK(Shelve(read, begin, end));
        begin = end;
      }
      return arrow::Status::OK();
    }

    arrow::Status Shelve(const RowGroupColumns& read, size_t begin, size_t end) {
      const auto count = static_cast<int64_t>(end - begin);
      arrow::Int64Builder builder;
      ARROW_RETURN_NOT_OK(builder.AppendValues(rows_.data() + begin, count));
      ARROW_ASSIGN_OR_RAISE(const auto indices, builder.Finish());
      arrow::ArrayVector columns;
      const arrow::Schema& schema = *table_->schema_;
      for (int c = 0; c < schema.num_fields(); ++c) {
        const auto at = static_cast<size_t>(table_->feature_columns_.order[static_cast<size_t>(c)]);
        ARROW_ASSIGN_OR_RAISE(const arrow::Datum taken,
                              arrow::compute::Take(read.arrays[at], indices));
        ARROW_ASSIGN_OR_RAISE(auto column,
                              ConvertColumn(taken.make_array(), schema.field(c)->type(), false));
        columns.push_back(std::move(column));
      }
      return shelf_->Add({found_.data() + begin, found_.data() + end},
                         arrow::RecordBatch::Make(table_->schema_, count, std::move(columns)));
    }

    FromTable* table_;
    const EntityKeyCodec* codec_;
    FeatureShelf* shelf_;
    const std::vector<uint32_t>* labels_ = nullptr;
    std::vector<uint32_t> first_of_entity_;  ///< index into the date's labels
    std::vector<uint32_t> next_;             ///< of the same entity, per label of the date
    std::vector<Bytes> keys_;                ///< of a row group
    std::vector<uint32_t> entities_;         ///< likewise
    std::vector<uint32_t> found_;
    std::vector<int64_t> rows_;
    int64_t rows_read_ = 0;
    int64_t bytes_read_ = 0;
  };

  void MeasureAges(TrainingSetFeatures* report) const {
    std::vector<int64_t> ages;
    for (size_t d = 0; d < dates_.size(); ++d) {
      for (const uint32_t label : labels_of_date_[d]) {
        if (labels_.gaps[label] != LabelGap::kNone) continue;
        ages.push_back(labels_.keys.instants[label] - dates_[d].end);
      }
    }
    if (ages.empty()) return;
    constexpr double kMicrosPerSecond = 1e6;
    const auto middle = ages.begin() + static_cast<std::ptrdiff_t>((ages.size() - 1) / 2);
    std::nth_element(ages.begin(), middle, ages.end());
    const auto median = static_cast<double>(*middle);
    const auto [least, most] = std::minmax_element(ages.begin(), ages.end());
    report->ages = {static_cast<double>(*least) / kMicrosPerSecond, median / kMicrosPerSecond,
                    static_cast<double>(*most) / kMicrosPerSecond};
  }

  LabelRequest request_;
  std::string name_;
  std::shared_ptr<const Calendar> calendar_;
  Location location_;
  std::vector<PublishedDate> dates_;  ///< by their ends
  std::vector<std::string> entity_names_;
  std::vector<std::string> feature_names_;
  std::shared_ptr<arrow::Schema> schema_;
  LabelTimes times_;
  IndexedLabels labels_;
  std::vector<std::vector<uint32_t>> labels_of_date_;
  TableContents contents_;
  TableColumns entity_columns_;
  TableColumns feature_columns_;
};

}  // namespace

arrow::Result<std::unique_ptr<LabelFeatureSource>> PublishedFeatures(const Pipeline& pipeline,
                                                                     LabelRequest request) {
  return FromTable::Open(pipeline, std::move(request));
}

}  // namespace tidemill
