#include <cstring>
#include <numeric>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <arrow/compute/api_vector.h>
#include <arrow/datum.h>
#include <arrow/scalar.h>
#include <arrow/util/checked_cast.h>
#include <fmt/format.h>

#include "storage/column_types.h"
#include "storage/percent_encoding.h"
#include "table/iceberg_bucket.h"
#include "table/partition_layout.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

using arrow::internal::checked_cast;
using Kind = PartitionTerm::Kind;

constexpr std::string_view kNullName = "__HIVE_DEFAULT_PARTITION__";
/// What file systems allow for one name.
constexpr size_t kMaxNameBytes = 255;

/// The partition of each row, and the partitions' paths.
struct Assignment {
  std::vector<uint32_t> of_row;
  std::vector<std::string> paths;
};

arrow::Result<std::string> ValueText(const std::string& column, const arrow::Array& values,
                                     int64_t row) {
  if (values.type_id() == arrow::Type::BOOL) {
    return std::string(checked_cast<const arrow::BooleanArray&>(values).Value(row) ? "true"
                                                                                   : "false");
  }
  ARROW_ASSIGN_OR_RAISE(const auto scalar, values.GetScalar(row));
  const std::string text = scalar->ToString();
  if (text.empty() || text == kNullName) {
    return MakeError(
        ErrorCode::kRunFailed,
        fmt::format("partition column '{}' holds {}, which a directory name cannot tell "
                    "from NULL",
                    column, text.empty() ? "an empty string" : "'" + text + "'"),
        "partition by a column without it, such as a derived column "
        "nullif(column, '')");
  }
  return PercentEncodeForHive(text);
}

/// "country=de" for one distinct value.
arrow::Result<std::string> PathPart(const PartitionTerm& term, const arrow::Array& values,
                                    int64_t row) {
  const std::string& column = term.column.text;
  std::string part = PercentEncodeForHive(column);
  if (term.kind == Kind::kBucket) part += "_bucket";
  part += "=";
  if (row < 0) return part + std::string(kNullName);
  if (term.kind == Kind::kBucket) {
    return part + fmt::format("{}", IcebergBucket(IcebergHash(values, row), term.buckets));
  }
  ARROW_ASSIGN_OR_RAISE(const std::string text, ValueText(column, values, row));
  part += text;
  if (part.size() > kMaxNameBytes) {
    return MakeError(
        ErrorCode::kRunFailed,
        fmt::format("a value of partition column '{}' is too long for a directory name "
                    "({} bytes of {})",
                    column, part.size(), kMaxNameBytes),
        "partition by bucket(n, column) instead");
  }
  return part;
}

/// Refines an assignment by one term. Texts are made once a distinct value.
arrow::Status Refine(const PartitionTerm& term, const arrow::RecordBatch& batch,
                     Assignment* assignment) {
  const std::shared_ptr<arrow::Array> column = batch.GetColumnByName(term.column.text);
  ARROW_ASSIGN_OR_RAISE(auto plain, ConvertColumn(column, PlainType(column->type()), false));
  ARROW_ASSIGN_OR_RAISE(const arrow::Datum encoded, arrow::compute::DictionaryEncode(plain));
  const auto coded = std::static_pointer_cast<arrow::DictionaryArray>(encoded.make_array());
  const arrow::Array& values = *coded->dictionary();

  // Partition numbers of (partition so far, directory), by distinct directory names: buckets hold
  // many values.
  std::unordered_map<std::string, uint32_t> name_numbers;
  std::vector<std::string> names;
  const auto number_of = [&](std::string name) {
    const auto [at, is_new] = name_numbers.try_emplace(name, static_cast<uint32_t>(names.size()));
    if (is_new) names.push_back(std::move(name));
    return at->second;
  };
  std::vector<uint32_t> name_of_code(static_cast<size_t>(values.length()));
  for (int64_t code = 0; code < values.length(); ++code) {
    ARROW_ASSIGN_OR_RAISE(std::string name, PathPart(term, values, code));
    name_of_code[static_cast<size_t>(code)] = number_of(std::move(name));
  }
  uint32_t null_name = 0;
  if (coded->null_count() > 0) {
    ARROW_ASSIGN_OR_RAISE(std::string name, PathPart(term, values, -1));
    null_name = number_of(std::move(name));
  }

  const auto& codes = checked_cast<const arrow::Int32Array&>(*coded->indices());
  std::unordered_map<uint64_t, uint32_t> refined;
  std::vector<std::string> paths;
  for (int64_t row = 0; row < batch.num_rows(); ++row) {
    uint32_t& partition = assignment->of_row[static_cast<size_t>(row)];
    const uint32_t name =
        codes.IsNull(row) ? null_name : name_of_code[static_cast<size_t>(codes.Value(row))];
    const uint64_t key = uint64_t{partition} << 32 | name;
    const auto [at, is_new] = refined.try_emplace(key, static_cast<uint32_t>(paths.size()));
    if (is_new) {
      const std::string& above = assignment->paths[partition];
      paths.push_back(above.empty() ? names[name] : above + "/" + names[name]);
    }
    partition = at->second;
  }
  assignment->paths = std::move(paths);
  return arrow::Status::OK();
}

}  // namespace

arrow::Result<std::vector<PartitionSlice>> SplitByPartition(const PartitionLayout& layout,
                                                            const arrow::RecordBatch& batch) {
  const std::shared_ptr<arrow::Schema> file_schema = layout.FileSchema(*batch.schema());
  arrow::ArrayVector columns;
  for (const std::shared_ptr<arrow::Field>& field : file_schema->fields()) {
    columns.push_back(batch.GetColumnByName(field->name()));
  }
  const auto rows = arrow::RecordBatch::Make(file_schema, batch.num_rows(), std::move(columns));
  if (layout.column_terms().empty() || batch.num_rows() == 0) {
    return std::vector<PartitionSlice>{{"", rows}};
  }

  Assignment assignment;
  assignment.of_row.assign(static_cast<size_t>(batch.num_rows()), 0);
  assignment.paths.emplace_back();
  for (const PartitionTerm& term : layout.column_terms()) {
    ARROW_RETURN_NOT_OK(Refine(term, batch, &assignment));
  }
  if (assignment.paths.size() == 1) {
    return std::vector<PartitionSlice>{{assignment.paths.front(), rows}};
  }

  // Rows sorted by partition, stable.
  const size_t num_partitions = assignment.paths.size();
  std::vector<int64_t> begins(num_partitions + 1, 0);
  for (const uint32_t partition : assignment.of_row) ++begins[partition + 1];
  std::partial_sum(begins.begin(), begins.end(), begins.begin());
  ARROW_ASSIGN_OR_RAISE(
      std::shared_ptr<arrow::Buffer> buffer,
      arrow::AllocateBuffer(batch.num_rows() * static_cast<int64_t>(sizeof(int64_t))));
  auto* order = reinterpret_cast<int64_t*>(buffer->mutable_data());
  std::vector<int64_t> next(begins.begin(), begins.end() - 1);
  for (size_t row = 0; row < assignment.of_row.size(); ++row) {
    order[next[assignment.of_row[row]]++] = static_cast<int64_t>(row);
  }
  const arrow::Int64Array indices(batch.num_rows(), buffer);

  std::vector<PartitionSlice> slices;
  for (size_t i = 0; i < num_partitions; ++i) {
    ARROW_ASSIGN_OR_RAISE(
        const arrow::Datum taken,
        arrow::compute::Take(arrow::Datum(rows),
                             arrow::Datum(indices.Slice(begins[i], begins[i + 1] - begins[i])),
                             arrow::compute::TakeOptions::NoBoundsCheck()));
    slices.push_back({std::move(assignment.paths[i]), taken.record_batch()});
  }
  return slices;
}

}  // namespace tidemill
