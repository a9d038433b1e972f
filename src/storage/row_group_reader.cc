#include <algorithm>
#include <new>
#include <numeric>
#include <utility>

#include <arrow/array/concatenate.h>
#include <arrow/compute/api_vector.h>
#include <arrow/util/checked_cast.h>
#include <arrow/util/utf8.h>
#include <parquet/arrow/schema.h>
#include <parquet/file_reader.h>

#include "storage/column_types.h"
#include "storage/nested_columns.h"
#include "storage/parquet_reading.h"
#include "storage/parquet_source.h"
#include "storage/prefetched_file.h"

namespace tidemill {
namespace {

using arrow::internal::checked_cast;

/// A column as it is wanted and where the file has it.
struct WantedColumn {
  std::string name;
  std::shared_ptr<arrow::DataType> type;  ///< plain
  bool as_dictionary = false;
  int leaf = -1;  ///< -1: the file lacks it; of a map that of the keys
  int num_leaves = 1;

  std::vector<int> leaves() const {
    std::vector<int> all(static_cast<size_t>(num_leaves));
    std::iota(all.begin(), all.end(), leaf);
    return all;
  }
};

/// Arrow builds a dictionary while it decodes plain and dictionary pages, but not those of the
/// delta encodings.
bool CanDecodeToDictionary(const parquet::FileMetaData& metadata, int row_group, int leaf) {
  if (metadata.schema()->Column(leaf)->physical_type() != parquet::Type::BYTE_ARRAY) return false;
  const auto chunk = metadata.RowGroup(row_group)->ColumnChunk(leaf);
  return std::ranges::none_of(chunk->encodings(), [](parquet::Encoding::type encoding) {
    return encoding == parquet::Encoding::DELTA_BYTE_ARRAY ||
           encoding == parquet::Encoding::DELTA_LENGTH_BYTE_ARRAY;
  });
}

/// Whether most data pages of a column chunk hold values, though it began with a dictionary.
bool GaveDictionaryUp(const parquet::FileMetaData& metadata, int row_group, int leaf) {
  const auto chunk = metadata.RowGroup(row_group)->ColumnChunk(leaf);
  if (!chunk->has_dictionary_page()) return false;
  int64_t coded = 0;
  int64_t plain = 0;
  for (const parquet::PageEncodingStats& pages : chunk->encoding_stats()) {
    if (pages.page_type == parquet::PageType::DICTIONARY_PAGE) continue;
    const bool is_coded = pages.encoding == parquet::Encoding::RLE_DICTIONARY ||
                          pages.encoding == parquet::Encoding::PLAIN_DICTIONARY;
    (is_coded ? coded : plain) += pages.count;
  }
  return plain > coded;
}

arrow::Result<WantedColumn> Find(const ParquetFooter& footer, const arrow::Schema& schema,
                                 const std::string& name) {
  const std::shared_ptr<arrow::Field> field = schema.GetFieldByName(name);
  if (field == nullptr) return arrow::Status::Invalid("there is no column '", name, "'");
  WantedColumn wanted = {name, field->type(), IsReadAsDictionary(*field->type())};
  if (!IsReadable(*field->type())) {
    return arrow::Status::Invalid("column '", name, "' has type ", field->type()->ToString(),
                                  ", which cannot be read");
  }
  const parquet::SchemaDescriptor& descriptor = *footer.metadata->schema();
  const int index = footer.schema->GetFieldIndex(name);
  if (index < 0) return wanted;
  const parquet::schema::Node& node = *descriptor.group_node()->field(index);
  if (IsListOrMap(*field->type()) && IsListOrMap(*footer.schema->field(index)->type())) {
    wanted.num_leaves = field->type()->id() == arrow::Type::MAP ? 2 : 1;
    while (wanted.leaf < 0 || descriptor.GetColumnRoot(wanted.leaf) != &node) ++wanted.leaf;
    return wanted;
  }
  if (!node.is_primitive() || node.is_repeated()) {
    return arrow::Status::Invalid("column '", name, "' is nested in this file");
  }
  wanted.leaf = descriptor.ColumnIndex(node);
  return wanted;
}

/// A column of type `type` in one chunk; different dictionaries are unified.
arrow::Result<std::shared_ptr<arrow::Array>> SingleChunk(
    const arrow::ChunkedArray& chunks, const std::shared_ptr<arrow::DataType>& type,
    bool as_dictionary) {
  arrow::ArrayVector converted;
  for (const auto& chunk : chunks.chunks()) {
    if (chunk->type_id() != arrow::Type::DICTIONARY) ARROW_RETURN_NOT_OK(chunk->Validate());
    ARROW_ASSIGN_OR_RAISE(converted.emplace_back(), ConvertColumn(chunk, type, as_dictionary));
  }
  if (converted.empty()) {
    ARROW_ASSIGN_OR_RAISE(const auto none, arrow::MakeEmptyArray(chunks.type()));
    return ConvertColumn(none, type, as_dictionary);
  }
  return converted.size() == 1 ? converted[0] : arrow::Concatenate(converted);
}

/// Damaged pages without checksums can decode to codes beyond the dictionary.
arrow::Status CheckCodes(const arrow::DictionaryArray& coded) {
  const auto* codes = checked_cast<const arrow::Int32Array&>(*coded.indices()).raw_values();
  const auto limit = static_cast<uint32_t>(coded.dictionary()->length());
  bool in_range = true;
  if (coded.null_count() == 0) {
    for (int64_t i = 0; i < coded.length(); ++i)
      in_range &= static_cast<uint32_t>(codes[i]) < limit;
  } else {
    for (int64_t i = 0; i < coded.length(); ++i) {
      in_range &= static_cast<uint32_t>(codes[i]) < limit || coded.IsNull(i);
    }
  }
  return in_range ? arrow::Status::OK()
                  : arrow::Status::Invalid("a dictionary code is out of range");
}

/// The first row that holds dictionary value `code`; -1 if none does.
int64_t FirstRowWith(const arrow::DictionaryArray& coded, int64_t code) {
  const auto& codes = checked_cast<const arrow::Int32Array&>(*coded.indices());
  for (int64_t i = 0; i < codes.length(); ++i) {
    if (codes.IsValid(i) && codes.Value(i) == code) return i;
  }
  return -1;
}

/// The first value that is no UTF-8; -1 if all are.
int64_t FirstInvalid(const arrow::StringArray& values) {
  const auto total = static_cast<int64_t>(values.total_values_length());
  const int64_t begin = values.length() == 0 ? 0 : values.value_offset(0);
  // One pass over all bytes is fast, but valid bytes may still be cut inside a character.
  bool valid = arrow::util::ValidateUTF8(values.raw_data() + begin, total);
  for (int64_t i = 0; valid && i < values.length(); ++i) {
    const std::string_view value = values.GetView(i);
    valid = value.empty() || (static_cast<uint8_t>(value.front()) & 0xc0) != 0x80;
  }
  for (int64_t i = 0; !valid && i < values.length(); ++i) {
    if (values.IsValid(i) && !arrow::util::ValidateUTF8(values.GetView(i))) return i;
  }
  return -1;
}

arrow::Status CheckUtf8(const arrow::StringArray& values, const arrow::DictionaryArray* coded) {
  const int64_t invalid = FirstInvalid(values);
  if (invalid < 0) return arrow::Status::OK();
  const int64_t row = coded == nullptr ? invalid : FirstRowWith(*coded, invalid);
  if (row < 0) return arrow::Status::Invalid("its dictionary holds invalid UTF-8");
  return arrow::Status::Invalid("row ", row, " holds invalid UTF-8");
}

arrow::Status CheckText(const arrow::Array& column) {
  const arrow::DictionaryArray* coded = nullptr;
  const arrow::Array* values = &column;
  if (column.type_id() == arrow::Type::DICTIONARY) {
    coded = &checked_cast<const arrow::DictionaryArray&>(column);
    values = coded->dictionary().get();
    ARROW_RETURN_NOT_OK(values->Validate());
    ARROW_RETURN_NOT_OK(CheckCodes(*coded));
  }
  if (values->type_id() != arrow::Type::STRING) return arrow::Status::OK();
  return CheckUtf8(checked_cast<const arrow::StringArray&>(*values), coded);
}

arrow::Result<std::shared_ptr<arrow::Array>> ReadColumn(parquet::arrow::FileReader* reader,
                                                        int row_group, const WantedColumn& wanted,
                                                        int64_t num_rows) {
  if (wanted.leaf < 0) {
    return ConvertColumn(std::make_shared<arrow::NullArray>(num_rows), wanted.type,
                         wanted.as_dictionary);
  }
  ARROW_ASSIGN_OR_RAISE(auto table, reader->ReadRowGroup(row_group, wanted.leaves()));
  const arrow::ChunkedArray& chunks = *table->column(0);
  // Text that is too long for one chunk is put together as a dictionary.
  const bool as_dictionary =
      wanted.as_dictionary || (IsReadAsDictionary(*wanted.type) && chunks.num_chunks() > 1);
  ARROW_ASSIGN_OR_RAISE(auto column, SingleChunk(chunks, wanted.type, as_dictionary));
  if (column->length() != num_rows) {
    return arrow::Status::Invalid("it has ", column->length(), " values for ", num_rows, " rows");
  }
  if (IsReadAsDictionary(*wanted.type)) ARROW_RETURN_NOT_OK(CheckText(*column));
  return column;
}

/// Where the wanted column chunks lie in the file.
std::vector<arrow::io::ReadRange> RangesOf(const parquet::FileMetaData& metadata, int row_group,
                                           const std::vector<WantedColumn>& wanted) {
  std::vector<arrow::io::ReadRange> ranges;
  const auto group = metadata.RowGroup(row_group);
  for (const WantedColumn& column : wanted) {
    if (column.leaf < 0) continue;
    for (const int leaf : column.leaves()) {
      const auto chunk = group->ColumnChunk(leaf);
      int64_t begin = chunk->data_page_offset();
      if (chunk->has_dictionary_page() && chunk->dictionary_page_offset() > 0) {
        begin = std::min(begin, chunk->dictionary_page_offset());
      }
      ranges.push_back({begin, chunk->total_compressed_size()});
    }
  }
  return ranges;
}

int64_t FirstRowOf(const parquet::FileMetaData& metadata, int row_group) {
  int64_t first = 0;
  for (int i = 0; i < row_group; ++i) first += metadata.RowGroup(i)->num_rows();
  return first;
}

/// Takes the deleted rows out of a row group whose first row has number `first` in its file.
arrow::Status DropRows(const std::vector<int64_t>& deleted, int64_t first, RowGroupColumns* read) {
  auto next = std::ranges::lower_bound(deleted, first);
  if (next == deleted.end() || *next >= first + read->num_rows) return arrow::Status::OK();
  arrow::Int32Builder kept;
  ARROW_RETURN_NOT_OK(kept.Reserve(read->num_rows));
  for (int64_t row = 0; row < read->num_rows; ++row) {
    if (next != deleted.end() && *next == first + row) {
      ++next;
    } else {
      kept.UnsafeAppend(static_cast<int32_t>(row));
    }
  }
  ARROW_ASSIGN_OR_RAISE(const auto rows, kept.Finish());
  for (auto& array : read->arrays) {
    ARROW_ASSIGN_OR_RAISE(const arrow::Datum taken, arrow::compute::Take(array, rows));
    array = taken.make_array();
  }
  read->num_rows = rows->length();
  return arrow::Status::OK();
}

}  // namespace

arrow::Result<RowGroupColumns> ReadRowGroup(const Location& root, const DataFile& file,
                                            const ParquetFooter& footer, int row_group,
                                            const arrow::Schema& schema,
                                            const std::vector<std::string>& columns,
                                            TextForm text) {
  arrow::util::InitializeUTF8();
  ARROW_ASSIGN_OR_RAISE(auto input, OpenDataFile(root, file));
  const std::string place = fmt::format("row group {}", row_group);
  return GuardParquet(file.path, place, [&]() -> arrow::Result<RowGroupColumns> {
    std::vector<WantedColumn> wanted;
    parquet::ArrowReaderProperties properties = ColumnProperties();
    for (const std::string& name : columns) {
      ARROW_ASSIGN_OR_RAISE(WantedColumn column, Find(footer, schema, name));
      if (column.leaf >= 0 && column.as_dictionary) {
        column.as_dictionary = text == TextForm::kDictionary ||
                               (text == TextForm::kAsStored &&
                                !GaveDictionaryUp(*footer.metadata, row_group, column.leaf));
        properties.set_read_dictionary(
            column.leaf, column.as_dictionary &&
                             CanDecodeToDictionary(*footer.metadata, row_group, column.leaf));
      }
      wanted.push_back(std::move(column));
    }
    if (!root.is_local) {
      ARROW_ASSIGN_OR_RAISE(
          input, Prefetch(std::move(input), RangesOf(*footer.metadata, row_group, wanted)));
    }
    ARROW_ASSIGN_OR_RAISE(
        auto reader, parquet::arrow::FileReader::Make(
                         arrow::default_memory_pool(),
                         parquet::ParquetFileReader::Open(input, FileProperties(), footer.metadata),
                         properties));
    const int64_t num_rows = footer.metadata->RowGroup(row_group)->num_rows();
    RowGroupColumns read;
    read.num_rows = num_rows;
    for (const WantedColumn& column : wanted) {
      ARROW_ASSIGN_OR_RAISE(
          auto array,
          GuardParquet(file.path, fmt::format("{}: column '{}'", place, column.name),
                       [&] { return ReadColumn(reader.get(), row_group, column, num_rows); }));
      read.arrays.push_back(std::move(array));
    }
    if (file.deleted_rows != nullptr) {
      ARROW_RETURN_NOT_OK(
          DropRows(*file.deleted_rows, FirstRowOf(*footer.metadata, row_group), &read));
    }
    return read;
  });
}

}  // namespace tidemill
