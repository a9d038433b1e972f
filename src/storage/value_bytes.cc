#include "storage/value_bytes.h"

#include <algorithm>
#include <numeric>

namespace tidemill {
namespace {

bool IsFixed(const arrow::Array& array) { return arrow::is_fixed_width(array.type_id()); }

int64_t FixedBytes(const arrow::Array& array) {
  return (std::max(array.type()->bit_width(), 8) + 7) / 8;
}

void Add(const arrow::Array& array, std::vector<int64_t>* bytes);

/// Elements of variable length each have what lies between their offsets.
template <typename Texts>
void AddTexts(const arrow::Array& array, std::vector<int64_t>* bytes) {
  const auto& texts = static_cast<const Texts&>(array);
  for (size_t i = 0; i < bytes->size(); ++i) {
    (*bytes)[i] += static_cast<int64_t>(sizeof(typename Texts::offset_type)) +
                   texts.value_length(static_cast<int64_t>(i));
  }
}

void AddLists(const arrow::ListArray& lists, std::vector<int64_t>* bytes) {
  const arrow::Array& values = *lists.values();
  std::vector<int64_t> of_values(static_cast<size_t>(values.length()), 0);
  Add(values, &of_values);
  std::vector<int64_t> before(of_values.size() + 1, 0);
  std::partial_sum(of_values.begin(), of_values.end(), before.begin() + 1);
  for (size_t i = 0; i < bytes->size(); ++i) {
    const auto at = static_cast<int64_t>(i);
    const auto begin = static_cast<size_t>(lists.value_offset(at));
    const auto end = static_cast<size_t>(lists.value_offset(at + 1));
    (*bytes)[i] += static_cast<int64_t>(sizeof(int32_t)) + before[end] - before[begin];
  }
}

void Add(const arrow::Array& array, std::vector<int64_t>* bytes) {
  switch (array.type_id()) {
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return AddTexts<arrow::BinaryArray>(array, bytes);
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
      return AddTexts<arrow::LargeBinaryArray>(array, bytes);
    case arrow::Type::LIST:
    case arrow::Type::MAP:
      return AddLists(static_cast<const arrow::ListArray&>(array), bytes);
    case arrow::Type::STRUCT:
      for (const auto& field : static_cast<const arrow::StructArray&>(array).fields()) {
        Add(*field, bytes);
      }
      return;
    default:
      for (int64_t& value : *bytes) value += FixedBytes(array);
  }
}

}  // namespace

std::vector<int64_t> ValueBytes(const arrow::ArrayVector& columns, int64_t num_rows) {
  int64_t fixed = 0;
  for (const auto& column : columns) {
    if (IsFixed(*column)) fixed += FixedBytes(*column);
  }
  std::vector<int64_t> bytes(static_cast<size_t>(num_rows), fixed);
  for (const auto& column : columns) {
    if (!IsFixed(*column)) Add(*column, &bytes);
  }
  return bytes;
}

}  // namespace tidemill
