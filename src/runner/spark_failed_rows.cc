#include "runner/spark_failed_rows.h"

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "engine/quarantine.h"
#include "runner/spark_answers.h"
#include "runner/spark_queries.h"
#include "storage/hive_listing.h"
#include "storage/parquet_source.h"
#include "storage/percent_encoding.h"

namespace tidemill {
namespace {

/// "s3a://bucket/a/b", "file:///a/b" and "file:/a/b" -> "bucket/a/b", "a/b".
std::string_view WithoutScheme(std::string_view uri) {
  const size_t slash = uri.find('/');
  if (slash != 0 && slash != std::string_view::npos && uri[slash - 1] == ':') {
    uri.remove_prefix(slash);
  }
  uri.remove_prefix(std::min(uri.find_first_not_of('/'), uri.size()));
  return uri;
}

/// The files of a source by what Spark calls them.
class FilesByUri {
 public:
  explicit FilesByUri(const Source& source) : source_(source) {
    for (size_t f = 0; f < source.files.size(); ++f) {
      by_path_.emplace(WithoutScheme(source.files[f].path), f);
    }
  }

  /// The index of a file. Some versions of Spark encode what a URI cannot hold, others do not.
  arrow::Result<size_t> Find(std::string_view uri) const {
    const std::string path(WithoutScheme(uri));
    auto found = by_path_.find(path);
    if (found == by_path_.end()) found = by_path_.find(PercentDecode(path));
    if (found != by_path_.end()) return found->second;
    return MakeError(ErrorCode::kRunFailed, "Spark has read " + std::string(uri) +
                                                ", which is no file of " + source_.root.uri);
  }

 private:
  const Source& source_;
  std::map<std::string, size_t, std::less<>> by_path_;
};

/// Rows of an answer, with their origin.
struct FailedRows {
  std::shared_ptr<arrow::StringArray> uris;
  std::shared_ptr<arrow::Int64Array> numbers;
  std::shared_ptr<arrow::Int64Array> offsets;
  std::vector<std::shared_ptr<arrow::BooleanArray>> passed;  ///< per rule

  static arrow::Result<FailedRows> Of(const arrow::Table& table, size_t rules) {
    FailedRows rows;
    ARROW_ASSIGN_OR_RAISE(const auto uris,
                          ColumnOf(table, SparkFailedColumns::kFile, arrow::utf8()));
    ARROW_ASSIGN_OR_RAISE(const auto numbers,
                          ColumnOf(table, SparkFailedColumns::kRow, arrow::int64()));
    ARROW_ASSIGN_OR_RAISE(const auto offsets,
                          ColumnOf(table, SparkFailedColumns::kOffset, arrow::int64()));
    rows.uris = std::static_pointer_cast<arrow::StringArray>(uris);
    rows.numbers = std::static_pointer_cast<arrow::Int64Array>(numbers);
    rows.offsets = std::static_pointer_cast<arrow::Int64Array>(offsets);
    for (size_t r = 0; r < rules; ++r) {
      ARROW_ASSIGN_OR_RAISE(const auto passed,
                            ColumnOf(table, SparkFailedColumns::Rule(r), arrow::boolean()));
      rows.passed.push_back(std::static_pointer_cast<arrow::BooleanArray>(passed));
    }
    return rows;
  }

  int64_t size() const { return uris->length(); }
  /// The first row behind `begin` that is of another file.
  int64_t EndOfFile(int64_t begin) const {
    int64_t end = begin + 1;
    while (end < size() && uris->GetView(end) == uris->GetView(begin)) ++end;
    return end;
  }
};

/// The columns of the source, as the quarantine has them.
arrow::Result<arrow::ArrayVector> ValuesOf(const arrow::Table& table,
                                           const arrow::Schema& quarantine) {
  arrow::ArrayVector values;
  for (int c = kQuarantineOwnColumns; c < quarantine.num_fields(); ++c) {
    ARROW_ASSIGN_OR_RAISE(values.emplace_back(),
                          ColumnOf(table, SparkFailedColumns::Value(static_cast<size_t>(c)),
                                   quarantine.field(c)->type()));
  }
  return values;
}

/// The rows [begin, end), all of one file, as they are quarantined.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> QuarantinedBatch(
    const Plan& plan, const std::shared_ptr<arrow::Schema>& schema,
    const arrow::ArrayVector& values, const FailedRows& rows, const std::string& file,
    int64_t begin, int64_t end) {
  QuarantineOrigins origins(plan);
  for (int64_t i = begin; i < end; ++i) {
    const Slot slot = plan.strata.slots().first + static_cast<int32_t>(rows.offsets->Value(i));
    ARROW_RETURN_NOT_OK(origins.Append(file, rows.numbers->Value(i), slot,
                                       [&](size_t r) { return !rows.passed[r]->Value(i); }));
  }
  ARROW_ASSIGN_OR_RAISE(arrow::ArrayVector columns, origins.Finish());
  for (const auto& column : values) columns.push_back(column->Slice(begin, end - begin));
  return arrow::RecordBatch::Make(schema, end - begin, std::move(columns));
}

}  // namespace

arrow::Status AddExamples(const Plan& plan, const arrow::Table& answer, RuleCountsOfSlots* counts) {
  const BoundPipeline& pipeline = *plan.pipeline;
  const size_t num_rules = pipeline.row_rules.size();
  ARROW_ASSIGN_OR_RAISE(const FailedRows rows, FailedRows::Of(answer, num_rules));
  const FilesByUri files(*plan.source);
  Frame all;
  all.columns.resize(static_cast<size_t>(pipeline.rows->num_fields()));
  for (const int column : ColumnsOfRules(pipeline.row_rules)) {
    ARROW_ASSIGN_OR_RAISE(all.columns[static_cast<size_t>(column)],
                          ColumnOf(answer, SparkFailedColumns::Value(static_cast<size_t>(column)),
                                   pipeline.rows->field(column)->type()));
  }
  RuleCountsOfSlots examples;
  for (int64_t begin = 0; begin < rows.size(); begin = rows.EndOfFile(begin)) {
    const int64_t end = rows.EndOfFile(begin);
    ARROW_ASSIGN_OR_RAISE(const size_t file, files.Find(rows.uris->GetView(begin)));
    Frame frame;
    frame.num_rows = end - begin;
    for (const arrow::Datum& column : all.columns) {
      frame.columns.push_back(column.is_array() ? column.make_array()->Slice(begin, end - begin)
                                                : arrow::Datum());
    }
    RowOrigins origins;
    origins.file = plan.source->files[file].relative_path;
    RuleVerdicts verdicts;
    verdicts.passed.resize(num_rules);
    for (int64_t i = begin; i < end; ++i) {
      origins.file_rows.push_back(rows.numbers->Value(i));
      origins.slots.push_back(plan.strata.slots().first.index +
                              static_cast<int32_t>(rows.offsets->Value(i)));
      for (size_t r = 0; r < num_rules; ++r) {
        verdicts.passed[r].push_back(rows.passed[r]->Value(i) ? 1 : 0);
      }
    }
    ARROW_RETURN_NOT_OK(CountFailures(pipeline, frame, verdicts, origins, &examples));
  }
  for (auto& [slot, of_slot] : examples.slots) {
    of_slot.rows_quarantined = 0;
    for (RuleFailures& failures : of_slot.rules) failures.rows = 0;
  }
  counts->Add(examples);
  return arrow::Status::OK();
}

arrow::Status SpoolQuarantined(const Plan& plan, const Location& rows, const MakeFile& make_file,
                               std::vector<RowSpoolFile>* files) {
  const auto schema = QuarantineSchema(plan);
  const FilesByUri by_uri(*plan.source);
  RowSpoolWriter writer(make_file);
  ARROW_ASSIGN_OR_RAISE(const HiveListing listing, ListHive(rows));
  ARROW_ASSIGN_OR_RAISE(const auto footers, ReadFooters(rows, listing.files, 1));
  for (size_t f = 0; f < footers.size(); ++f) {
    const std::vector<std::string> names = footers[f].schema->field_names();
    for (int g = 0; g < footers[f].metadata->num_row_groups(); ++g) {
      ARROW_ASSIGN_OR_RAISE(const RowGroupColumns read,
                            ReadRowGroup(rows, listing.files[f], footers[f], g, *footers[f].schema,
                                         names, TextForm::kPlain));
      arrow::FieldVector fields;
      for (size_t c = 0; c < names.size(); ++c) {
        fields.push_back(arrow::field(names[c], read.arrays[c]->type()));
      }
      const auto table = arrow::Table::Make(arrow::schema(fields), read.arrays, read.num_rows);
      ARROW_ASSIGN_OR_RAISE(const FailedRows failed,
                            FailedRows::Of(*table, plan.pipeline->row_rules.size()));
      ARROW_ASSIGN_OR_RAISE(const arrow::ArrayVector values, ValuesOf(*table, *schema));
      for (int64_t begin = 0; begin < failed.size(); begin = failed.EndOfFile(begin)) {
        ARROW_ASSIGN_OR_RAISE(const size_t file, by_uri.Find(failed.uris->GetView(begin)));
        ARROW_ASSIGN_OR_RAISE(
            const auto batch,
            QuarantinedBatch(plan, schema, values, failed, plan.source->files[file].relative_path,
                             begin, failed.EndOfFile(begin)));
        // The files' order is that of the source, whatever Spark's is.
        ARROW_RETURN_NOT_OK(writer.Append(static_cast<int64_t>(file), *batch));
      }
    }
  }
  return writer.Finish(files);
}

}  // namespace tidemill
