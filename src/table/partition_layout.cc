#include "table/partition_layout.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "storage/column_types.h"
#include "storage/percent_encoding.h"
#include "table/iceberg_bucket.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

using Kind = PartitionTerm::Kind;

bool IsColumnTerm(const PartitionTerm& term) {
  return term.kind == Kind::kColumn || term.kind == Kind::kBucket;
}

bool CanBePath(const arrow::DataType& type) {
  return arrow::is_integer(type.id()) || type.id() == arrow::Type::STRING ||
         type.id() == arrow::Type::BOOL || type.id() == arrow::Type::DATE32 ||
         type.id() == arrow::Type::DECIMAL128;
}

bool IsPathColumn(const std::vector<PartitionTerm>& terms, const std::string& name) {
  return std::ranges::any_of(terms, [&](const PartitionTerm& term) {
    return term.kind == Kind::kColumn && term.column.text == name;
  });
}

}  // namespace

std::string PartitionLayout::NameOf(const PartitionTerm& term) {
  switch (term.kind) {
    case Kind::kFeatureDate:
      return "feature_date";
    case Kind::kFeatureHour:
      return "feature_hour";
    case Kind::kYear:
      return "year";
    case Kind::kMonth:
      return "month";
    case Kind::kDay:
      return "day";
    case Kind::kColumn:
      return term.column.text;
    case Kind::kBucket:
      return term.column.text + "_bucket";
  }
  return "";
}

std::vector<std::string> PartitionLayout::ColumnNames() const {
  std::vector<std::string> names;
  for (const PartitionTerm& term : date_terms_) names.push_back(NameOf(term));
  for (const PartitionTerm& term : column_terms_) names.push_back(NameOf(term));
  return names;
}

std::vector<std::pair<std::string, std::string>> PartitionLayout::DateColumns() const {
  std::vector<std::pair<std::string, std::string>> columns;
  for (const PartitionTerm& term : date_terms_) {
    const bool is_number =
        term.kind == Kind::kYear || term.kind == Kind::kMonth || term.kind == Kind::kDay;
    columns.emplace_back(NameOf(term), term.kind == Kind::kFeatureDate ? "date"
                                       : is_number                     ? "integer"
                                                                       : "string");
  }
  return columns;
}

arrow::Result<PartitionLayout> PartitionLayout::Make(const std::vector<PartitionTerm>& terms,
                                                     const Calendar& calendar) {
  PartitionLayout layout(calendar);
  const auto first_column = std::ranges::find_if(terms, IsColumnTerm);
  layout.date_terms_.assign(terms.begin(), first_column);
  layout.column_terms_.assign(first_column, terms.end());

  std::vector<Kind> kinds;
  for (const PartitionTerm& term : layout.date_terms_) kinds.push_back(term.kind);
  const bool by_hour = calendar.step() == Calendar::Step::kHour;
  const bool has_hour = !kinds.empty() && kinds.back() == Kind::kFeatureHour;
  if (has_hour) kinds.pop_back();
  const bool names_a_day = kinds == std::vector{Kind::kFeatureDate} ||
                           kinds == std::vector{Kind::kYear, Kind::kMonth, Kind::kDay};
  if (!names_a_day || has_hour != by_hour) {
    return MakeError(ErrorCode::kInvalid, "partition_by must begin with the feature date",
                     by_hour ? "[feature_date, feature_hour] or [year, month, day, feature_hour]"
                             : "[feature_date] or [year, month, day]");
  }
  std::set<std::string> names;
  for (const PartitionTerm& term : terms) {
    if (!names.insert(NameOf(term)).second) {
      return MakeError(ErrorCode::kInvalid,
                       fmt::format("partition_by names '{}' twice", NameOf(term)), "",
                       term.column.position);
    }
    if (&term > &*terms.begin() + layout.date_terms_.size() && !IsColumnTerm(term)) {
      return MakeError(ErrorCode::kInvalid,
                       fmt::format("partition_by has '{}' after a column", NameOf(term)),
                       "the feature date comes first");
    }
    if (term.kind == Kind::kBucket && term.buckets <= 0) {
      return MakeError(ErrorCode::kInvalid, "the number of buckets must be positive", "",
                       term.column.position);
    }
  }
  return layout;
}

std::string PartitionLayout::DatePath(Slot slot) const {
  const YearMonthDay date = ToYearMonthDay(calendar_.DayOf(slot));
  std::string path;
  for (const PartitionTerm& term : date_terms_) {
    if (!path.empty()) path += "/";
    path += NameOf(term) + "=";
    switch (term.kind) {
      case Kind::kFeatureDate:
        path += FormatCivilDay(calendar_.DayOf(slot));
        break;
      case Kind::kYear:
        path += fmt::format("{}", date.year);
        break;
      case Kind::kMonth:
        path += fmt::format("{}", date.month);
        break;
      case Kind::kDay:
        path += fmt::format("{}", date.day);
        break;
      default: {
        // The label is "2026-03-02T14", with an offset behind it where that hour comes twice.
        const std::string label = calendar_.Format(slot);
        path += PercentEncodeForHive(label.substr(label.find('T') + 1));
      }
    }
  }
  return path;
}

arrow::Status PartitionLayout::CheckSchema(const arrow::Schema& schema) const {
  for (const PartitionTerm& term : column_terms_) {
    const std::string& name = term.column.text;
    const std::shared_ptr<arrow::Field> field = schema.GetFieldByName(name);
    if (field == nullptr) {
      return MakeError(
          ErrorCode::kInvalid,
          fmt::format("partition_by names '{}', which is not a column of the output", name),
          "name an entity column or a feature", term.column.position);
    }
    const std::shared_ptr<arrow::DataType> type = PlainType(field->type());
    if (term.kind == Kind::kColumn ? !CanBePath(*type) : !CanBucket(*type)) {
      return MakeError(ErrorCode::kInvalid,
                       fmt::format("'{}' of type {} cannot be {}", name, type->ToString(),
                                   term.kind == Kind::kColumn ? "a partition column" : "bucketed"),
                       term.kind == Kind::kColumn
                           ? "partition by text, integers, dates, booleans or decimals"
                           : "",
                       term.column.position);
    }
  }
  for (const auto* terms : {&date_terms_, &column_terms_}) {
    for (const PartitionTerm& term : *terms) {
      if (term.kind != Kind::kColumn && schema.GetFieldIndex(NameOf(term)) >= 0) {
        return MakeError(
            ErrorCode::kInvalid,
            fmt::format("column '{}' has the name of a partition directory", NameOf(term)),
            "give the feature another name", term.column.position);
      }
    }
  }
  if (FileSchema(schema)->num_fields() == 0) {
    return MakeError(ErrorCode::kInvalid, "every column of the output is a partition column",
                     "files need at least one column of their own");
  }
  return arrow::Status::OK();
}

std::shared_ptr<arrow::Schema> PartitionLayout::FileSchema(const arrow::Schema& schema) const {
  arrow::FieldVector fields;
  for (const std::shared_ptr<arrow::Field>& field : schema.fields()) {
    if (!IsPathColumn(column_terms_, field->name())) fields.push_back(field);
  }
  return arrow::schema(std::move(fields));
}

}  // namespace tidemill
