// The engine that hands SQL to Spark.
//
//     Scan       one query: events per slot, metrics per date       -> collected
//     Features   one query: the features of all wanted dates        -> Parquet in the work folder
//                each date's files, read in order                   -> the sink
//
// Spark publishes nothing: what it has written is read back, checked for order, audited, staged and
// published as if it had been computed here. So there is one publisher and one ledger whoever
// computes, and nothing that Spark retries or leaves behind can be seen in a table.

#include <algorithm>
#include <chrono>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <utility>

#include <fmt/format.h>

#include "engine/pass_engine.h"
#include "runner/date_input.h"
#include "runner/feature_order.h"
#include "runner/spark_answers.h"
#include "runner/spark_failed_rows.h"
#include "runner/spark_queries.h"
#include "runner/spark_session.h"
#include "runner/work_folder.h"
#include "storage/hive_listing.h"
#include "storage/parallel_for.h"
#include "storage/parquet_source.h"
#include "tidemill/spark.h"

namespace tidemill {
namespace {

/// By index of the date.
using DateFiles = std::map<size_t, std::vector<DataFile>>;

class SparkWork : public PassWork {
 public:
  SparkWork(const Plan& plan, const PassRequest& request, SparkQuery scan,
            std::shared_ptr<SparkClient> client)
      : plan_(plan),
        pipeline_(*plan.pipeline),
        request_(request),
        scan_(std::move(scan)),
        client_(std::move(client)) {}

  arrow::Result<ScanSummary> Scan() override {
    ScanSummary summary = Empty();
    ARROW_RETURN_NOT_OK(CheckDimensions());
    if (plan_.source->files.empty()) return summary;
    ARROW_RETURN_NOT_OK(CheckCancelled());
    std::shared_ptr<arrow::Table> answer;
    ARROW_RETURN_NOT_OK(Cancellable([&] { return client_->Collect(scan_).Value(&answer); }));
    ARROW_RETURN_NOT_OK(ReadCounts(*answer, &summary));
    ARROW_RETURN_NOT_OK(RefuseNullEntity(summary.counts));
    ARROW_RETURN_NOT_OK(TellOfFailures(&summary));
    if (request_.options.on_progress) {
      request_.options.on_progress("scan", summary.counts.rows_read, summary.counts.rows_read);
    }
    return summary;
  }

  arrow::Result<FeatureSummary> Features(const std::vector<bool>& wanted,
                                         FeatureSink* sink) override {
    FeatureSummary summary;
    summary.dates.resize(plan_.dates.size());
    const bool is_empty = plan_.source->files.empty() && plan_.universe == nullptr;
    if (std::ranges::count(wanted, true) == 0 || is_empty) return summary;
    ARROW_RETURN_NOT_OK(CheckCancelled());
    ARROW_ASSIGN_OR_RAISE(const SparkQuery query,
                          SparkFeaturesQuery(plan_, wanted, request_.run_timestamp));
    ARROW_ASSIGN_OR_RAISE(const Location rows, NewFolder("/features"));
    int64_t written = 0;
    ARROW_RETURN_NOT_OK(Cancellable(
        [&] { return client_->Write(query, kSparkDateColumn, HadoopUri(rows)).Value(&written); }));
    ARROW_RETURN_NOT_OK(CheckSource());
    ARROW_ASSIGN_OR_RAISE(const auto files, FilesOfDates(rows));
    ARROW_RETURN_NOT_OK(CheckComplete(rows, files, written));
    ARROW_ASSIGN_OR_RAISE(summary.entities, CountEntities(rows, files));
    int64_t done = 0;
    std::mutex mutex;
    ARROW_RETURN_NOT_OK(ParallelFor(
        static_cast<int64_t>(plan_.dates.size()), request_.options.writers,
        request_.options.cancelled, [&](int64_t index, int) -> arrow::Status {
          const auto d = static_cast<size_t>(index);
          arrow::Status status;
          if (const auto found = files.find(d); wanted[d] && found != files.end()) {
            status = HandOver(rows, found->second, d, sink);
          }
          std::lock_guard lock(mutex);
          if (CodeOf(status) == ErrorCode::kInterrupted && !status.ok()) return status;
          summary.dates[d] = std::move(status);
          if (request_.options.on_progress) {
            request_.options.on_progress("merge", ++done, static_cast<int64_t>(plan_.dates.size()));
          }
          return arrow::Status::OK();
        }));
    return summary;
  }

 private:
  arrow::Status CheckCancelled() const {
    const std::atomic<bool>* cancelled = request_.options.cancelled;
    if (cancelled == nullptr || !*cancelled) return arrow::Status::OK();
    return MakeError(ErrorCode::kInterrupted, "interrupted");
  }

  /// Runs a call of the client on a thread of its own, and has it ended once the pass is cancelled.
  arrow::Status Cancellable(const std::function<arrow::Status()>& call) const {
    auto done = std::async(std::launch::async, call);
    for (int round = 0;
         done.wait_for(std::chrono::milliseconds(100)) != std::future_status::ready;) {
      // Again and again: what was cancelled may have been between two of its jobs.
      if (!CheckCancelled().ok() && round++ % 10 == 0) client_->Cancel();
    }
    arrow::Status status = done.get();
    ARROW_RETURN_NOT_OK(CheckCancelled());
    return status;
  }

  /// A folder in the work folder, which is made for the first.
  arrow::Result<Location> NewFolder(const std::string& name) {
    if (folder_ == nullptr) {
      ARROW_ASSIGN_OR_RAISE(folder_, WorkFolder::Create(request_.work));
    }
    Location folder = request_.work;
    folder.path += name;
    folder.uri += name;
    return folder;
  }

  /// Fetches examples of failing rows where a date fails for them, and what is quarantined. Neither
  /// is asked for where rows are as they should be.
  arrow::Status TellOfFailures(ScanSummary* summary) {
    bool any_fails = false;
    for (size_t d = 0; d < plan_.dates.size(); ++d) {
      const auto results =
          EvaluateRowRules(pipeline_.row_rules, RuleCountsOf(plan_, summary->counts, d),
                           RowsReadOf(plan_, summary->counts, d));
      any_fails |= !std::ranges::all_of(results, &CheckResult::passed);
    }
    if (any_fails) {
      ARROW_ASSIGN_OR_RAISE(const SparkQuery query, SparkExamplesQuery(plan_, kMostExamples));
      std::shared_ptr<arrow::Table> answer;
      ARROW_RETURN_NOT_OK(Cancellable([&] { return client_->Collect(query).Value(&answer); }));
      ARROW_RETURN_NOT_OK(AddExamples(plan_, *answer, &summary->counts.rules));
    }
    const RuleCounts all = summary->counts.rules.Sum(plan_.strata.slots());
    if (all.rows_quarantined == 0 || !request_.options.quarantine) return arrow::Status::OK();
    ARROW_ASSIGN_OR_RAISE(const SparkQuery query, SparkQuarantineQuery(plan_));
    ARROW_ASSIGN_OR_RAISE(const Location rows, NewFolder("/quarantined"));
    int64_t written = 0;
    ARROW_RETURN_NOT_OK(Cancellable([&] {
      return client_->Write(query, SparkFailedColumns::kPart, HadoopUri(rows)).Value(&written);
    }));
    ARROW_ASSIGN_OR_RAISE(const HiveListing listing, ListHive(rows));
    ARROW_RETURN_NOT_OK(CheckComplete(rows, {{0, listing.files}}, written));
    if (written != all.rows_quarantined) {
      return MakeError(ErrorCode::kRunFailed,
                       fmt::format("{} rows fail rules that quarantine, and a query later {}",
                                   all.rows_quarantined, written),
                       "run it again, once nobody writes to the source");
    }
    return SpoolQuarantined(plan_, rows, request_.options.quarantine, &summary->quarantined);
  }

  /// What a source without events gives.
  ScanSummary Empty() const {
    ScanSummary summary;
    summary.counts.rows_of_slot.assign(static_cast<size_t>(plan_.strata.slots().size()), 0);
    summary.counts.looked_up.assign(plan_.dimensions.size(), 0);
    summary.counts.not_found.assign(plan_.dimensions.size(), 0);
    const FrameMetrics none(&pipeline_.input_checks, 1);
    summary.input_metrics.assign(plan_.dates.size(), none.Values({0, 0}));
    return summary;
  }

  arrow::Status ReadCounts(const arrow::Table& answer, ScanSummary* summary) const {
    ARROW_ASSIGN_OR_RAISE(const auto positions, IntegersOf(answer, SparkScanColumns::kPosition));
    ARROW_ASSIGN_OR_RAISE(const auto rows, IntegersOf(answer, SparkScanColumns::kRows));
    ARROW_ASSIGN_OR_RAISE(const auto filtered, IntegersOf(answer, SparkScanColumns::kFiltered));
    ARROW_ASSIGN_OR_RAISE(const auto without_entity,
                          IntegersOf(answer, SparkScanColumns::kWithoutEntity));
    const size_t num_rules = pipeline_.row_rules.size();
    std::vector<std::vector<int64_t>> failed(num_rules);
    for (size_t r = 0; r < num_rules; ++r) {
      ARROW_ASSIGN_OR_RAISE(failed[r], IntegersOf(answer, SparkScanColumns::Failed(r)));
    }
    ScanCounts& counts = summary->counts;
    const auto num_slots = static_cast<int32_t>(plan_.strata.slots().size());
    for (size_t i = 0; i < positions.size(); ++i) {
      const auto position = static_cast<int32_t>(positions[i]);
      if (position >= 0) {
        ARROW_ASSIGN_OR_RAISE(summary->input_metrics[static_cast<size_t>(position)],
                              MetricsOf(answer, static_cast<int64_t>(i)));
      } else if (position == SparkScanColumns::kWithoutDay) {
        counts.rows_without_day += rows[i];
      } else if (position == SparkScanColumns::kMisplaced) {
        counts.rows_misplaced += rows[i];
      } else {
        counts.rows_read += rows[i];
        counts.rows_filtered += filtered[i];
        counts.rows_without_entity += without_entity[i];
        int32_t offset = SparkScanColumns::OffsetOf(position);
        const bool is_quarantined = offset >= num_slots;
        if (is_quarantined) offset -= num_slots;
        counts.rows_of_slot[static_cast<size_t>(offset)] += rows[i];
        RuleCounts of_slot;
        if (is_quarantined) of_slot.rows_quarantined = rows[i];
        for (size_t r = 0; r < num_rules; ++r) of_slot.rules.push_back({failed[r][i], {}});
        if (num_rules > 0)
          counts.rules.slots[plan_.strata.slots().first.index + offset].Add(of_slot);
      }
    }
    if (plan_.scope == PlanScope::kFeatures) {
      ARROW_RETURN_NOT_OK(ReadJoinCounts(answer, positions, &counts));
    }
    // The plan has counted those that lie in row groups which it does not read.
    counts.rows_misplaced = std::max<int64_t>(0, counts.rows_misplaced - plan_.rows_misplaced);
    return arrow::Status::OK();
  }

  arrow::Status ReadJoinCounts(const arrow::Table& answer, const std::vector<int64_t>& positions,
                               ScanCounts* counts) const {
    for (size_t j = 0; j < plan_.dimensions.size(); ++j) {
      if (!plan_.needed_joins[j]) continue;
      ARROW_ASSIGN_OR_RAISE(const auto looked_up,
                            IntegersOf(answer, SparkScanColumns::LookedUp(j)));
      ARROW_ASSIGN_OR_RAISE(const auto not_found,
                            IntegersOf(answer, SparkScanColumns::NotFound(j)));
      for (size_t i = 0; i < positions.size(); ++i) {
        if (positions[i] >= SparkScanColumns::kMisplaced) continue;
        counts->looked_up[j] += looked_up[i];
        counts->not_found[j] += not_found[i];
        if (pipeline_.joins[j].is_inner) counts->rows_unmatched += not_found[i];
      }
    }
    return arrow::Status::OK();
  }

  /// That each dimension is unique in its key.
  arrow::Status CheckDimensions() const {
    for (size_t j = 0; j < plan_.dimensions.size(); ++j) {
      const Dimension& dimension = *plan_.dimensions[j];
      if (!plan_.needed_joins[j] || dimension.files.empty()) continue;
      ARROW_RETURN_NOT_OK(CheckCancelled());
      ARROW_ASSIGN_OR_RAISE(const SparkQuery query, SparkRepeatedKeysQuery(plan_, j));
      std::shared_ptr<arrow::Table> answer;
      ARROW_RETURN_NOT_OK(Cancellable([&] { return client_->Collect(query).Value(&answer); }));
      if (answer->num_rows() == 0) continue;
      const auto text_of = [&](const std::string& column) -> arrow::Result<std::string> {
        ARROW_ASSIGN_OR_RAISE(const auto value, answer->GetColumnByName(column)->GetScalar(0));
        return value->ToString();
      };
      std::string key;
      const std::vector<int>& columns = pipeline_.joins[j].dimension_keys;
      for (size_t k = 0; k < columns.size(); ++k) {
        ARROW_ASSIGN_OR_RAISE(const std::string value, text_of("k" + std::to_string(k)));
        key += (k == 0 ? "" : ", ") + dimension.schema->field(columns[k])->name() + " = " + value;
      }
      std::string day;
      if (dimension.is_dated) {
        ARROW_ASSIGN_OR_RAISE(day, text_of("day"));
      }
      ARROW_ASSIGN_OR_RAISE(const auto times, IntegersOf(*answer, "times"));
      ARROW_ASSIGN_OR_RAISE(const auto keys, IntegersOf(*answer, "keys"));
      return RepeatedKeyError(dimension, day, key, times[0], keys[0]);
    }
    return arrow::Status::OK();
  }

  arrow::Result<std::vector<arrow::Datum>> MetricsOf(const arrow::Table& answer,
                                                     int64_t row) const {
    std::vector<arrow::Datum> values;
    for (size_t m = 0; m < pipeline_.input_checks.metrics.size(); ++m) {
      const std::string name = SparkScanColumns::Metric(m);
      const auto column = answer.GetColumnByName(name);
      if (column == nullptr) {
        return MakeError(ErrorCode::kRunFailed, "Spark's answer has no column '" + name + "'");
      }
      ARROW_ASSIGN_OR_RAISE(const auto value, column->GetScalar(row));
      ARROW_ASSIGN_OR_RAISE(const auto array, arrow::MakeArrayFromScalar(*value, 1));
      ARROW_ASSIGN_OR_RAISE(const auto cast,
                            CastTo(array, pipeline_.input_checks.kernels[m].result_type));
      ARROW_ASSIGN_OR_RAISE(auto scalar, cast->GetScalar(0));
      values.emplace_back(std::move(scalar));
    }
    return values;
  }

  arrow::Status RefuseNullEntity(const ScanCounts& counts) const {
    if (pipeline_.spec.null_entity != NullEntity::kError || counts.rows_without_entity == 0) {
      return arrow::Status::OK();
    }
    std::string names;
    for (int index : pipeline_.entity) {
      names += (names.empty() ? "" : ", ") + pipeline_.rows->field(index)->name();
    }
    return MakeError(ErrorCode::kRunFailed,
                     plan_.source->root.uri + " has " + std::to_string(counts.rows_without_entity) +
                         (counts.rows_without_entity == 1 ? " row" : " rows") +
                         " with a NULL entity (" + names + ")",
                     "set null_entity to drop or keep, or filter them with source.where");
  }

  /// That the events which Spark has read in two queries are those of the plan. A version of a
  /// Delta table does not change.
  arrow::Status CheckSource() const {
    const Source& source = *plan_.source;
    if (source.version) return arrow::Status::OK();
    ARROW_ASSIGN_OR_RAISE(const HiveListing now, ListHive(source.root));
    std::map<std::string, const DataFile*> by_path;
    for (const DataFile& file : now.files) by_path[file.relative_path] = &file;
    for (const DataFile& file : source.files) {
      const auto found = by_path.find(file.relative_path);
      if (found != by_path.end() && found->second->size == file.size &&
          found->second->mtime_ns == file.mtime_ns && found->second->revision == file.revision) {
        continue;
      }
      return MakeError(
          ErrorCode::kRunFailed,
          file.relative_path + " of " + source.root.uri + " changed while the pass ran",
          "run it again, once nobody writes to the source");
    }
    return arrow::Status::OK();
  }

  /// That all rows which Spark has written are found here. Executors that write to disks of their
  /// own leave nothing of them where the table is.
  static arrow::Status CheckComplete(const Location& rows, const DateFiles& files,
                                     int64_t written) {
    int64_t found = 0;
    for (const auto& [date, of_date] : files) {
      ARROW_ASSIGN_OR_RAISE(const auto footers, ReadFooters(rows, of_date, 1));
      for (const ParquetFooter& footer : footers) found += footer.metadata->num_rows();
    }
    if (found == written) return arrow::Status::OK();
    return MakeError(ErrorCode::kRunFailed,
                     "Spark has written " + std::to_string(written) + " rows below " + rows.uri +
                         ", where " + std::to_string(found) + " are found",
                     "the table must be on storage that this machine and all of Spark's see alike");
  }

  /// The files that Spark wrote, in order, by date.
  static arrow::Result<DateFiles> FilesOfDates(const Location& rows) {
    const auto info = rows.filesystem->GetFileInfo(rows.path);
    if (info.ok() && info->type() == arrow::fs::FileType::NotFound) return DateFiles{};
    ARROW_ASSIGN_OR_RAISE(HiveListing listing, ListHive(rows));
    DateFiles files;
    for (DataFile& file : listing.files) {
      const auto* date =
          file.partition_values.size() == 1
              ? dynamic_cast<const arrow::Int64Scalar*>(file.partition_values[0].get())
              : nullptr;
      if (date == nullptr || !date->is_valid) {
        return MakeError(ErrorCode::kRunFailed,
                         rows.uri + "/" + file.relative_path + " is no file of a date");
      }
      files[static_cast<size_t>(date->value)].push_back(std::move(file));
    }
    return files;
  }

  arrow::Result<int64_t> CountEntities(const Location& rows, const DateFiles& files) {
    if (files.empty()) return 0;
    if (plan_.dates.size() > 1) {
      ARROW_ASSIGN_OR_RAISE(const auto answer,
                            client_->Collect(SparkEntityCountQuery(plan_, HadoopUri(rows))));
      ARROW_ASSIGN_OR_RAISE(const auto counts, IntegersOf(*answer, "entities"));
      return counts.empty() ? 0 : counts[0];
    }
    ARROW_ASSIGN_OR_RAISE(const auto footers, ReadFooters(rows, files.begin()->second, 1));
    int64_t entities = 0;
    for (const ParquetFooter& footer : footers) entities += footer.metadata->num_rows();
    return entities;
  }

  /// Row group by row group, so that no more than one is in memory.
  arrow::Status HandOver(const Location& rows, const std::vector<DataFile>& files, size_t date,
                         FeatureSink* sink) const {
    std::vector<std::string> columns;
    for (int i = 0; i < pipeline_.output->num_fields(); ++i) {
      columns.push_back(SparkOutputColumn(static_cast<size_t>(i)));
    }
    ARROW_ASSIGN_OR_RAISE(FeatureOrder order, FeatureOrder::Make(pipeline_));
    ARROW_ASSIGN_OR_RAISE(const auto footers, ReadFooters(rows, files, 1));
    for (size_t f = 0; f < files.size(); ++f) {
      const ParquetFooter& footer = footers[f];
      for (int g = 0; g < footer.metadata->num_row_groups(); ++g) {
        ARROW_RETURN_NOT_OK(CheckCancelled());
        ARROW_ASSIGN_OR_RAISE(RowGroupColumns read,
                              ReadRowGroup(rows, files[f], footer, g, *footer.schema, columns));
        if (read.num_rows == 0) continue;
        for (size_t i = 0; i < read.arrays.size(); ++i) {
          const auto& field = pipeline_.output->field(static_cast<int>(i));
          auto cast = CastTo(read.arrays[i], field->type());
          if (!cast.ok()) return WithContext(cast.status(), "feature '" + field->name() + "'");
          read.arrays[i] = *std::move(cast);
        }
        const auto batch =
            arrow::RecordBatch::Make(pipeline_.output, read.num_rows, std::move(read.arrays));
        ARROW_RETURN_NOT_OK(order.Follow(*batch));
        ARROW_RETURN_NOT_OK(sink->Append(date, batch));
      }
    }
    return arrow::Status::OK();
  }

  const Plan& plan_;
  const BoundPipeline& pipeline_;
  const PassRequest& request_;
  SparkQuery scan_;
  std::shared_ptr<SparkClient> client_;
  std::unique_ptr<WorkFolder> folder_;
};

class Engine : public PassEngine {
 public:
  explicit Engine(std::shared_ptr<SparkClient> client) : client_(std::move(client)) {}

  arrow::Result<std::unique_ptr<PassWork>> Begin(const Plan& plan,
                                                 const PassRequest& request) override {
    ARROW_ASSIGN_OR_RAISE(SparkQuery scan, SparkScanQuery(plan));
    if (!plan.pipeline->row_rules.empty()) {
      ARROW_RETURN_NOT_OK(SparkQuarantineQuery(plan).status());
    }
    if (plan.scope == PlanScope::kFeatures) {
      // Whatever Spark cannot say is known here, before anything has run.
      const std::vector<bool> all(plan.dates.size(), true);
      ARROW_RETURN_NOT_OK(SparkFeaturesQuery(plan, all, request.run_timestamp).status());
    }
    return std::make_unique<SparkWork>(plan, request, std::move(scan), client_);
  }

 private:
  std::shared_ptr<SparkClient> client_;
};

}  // namespace

std::shared_ptr<PassEngine> SparkEngine(std::shared_ptr<SparkClient> client) {
  return std::make_shared<Engine>(std::move(client));
}

}  // namespace tidemill
