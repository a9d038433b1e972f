// Commands that look and publish nothing: lint, check, preview.

#include <algorithm>

#include <arrow/compute/api_vector.h>
#include <arrow/table.h>

#include "runner/date_input.h"
#include "runner/output_table.h"
#include "runner/pass_request.h"
#include "runner/prepare.h"

namespace tidemill {
namespace {

/// Keeps batches of a single date, at most `limit` rows (no limit if negative).
class PreviewSink : public FeatureSink {
 public:
  explicit PreviewSink(int64_t limit) : limit_(limit) {}

  arrow::Status Append(size_t, const std::shared_ptr<arrow::RecordBatch>& batch) override {
    const int64_t wanted = limit_ < 0 ? batch->num_rows() : limit_ - rows_;
    if (wanted <= 0) return arrow::Status::OK();
    batches_.push_back(batch->Slice(0, wanted));
    rows_ += batches_.back()->num_rows();
    return arrow::Status::OK();
  }

  const std::vector<std::shared_ptr<arrow::RecordBatch>>& batches() const { return batches_; }

 private:
  int64_t limit_;
  int64_t rows_ = 0;
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches_;
};

arrow::Result<std::shared_ptr<arrow::Table>> WithEntity(const std::shared_ptr<arrow::Table>& table,
                                                        const std::string& entity) {
  std::vector<std::shared_ptr<arrow::Table>> kept;
  int64_t row = 0;
  for (const auto& chunk : table->column(0)->chunks()) {
    for (int64_t i = 0; i < chunk->length(); ++i, ++row) {
      ARROW_ASSIGN_OR_RAISE(auto value, chunk->GetScalar(i));
      const std::string text = value->is_valid ? value->ToString() : "NULL";
      if (text == entity) kept.push_back(table->Slice(row, 1));
    }
  }
  if (kept.empty()) return table->Slice(0, 0);
  return arrow::ConcatenateTables(kept);
}

}  // namespace

arrow::Result<std::vector<std::string>> LintPipeline(const Pipeline& pipeline) {
  ARROW_RETURN_NOT_OK(CalendarOf(pipeline).status());
  ARROW_ASSIGN_OR_RAISE(Source source, OpenSource(pipeline, std::nullopt, 1));
  ARROW_ASSIGN_OR_RAISE(const Dimensions dimensions, OpenDimensions(pipeline, std::nullopt, 1));
  ARROW_ASSIGN_OR_RAISE(const BoundPipeline bound,
                        BindPipeline(pipeline, source.schema, SchemasOf(dimensions)));
  ARROW_RETURN_NOT_OK(OpenUniverse(bound, 1).status());
  std::vector<std::string> warnings = std::move(source.warnings);
  for (const auto& dimension : dimensions) {
    warnings.insert(warnings.end(), dimension->warnings.begin(), dimension->warnings.end());
  }
  return warnings;
}

arrow::Result<std::vector<CheckResult>> CheckDate(const Pipeline& pipeline,
                                                  const RunOptions& options) {
  ARROW_ASSIGN_OR_RAISE(auto calendar, CalendarOf(pipeline));
  ARROW_ASSIGN_OR_RAISE(const Slot date, ParseFeatureDate(*calendar, options.date));
  ARROW_ASSIGN_OR_RAISE(const Plan plan,
                        PreparePass(pipeline, calendar, {date}, options, PlanScope::kInputChecks));
  ARROW_ASSIGN_OR_RAISE(const Table table, OpenOutput(pipeline, *calendar));
  ARROW_ASSIGN_OR_RAISE(const PassRequest request, RequestFor(plan, options));
  ARROW_ASSIGN_OR_RAISE(const auto work, EngineOf(options)->Begin(plan, request));
  ARROW_ASSIGN_OR_RAISE(const ScanSummary scan, work->Scan());
  ARROW_ASSIGN_OR_RAISE(const PreviousOfDate previous, ReadPrevious(table, calendar->Format(date)));
  return CheckInputOf(plan, scan, 0, previous.input);
}

arrow::Result<std::shared_ptr<arrow::Table>> PreviewDate(const Pipeline& pipeline,
                                                         const RunOptions& options,
                                                         const std::string& entity, int64_t limit) {
  ARROW_ASSIGN_OR_RAISE(auto calendar, CalendarOf(pipeline));
  ARROW_ASSIGN_OR_RAISE(const Slot date, ParseFeatureDate(*calendar, options.date));
  ARROW_ASSIGN_OR_RAISE(const Plan plan, PreparePass(pipeline, calendar, {date}, options));
  ARROW_ASSIGN_OR_RAISE(const PassRequest request, RequestFor(plan, options));
  ARROW_ASSIGN_OR_RAISE(const auto work, EngineOf(options)->Begin(plan, request));
  ARROW_RETURN_NOT_OK(work->Scan().status());
  PreviewSink sink(entity.empty() ? limit : -1);
  ARROW_ASSIGN_OR_RAISE(const FeatureSummary features, work->Features({true}, &sink));
  ARROW_RETURN_NOT_OK(features.dates[0]);
  ARROW_ASSIGN_OR_RAISE(auto table,
                        arrow::Table::FromRecordBatches(plan.pipeline->output, sink.batches()));
  if (!entity.empty()) {
    ARROW_ASSIGN_OR_RAISE(table, WithEntity(table, entity));
    if (limit >= 0) table = table->Slice(0, limit);
  }
  return table;
}

}  // namespace tidemill
