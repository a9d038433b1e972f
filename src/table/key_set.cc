#include "table/key_set.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <string_view>

#include <arrow/scalar.h>
#include <arrow/util/checked_cast.h>

#include "tidemill/error.h"

namespace tidemill {
namespace {

using arrow::internal::checked_cast;

/// Appends what tells the value at `row` from all others of its type.
void AppendValue(const arrow::Array& column, int64_t row, std::string* bytes) {
  if (column.IsNull(row)) {
    bytes->push_back('\0');
    return;
  }
  bytes->push_back('\1');
  const auto append = [&](const void* data, size_t size) {
    bytes->append(static_cast<const char*>(data), size);
  };
  switch (column.type_id()) {
    case arrow::Type::STRING:
    case arrow::Type::BINARY: {
      const std::string_view text = checked_cast<const arrow::BinaryArray&>(column).GetView(row);
      const auto size = static_cast<uint32_t>(text.size());
      append(&size, sizeof(size));
      append(text.data(), text.size());
      return;
    }
    case arrow::Type::BOOL:
      bytes->push_back(checked_cast<const arrow::BooleanArray&>(column).Value(row) ? '\1' : '\0');
      return;
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE: {
      double value = column.type_id() == arrow::Type::FLOAT
                         ? checked_cast<const arrow::FloatArray&>(column).Value(row)
                         : checked_cast<const arrow::DoubleArray&>(column).Value(row);
      if (std::isnan(value)) value = std::numeric_limits<double>::quiet_NaN();
      if (value == 0) value = 0;
      append(&value, sizeof(value));
      return;
    }
    default: {
      const auto width = static_cast<size_t>(column.type()->bit_width() / 8);
      const uint8_t* values = column.data()->buffers[1]->data();
      append(values + static_cast<size_t>(column.offset() + row) * width, width);
    }
  }
}

bool HasFixedBytes(const arrow::DataType& type) {
  return arrow::is_primitive(type.id()) || type.id() == arrow::Type::DECIMAL128 ||
         type.id() == arrow::Type::STRING || type.id() == arrow::Type::BINARY;
}

}  // namespace

arrow::Result<std::vector<Hash128>> HashKeys(const arrow::ArrayVector& columns, int64_t num_rows) {
  for (const auto& column : columns) {
    if (!HasFixedBytes(*column->type())) {
      return arrow::Status::Invalid("a key cannot be of type ", column->type()->ToString());
    }
  }
  std::vector<Hash128> hashes(static_cast<size_t>(num_rows));
  std::string bytes;
  for (int64_t row = 0; row < num_rows; ++row) {
    bytes.clear();
    for (const auto& column : columns) AppendValue(*column, row, &bytes);
    hashes[static_cast<size_t>(row)] = HashBytes128(bytes);
  }
  return hashes;
}

arrow::Result<std::optional<int64_t>> KeySet::Add(const arrow::ArrayVector& columns,
                                                  int64_t num_rows) {
  ARROW_ASSIGN_OR_RAISE(const auto hashes, HashKeys(columns, num_rows));
  std::optional<int64_t> repeated;
  for (int64_t row = 0; row < num_rows; ++row) {
    const bool is_new = keys_.insert(hashes[static_cast<size_t>(row)]).second;
    if (!is_new && !repeated) repeated = row;
  }
  return repeated;
}

arrow::Result<int64_t> KeySet::Find(const arrow::ArrayVector& columns, int64_t num_rows,
                                    std::vector<uint8_t>* found) const {
  ARROW_ASSIGN_OR_RAISE(const auto hashes, HashKeys(columns, num_rows));
  found->resize(hashes.size());
  int64_t count = 0;
  for (size_t row = 0; row < hashes.size(); ++row) {
    (*found)[row] = keys_.contains(hashes[row]) ? 1 : 0;
    count += (*found)[row];
  }
  return count;
}

std::string KeyText(const std::vector<std::string>& names, const arrow::ArrayVector& columns,
                    int64_t row) {
  std::string text;
  for (size_t i = 0; i < columns.size(); ++i) {
    const auto value = columns[i]->GetScalar(row);
    text += (i == 0 ? "" : ", ") + names[i] + " = ";
    text += !value.ok() ? "?" : (*value)->is_valid ? (*value)->ToString() : "NULL";
  }
  return text;
}

}  // namespace tidemill
