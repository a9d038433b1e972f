#include "engine/dimension_table.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <string>
#include <utility>

#include <arrow/array/concatenate.h>
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>
#include <arrow/compute/cast.h>
#include <arrow/scalar.h>

#include "engine/entity_key.h"
#include "engine/join_keys.h"
#include "storage/column_types.h"
#include "storage/parallel_for.h"
#include "table/key_set.h"

namespace tidemill {
namespace {

/// A row group of a dimension.
struct Piece {
  size_t file = 0;
  int row_group = 0;
  int64_t num_rows = 0;
  arrow::ArrayVector keys;
  arrow::ArrayVector columns;  ///< as DimensionTable::columns
  JoinKeys read;
};

/// Codes in as few bytes as they need, since they are read at random: a small array stays in a
/// cache.
arrow::Result<std::shared_ptr<arrow::Array>> WithNarrowCodes(
    const std::shared_ptr<arrow::Array>& column) {
  if (column->type_id() != arrow::Type::DICTIONARY) return column;
  const auto& coded = static_cast<const arrow::DictionaryArray&>(*column);
  const int64_t values = coded.dictionary()->length();
  if (values > UINT16_MAX) return column;
  const auto type = values <= UINT8_MAX ? arrow::uint8() : arrow::uint16();
  ARROW_ASSIGN_OR_RAISE(auto codes, arrow::compute::Cast(*coded.indices(), type));
  return std::make_shared<arrow::DictionaryArray>(
      arrow::dictionary(type, coded.dictionary()->type()), std::move(codes), coded.dictionary());
}

class Loader {
 public:
  Loader(const std::shared_ptr<const Dimension>& dimension, const BoundJoin& join,
         const std::vector<bool>& needed, KeyPart part)
      : dimension_(*dimension), join_(join), needed_(needed), part_(part) {
    for (size_t c = 0; c < join.columns.size(); ++c) {
      is_needed_.push_back(needed[static_cast<size_t>(join.first_column) + c]);
    }
    table_->dimension = dimension;
  }

  arrow::Result<std::shared_ptr<const DimensionTable>> Load(int threads,
                                                            const std::atomic<bool>* cancelled) {
    ListPieces();
    ARROW_RETURN_NOT_OK(ParallelFor(
        static_cast<int64_t>(pieces_.size()), threads, cancelled, [&](int64_t index, int) {
          Piece& piece = pieces_[static_cast<size_t>(index)];
          const arrow::Status status = Read(&piece);
          return status.ok() ? status : WithContext(status, "the dimension " + dimension_.path);
        }));
    for (const Piece& piece : pieces_) table_->num_rows += piece.num_rows;
    ARROW_RETURN_NOT_OK(Index(threads, cancelled));
    for (Piece& piece : pieces_) piece.read = {};
    table_->columns.resize(is_needed_.size());
    ARROW_RETURN_NOT_OK(
        ParallelFor(static_cast<int64_t>(is_needed_.size()), threads, cancelled,
                    [&](int64_t c, int) { return Concatenate(static_cast<size_t>(c)); }));
    return std::move(table_);
  }

 private:
  /// Row groups in the order of their days, then of files: rows of a day come one after another.
  void ListPieces() {
    std::vector<size_t> files(dimension_.files.size());
    std::iota(files.begin(), files.end(), 0);
    if (dimension_.is_dated) {
      std::ranges::stable_sort(files, {}, [&](size_t f) { return dimension_.file_days[f]; });
    }
    for (const size_t f : files) {
      for (int g = 0; g < dimension_.footers[f].metadata->num_row_groups(); ++g) {
        if (dimension_.footers[f].metadata->RowGroup(g)->num_rows() == 0) continue;
        pieces_.emplace_back();
        pieces_.back().file = f;
        pieces_.back().row_group = g;
      }
    }
  }

  arrow::Status Read(Piece* piece) {
    std::vector<std::string> names;
    for (const int column : ColumnsRead(join_, needed_)) {
      const std::string& name = dimension_.schema->field(column)->name();
      if (dimension_.partition_schema->GetFieldIndex(name) < 0) names.push_back(name);
    }
    const DataFile& file = dimension_.files[piece->file];
    auto read = ReadRowGroup(dimension_.root, file, dimension_.footers[piece->file],
                             piece->row_group, *dimension_.file_schema, names, TextForm::kAsStored);
    if (!read.ok()) {
      return arrow::Status(arrow::StatusCode::IOError, read.status().message(),
                           read.status().detail());
    }
    piece->num_rows = read->num_rows;
    const auto column_of = [&](int column) -> arrow::Result<std::shared_ptr<arrow::Array>> {
      const auto& field = dimension_.schema->field(column);
      if (const int p = dimension_.partition_schema->GetFieldIndex(field->name()); p >= 0) {
        ARROW_ASSIGN_OR_RAISE(
            auto array, arrow::MakeArrayFromScalar(*file.partition_values[static_cast<size_t>(p)],
                                                   read->num_rows));
        return ConvertColumn(array, field->type(), IsReadAsDictionary(*field->type()));
      }
      const auto found = std::ranges::find(names, field->name());
      return read->arrays[static_cast<size_t>(found - names.begin())];
    };
    std::vector<arrow::Datum> keys;
    for (const int column : join_.dimension_keys) {
      ARROW_ASSIGN_OR_RAISE(auto array, column_of(column));
      piece->keys.push_back(array);
      keys.emplace_back(std::move(array));
    }
    piece->columns.resize(is_needed_.size());
    for (size_t c = 0; c < is_needed_.size(); ++c) {
      if (!is_needed_[c]) continue;
      const auto& type = dimension_.schema->field(join_.columns[c])->type();
      ARROW_ASSIGN_OR_RAISE(const auto array, column_of(join_.columns[c]));
      ARROW_ASSIGN_OR_RAISE(piece->columns[c],
                            ConvertColumn(array, type, IsReadAsDictionary(*type)));
    }
    ARROW_ASSIGN_OR_RAISE(piece->read, ReadJoinKeys(keys, join_.key_types, piece->num_rows));
    return part_.count == 1 ? arrow::Status::OK() : KeepPart(piece);
  }

  /// Takes the rows of the other parts out, and the values of dictionaries that only they had.
  arrow::Status KeepPart(Piece* piece) const {
    const std::vector<int32_t> parts = PartsOfRows(piece->read, piece->num_rows, part_.count);
    arrow::Int32Builder builder;
    for (size_t row = 0; row < parts.size(); ++row) {
      if (parts[row] == part_.index) {
        ARROW_RETURN_NOT_OK(builder.Append(static_cast<int32_t>(row)));
      }
    }
    ARROW_ASSIGN_OR_RAISE(const auto rows, builder.Finish());
    const auto keep = [&](std::shared_ptr<arrow::Array>* array) -> arrow::Status {
      if (*array == nullptr) return arrow::Status::OK();
      ARROW_ASSIGN_OR_RAISE(const auto plain, Materialize(*array, piece->num_rows));
      ARROW_ASSIGN_OR_RAISE(const auto taken, arrow::compute::Take(*plain, *rows));
      return ConvertColumn(taken, taken->type(), IsReadAsDictionary(*taken->type())).Value(array);
    };
    std::vector<arrow::Datum> keys;
    for (auto& key : piece->keys) {
      ARROW_RETURN_NOT_OK(keep(&key));
      keys.emplace_back(key);
    }
    for (auto& column : piece->columns) ARROW_RETURN_NOT_OK(keep(&column));
    piece->num_rows = rows->length();
    return ReadJoinKeys(keys, join_.key_types, piece->num_rows).Value(&piece->read);
  }

  /// The keys of all pieces one after another, and from them the indexes.
  arrow::Status Index(int threads, const std::atomic<bool>* cancelled) {
    const auto n = static_cast<size_t>(table_->num_rows);
    std::vector<int64_t> integers;
    std::vector<Hash128> identities;
    std::vector<uint8_t> valid;
    const bool has_nulls = std::ranges::any_of(
        pieces_, [](const Piece& piece) { return piece.read.valid != nullptr; });
    const bool is_integer = !pieces_.empty() && pieces_.front().read.integers != nullptr;
    is_integer ? integers.reserve(n) : identities.reserve(n);
    for (const Piece& piece : pieces_) {
      const JoinKeys& keys = piece.read;
      const auto rows = static_cast<size_t>(piece.num_rows);
      if (is_integer) {
        for (size_t i = 0; i < rows; ++i) {
          integers.push_back(keys.integers[keys.codes != nullptr ? keys.codes[i] : i]);
        }
      } else {
        for (size_t i = 0; i < rows; ++i) {
          identities.push_back(keys.identities[keys.codes != nullptr ? keys.codes[i] : i]);
        }
      }
      if (!has_nulls) continue;
      if (keys.valid != nullptr) {
        valid.insert(valid.end(), keys.valid, keys.valid + rows);
      } else {
        valid.insert(valid.end(), rows, 1);
      }
    }
    const uint8_t* validity = has_nulls ? valid.data() : nullptr;
    const std::vector<int32_t> begins = BeginsOfStates();
    table_->indexes.resize(begins.size() - 1);
    std::vector<std::vector<KeyIndex::Repeated>> repeated(table_->indexes.size());
    ARROW_RETURN_NOT_OK(ParallelFor(
        static_cast<int64_t>(table_->indexes.size()), threads, cancelled,
        [&](int64_t index, int) -> arrow::Status {
          const auto d = static_cast<size_t>(index);
          KeyIndex& keys = table_->indexes[d];
          if (is_integer) {
            keys.Build(integers.data(), validity, begins[d], begins[d + 1], &repeated[d]);
          } else {
            keys.Build(identities.data(), validity, begins[d], begins[d + 1], &repeated[d]);
          }
          return arrow::Status::OK();
        }));
    for (size_t d = 0; d < repeated.size(); ++d) {
      if (!repeated[d].empty()) return RefuseRepeated(repeated[d], d);
    }
    return arrow::Status::OK();
  }

  /// Where the rows of each index begin, and their end.
  std::vector<int32_t> BeginsOfStates() const {
    std::vector<int32_t> begins = {0};
    if (!dimension_.is_dated) {
      begins.push_back(static_cast<int32_t>(table_->num_rows));
      return begins;
    }
    size_t piece = 0;
    int64_t row = 0;
    for (const CivilDay day : dimension_.days) {
      for (; piece < pieces_.size() && dimension_.file_days[pieces_[piece].file] == day; ++piece) {
        row += pieces_[piece].num_rows;
      }
      begins.push_back(static_cast<int32_t>(row));
    }
    return begins;
  }

  /// The key columns of some rows, plain.
  arrow::Result<arrow::ArrayVector> KeysOf(const std::vector<int32_t>& rows) const {
    arrow::ArrayVector keys;
    for (size_t k = 0; k < join_.dimension_keys.size(); ++k) {
      arrow::ArrayVector parts;
      for (const Piece& piece : pieces_) {
        ARROW_ASSIGN_OR_RAISE(auto plain, Materialize(piece.keys[k], piece.num_rows));
        parts.push_back(std::move(plain));
      }
      ARROW_ASSIGN_OR_RAISE(const auto whole, arrow::Concatenate(parts));
      arrow::Int32Builder builder;
      ARROW_RETURN_NOT_OK(builder.AppendValues(rows));
      ARROW_ASSIGN_OR_RAISE(const auto indices, builder.Finish());
      ARROW_ASSIGN_OR_RAISE(auto taken, arrow::compute::Take(*whole, *indices));
      keys.push_back(std::move(taken));
    }
    return keys;
  }

  /// The position of the first key in the order of values, which no order of files changes.
  static arrow::Result<int64_t> SmallestOf(const arrow::ArrayVector& keys, int64_t n) {
    Frame frame;
    frame.num_rows = n;
    std::vector<std::shared_ptr<arrow::DataType>> types;
    std::vector<ExpressionPtr> expressions;
    for (const auto& key : keys) {
      auto column = key;
      if (key->type_id() == arrow::Type::FIXED_SIZE_BINARY) {
        ARROW_ASSIGN_OR_RAISE(column, arrow::compute::Cast(*key, arrow::binary()));
      }
      expressions.push_back(ColumnExpression(static_cast<int>(types.size()),
                                             std::to_string(types.size()), column->type()));
      types.push_back(column->type());
      frame.columns.emplace_back(column);
    }
    ARROW_ASSIGN_OR_RAISE(const EntityKeyCodec codec, EntityKeyCodec::Make(types, false));
    Evaluator evaluator(&frame);
    ArgumentReader reader(&frame, &evaluator);
    std::vector<const PreparedColumn*> columns;
    for (const ExpressionPtr& expression : expressions) {
      ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), reader.Column(expression, nullptr));
    }
    int64_t smallest = 0;
    std::vector<uint8_t> least;
    std::vector<uint8_t> key;
    for (int64_t row = 0; row < n; ++row) {
      key.clear();
      for (size_t c = 0; c < columns.size(); ++c) {
        codec.Encode(c, columns[c]->values, true, row, &key);
      }
      if (row == 0 || key < least) {
        least = key;
        smallest = row;
      }
    }
    return smallest;
  }

  arrow::Status RefuseRepeated(const std::vector<KeyIndex::Repeated>& repeated, size_t state) {
    std::vector<int32_t> firsts;
    for (const auto& [row, first] : repeated) firsts.push_back(first);
    const std::set<int32_t> distinct(firsts.begin(), firsts.end());
    const std::vector<int32_t> rows(distinct.begin(), distinct.end());
    ARROW_ASSIGN_OR_RAISE(const auto keys, KeysOf(rows));
    ARROW_ASSIGN_OR_RAISE(const int64_t smallest,
                          SmallestOf(keys, static_cast<int64_t>(rows.size())));
    std::vector<std::string> names;
    for (const int column : join_.dimension_keys) {
      names.push_back(dimension_.schema->field(column)->name());
    }
    const auto times = 1 + std::ranges::count(firsts, rows[static_cast<size_t>(smallest)]);
    const std::string day = dimension_.is_dated ? FormatCivilDay(dimension_.days[state]) : "";
    return RepeatedKeyError(dimension_, day, KeyText(names, keys, smallest), times,
                            static_cast<int64_t>(rows.size()));
  }

  arrow::Status Concatenate(size_t c) {
    if (!is_needed_[c]) return arrow::Status::OK();
    const auto& type = dimension_.schema->field(join_.columns[c])->type();
    arrow::ArrayVector parts;
    for (Piece& piece : pieces_) parts.push_back(std::move(piece.columns[c]));
    if (parts.empty()) {
      const bool is_coded = IsReadAsDictionary(*type);
      ARROW_ASSIGN_OR_RAISE(
          table_->columns[c],
          arrow::MakeArrayOfNull(is_coded ? arrow::dictionary(arrow::int32(), type) : type, 0));
      return arrow::Status::OK();
    }
    ARROW_ASSIGN_OR_RAISE(auto whole, parts.size() == 1 ? arrow::Result(std::move(parts[0]))
                                                        : arrow::Concatenate(parts));
    return WithNarrowCodes(whole).Value(&table_->columns[c]);
  }

  const Dimension& dimension_;
  const BoundJoin& join_;
  const std::vector<bool>& needed_;
  KeyPart part_;
  std::vector<bool> is_needed_;  ///< per BoundJoin::columns
  std::vector<Piece> pieces_;
  std::shared_ptr<DimensionTable> table_ = std::make_shared<DimensionTable>();
};

}  // namespace

arrow::Result<std::shared_ptr<const DimensionTable>> LoadDimension(
    const std::shared_ptr<const Dimension>& dimension, const BoundJoin& join,
    const std::vector<bool>& needed, int threads, const std::atomic<bool>* cancelled,
    KeyPart part) {
  auto table = Loader(dimension, join, needed, part).Load(threads, cancelled);
  if (table.ok() || part.count == 1 || CodeOf(table.status()) != ErrorCode::kRunFailed) {
    return table;
  }
  // Which key is the first of all, and how many there are, only the whole dimension tells.
  const std::vector<bool> none(needed.size(), false);
  ARROW_RETURN_NOT_OK(Loader(dimension, join, none, {}).Load(threads, cancelled).status());
  return table.status();
}

arrow::Result<DimensionTables> LoadedDimensions::Get(const BoundPipeline& pipeline,
                                                     const Dimensions& dimensions,
                                                     const std::vector<bool>& needed,
                                                     const std::vector<bool>& joins, int threads,
                                                     const std::atomic<bool>* cancelled) {
  const std::lock_guard lock(mutex_);
  if (!tables_.empty() || dimensions.empty()) return tables_;
  DimensionTables tables(dimensions.size());
  for (size_t j = 0; j < dimensions.size(); ++j) {
    if (!joins[j]) continue;
    ARROW_ASSIGN_OR_RAISE(
        tables[j], LoadDimension(dimensions[j], pipeline.joins[j], needed, threads, cancelled));
  }
  tables_ = std::move(tables);
  return tables_;
}

void LoadedDimensions::Release() {
  const std::lock_guard lock(mutex_);
  tables_.clear();
}

arrow::Status RepeatedKeyError(const Dimension& dimension, const std::string& day,
                               const std::string& key, int64_t times, int64_t keys) {
  std::string message = "the dimension " + dimension.path + " is not unique in its key";
  if (!day.empty()) message += " in its partition of " + day;
  message += ": " + key + " is there " + std::to_string(times) + " times";
  if (keys > 1) message += "; " + std::to_string(keys) + " keys are there more than once";
  return MakeError(ErrorCode::kRunFailed, std::move(message),
                   "remove the repeated rows of " + dimension.root.uri +
                       ", or add the column that tells them apart to 'key'");
}

std::vector<int> ColumnsRead(const BoundJoin& join, const std::vector<bool>& needed) {
  std::vector<int> columns;
  const auto add = [&](int column) {
    if (std::ranges::find(columns, column) == columns.end()) columns.push_back(column);
  };
  for (const int column : join.dimension_keys) add(column);
  for (size_t c = 0; c < join.columns.size(); ++c) {
    if (needed[static_cast<size_t>(join.first_column) + c]) add(join.columns[c]);
  }
  return columns;
}

int64_t ExpectedMemory(const Dimension& dimension, const BoundJoin& join,
                       const std::vector<bool>& needed) {
  constexpr int64_t kIndexBytes = 72;  // three slots' worth: at a load of one third on average
  int64_t bytes = dimension.num_rows() * kIndexBytes;
  for (size_t c = 0; c < join.columns.size(); ++c) {
    if (!needed[static_cast<size_t>(join.first_column) + c]) continue;
    const auto& field = dimension.schema->field(join.columns[c]);
    bytes += dimension.num_rows() * 8;
    if (!IsReadAsDictionary(*field->type())) continue;
    for (const ParquetFooter& footer : dimension.footers) {
      for (int g = 0; g < footer.metadata->num_row_groups(); ++g) {
        const int leaf = footer.schema->GetFieldIndex(field->name());
        if (leaf < 0 || leaf >= footer.metadata->num_columns()) continue;
        bytes += footer.metadata->RowGroup(g)->ColumnChunk(leaf)->total_uncompressed_size();
      }
    }
  }
  return bytes;
}

}  // namespace tidemill
