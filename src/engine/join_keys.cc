#include "engine/join_keys.h"

#include <algorithm>
#include <string>

#include <arrow/array/builder_time.h>
#include <arrow/array/util.h>
#include <arrow/compute/cast.h>
#include <arrow/scalar.h>

#include "sql/expand_bits.h"

namespace tidemill {
namespace {

/// Whether values of both types are one after FillValues: integers as bigints, floats as doubles.
bool IsWidenedAnyway(const arrow::DataType& from, const arrow::DataType& to) {
  if (arrow::is_integer(from.id()) && arrow::is_integer(to.id())) return true;
  return arrow::is_floating(from.id()) && arrow::is_floating(to.id());
}

std::shared_ptr<arrow::DataType> ValueType(const std::shared_ptr<arrow::DataType>& type) {
  if (type->id() != arrow::Type::DICTIONARY) return type;
  return static_cast<const arrow::DictionaryType&>(*type).value_type();
}

/// Times in a finer unit. One that it cannot hold equals no time that is in it: NULL, as which it
/// finds nothing.
arrow::Result<arrow::Datum> InFinerUnit(const arrow::Datum& column,
                                        const std::shared_ptr<arrow::DataType>& type) {
  std::shared_ptr<arrow::Array> array;
  if (column.is_scalar()) {
    ARROW_ASSIGN_OR_RAISE(array, arrow::MakeArrayFromScalar(*column.scalar(), 1));
  } else {
    array = column.make_array();
  }
  const auto unit_of = [](const arrow::DataType& timestamp) {
    return static_cast<const arrow::TimestampType&>(timestamp).unit();
  };
  int64_t factor = 1;
  for (int unit = unit_of(*array->type()); unit < unit_of(*type); ++unit) factor *= 1000;
  const auto& times = static_cast<const arrow::TimestampArray&>(*array);
  arrow::TimestampBuilder builder(type, arrow::default_memory_pool());
  ARROW_RETURN_NOT_OK(builder.Reserve(times.length()));
  for (int64_t i = 0; i < times.length(); ++i) {
    int64_t time = 0;
    if (times.IsNull(i) || __builtin_mul_overflow(times.Value(i), factor, &time)) {
      builder.UnsafeAppendNull();
    } else {
      builder.UnsafeAppend(time);
    }
  }
  ARROW_ASSIGN_OR_RAISE(auto finer, builder.Finish());
  if (!column.is_scalar()) return finer;
  ARROW_ASSIGN_OR_RAISE(auto scalar, finer->GetScalar(0));
  return scalar;
}

arrow::Result<arrow::Datum> AsKeyType(const arrow::Datum& column,
                                      const std::shared_ptr<arrow::DataType>& type) {
  const std::shared_ptr<arrow::DataType> from = ValueType(column.type());
  if (from->Equals(*type) || IsWidenedAnyway(*from, *type)) return column;
  if (from->id() == arrow::Type::TIMESTAMP && type->id() == arrow::Type::TIMESTAMP) {
    return InFinerUnit(column, type);
  }
  return arrow::compute::Cast(column, type, arrow::compute::CastOptions::Safe());
}

void AddNulls(const uint8_t* valid, int64_t num_rows, JoinKeys* keys) {
  if (valid == nullptr) return;
  if (keys->valid_storage.empty()) {
    keys->valid_storage.assign(valid, valid + num_rows);
  } else {
    for (size_t i = 0; i < keys->valid_storage.size(); ++i) keys->valid_storage[i] &= valid[i];
  }
  keys->valid = keys->valid_storage.data();
}

/// Plain text is hashed where it lies, with no list of its values in between.
bool ReadPlainText(const arrow::Datum& column, const arrow::DataType& type, JoinKeys* keys) {
  const arrow::Type::type id = type.id();
  if (!column.is_array() || column.type()->id() != id) return false;
  if (id != arrow::Type::STRING && id != arrow::Type::BINARY) return false;
  const auto array = column.make_array();
  const auto& texts = static_cast<const arrow::BinaryArray&>(*array);
  const auto n = static_cast<size_t>(texts.length());
  keys->num_keys = texts.length();
  keys->identity_storage.resize(n);
  for (size_t i = 0; i < n; ++i) {
    keys->identity_storage[i] = HashBytes128(texts.GetView(static_cast<int64_t>(i)));
  }
  keys->identities = keys->identity_storage.data();
  if (texts.null_count() > 0) {
    keys->valid_storage.resize(n);
    ExpandBits(texts.null_bitmap_data(), texts.offset(), texts.length(),
               keys->valid_storage.data());
    keys->valid = keys->valid_storage.data();
  }
  return true;
}

/// The identity of several values together.
void CombineInto(const std::vector<const CodedColumn*>& coded,
                 const std::vector<const PreparedColumn*>& prepared, int64_t num_rows,
                 std::vector<Hash128>* identities) {
  const size_t n = coded.size();
  std::vector<Hash128> parts(n);
  identities->resize(static_cast<size_t>(num_rows));
  for (int64_t row = 0; row < num_rows; ++row) {
    for (size_t c = 0; c < n; ++c) {
      parts[c] = coded[c] != nullptr ? coded[c]->identities[coded[c]->codes[row]]
                                     : IdentityOf(prepared[c]->values, row);
    }
    (*identities)[static_cast<size_t>(row)] = HashBytes128(parts.data(), n * sizeof(Hash128));
  }
}

}  // namespace

arrow::Result<JoinKeys> ReadJoinKeys(const std::vector<arrow::Datum>& columns,
                                     const std::vector<std::shared_ptr<arrow::DataType>>& types,
                                     int64_t num_rows) {
  JoinKeys keys;
  if (columns.size() == 1 && ReadPlainText(columns[0], *types[0], &keys)) return keys;
  // A key that is the same in all rows is read once.
  const bool is_constant = num_rows > 1 && std::ranges::all_of(columns, &arrow::Datum::is_scalar);
  const int64_t n = is_constant ? 1 : num_rows;
  keys.frame = std::make_unique<Frame>();
  keys.frame->num_rows = n;
  std::vector<ExpressionPtr> expressions;
  for (size_t c = 0; c < columns.size(); ++c) {
    ARROW_ASSIGN_OR_RAISE(arrow::Datum column, AsKeyType(columns[c], types[c]));
    if (column.is_scalar()) {
      ARROW_ASSIGN_OR_RAISE(column, arrow::MakeArrayFromScalar(*column.scalar(), n));
    }
    expressions.push_back(ColumnExpression(static_cast<int>(c), "key " + std::to_string(c + 1),
                                           ValueType(column.type())));
    keys.frame->columns.push_back(std::move(column));
  }
  keys.evaluator = std::make_unique<Evaluator>(keys.frame.get());
  keys.reader = std::make_unique<ArgumentReader>(keys.frame.get(), keys.evaluator.get());
  std::vector<const CodedColumn*> coded;
  std::vector<const PreparedColumn*> prepared;
  for (const ExpressionPtr& expression : expressions) {
    ARROW_ASSIGN_OR_RAISE(coded.emplace_back(), keys.reader->Coded(expression, nullptr));
    prepared.push_back(nullptr);
    if (coded.back() == nullptr) {
      ARROW_ASSIGN_OR_RAISE(prepared.back(), keys.reader->Column(expression, nullptr));
    }
    AddNulls(coded.back() != nullptr ? coded.back()->valid : prepared.back()->valid, n, &keys);
  }
  keys.num_keys = n;
  if (coded.size() == 1 && coded[0] != nullptr) {
    keys.num_keys = coded[0]->num_values;
    keys.identities = coded[0]->identities;
    keys.codes = coded[0]->codes;
  } else if (coded.size() == 1 && prepared[0]->values.kind == ArgumentKind::kInt64) {
    keys.integers = prepared[0]->values.int64s;
  } else if (coded.size() == 1) {
    keys.identity_storage.resize(static_cast<size_t>(n));
    for (int64_t row = 0; row < n; ++row) {
      if (keys.valid != nullptr && !keys.valid[row]) continue;
      keys.identity_storage[static_cast<size_t>(row)] = IdentityOf(prepared[0]->values, row);
    }
    keys.identities = keys.identity_storage.data();
  } else {
    CombineInto(coded, prepared, n, &keys.identity_storage);
    keys.identities = keys.identity_storage.data();
  }
  if (is_constant) {
    const int32_t code = keys.codes != nullptr ? keys.codes[0] : 0;
    keys.code_storage.assign(static_cast<size_t>(num_rows), code);
    keys.codes = keys.code_storage.data();
    if (keys.valid != nullptr) {
      keys.valid_storage.assign(static_cast<size_t>(num_rows), keys.valid[0]);
      keys.valid = keys.valid_storage.data();
    }
  }
  return keys;
}

std::vector<int32_t> PartsOfRows(const JoinKeys& keys, int64_t num_rows, int parts) {
  std::vector<int32_t> part_of_row(static_cast<size_t>(num_rows));
  const auto count = static_cast<uint64_t>(parts);
  for (int64_t row = 0; row < num_rows; ++row) {
    uint64_t hash = HashInteger(static_cast<uint64_t>(row));
    if (keys.valid == nullptr || keys.valid[row]) {
      const int64_t key = keys.codes != nullptr ? keys.codes[row] : row;
      hash = keys.integers != nullptr ? HashInteger(static_cast<uint64_t>(keys.integers[key]))
                                      : HashInteger(keys.identities[key].low);
    }
    // The high bits, which the places of an index do not come from.
    part_of_row[static_cast<size_t>(row)] =
        static_cast<int32_t>((static_cast<uint128_t>(hash) * count) >> 64);
  }
  return part_of_row;
}

}  // namespace tidemill
