#include "storage/nested_columns.h"

#include <utility>

#include <arrow/util/checked_cast.h>

namespace tidemill {
namespace {

using arrow::internal::checked_cast;

const arrow::ListArray& AsList(const arrow::Array& column) {
  return checked_cast<const arrow::ListArray&>(column);
}

void AppendBytes(const void* data, size_t size, std::string* text) {
  text->append(static_cast<const char*>(data), size);
}

}  // namespace

bool IsListOrMap(const arrow::DataType& type) {
  if (type.id() != arrow::Type::LIST && type.id() != arrow::Type::MAP) return false;
  for (const auto& field : ElementFields(type)) {
    if (arrow::is_nested(field->type()->id())) return false;
  }
  return true;
}

std::vector<std::shared_ptr<arrow::Field>> ElementFields(const arrow::DataType& type) {
  if (type.id() == arrow::Type::MAP) {
    const auto& map = checked_cast<const arrow::MapType&>(type);
    return {map.key_field(), map.item_field()};
  }
  return {type.field(0)};
}

std::shared_ptr<arrow::DataType> WithElements(
    const arrow::DataType& type, std::vector<std::shared_ptr<arrow::DataType>> elements) {
  if (type.id() == arrow::Type::MAP) {
    return arrow::map(std::move(elements[0]), std::move(elements[1]));
  }
  return arrow::list(arrow::field("element", std::move(elements[0])));
}

std::vector<int32_t> LengthsOf(const arrow::Array& column) {
  const arrow::ListArray& list = AsList(column);
  std::vector<int32_t> lengths(static_cast<size_t>(list.length()), 0);
  for (int64_t i = 0; i < list.length(); ++i) {
    if (list.IsValid(i)) lengths[static_cast<size_t>(i)] = list.value_length(i);
  }
  return lengths;
}

arrow::Result<arrow::ArrayVector> ElementsOf(const arrow::Array& column) {
  ARROW_ASSIGN_OR_RAISE(const auto flat, AsList(column).Flatten());
  if (column.type_id() != arrow::Type::MAP) return arrow::ArrayVector{flat};
  const auto& pairs = checked_cast<const arrow::StructArray&>(*flat);
  return arrow::ArrayVector{pairs.field(0), pairs.field(1)};
}

NestedLevels LevelsOf(const arrow::Array& column, size_t child, const arrow::Array& elements) {
  // 0: the row is NULL. 1: it is empty. 2: an element that is NULL, or a key, which cannot be NULL.
  // 3: an element.
  const bool is_key = column.type_id() == arrow::Type::MAP && child == 0;
  const int16_t present = is_key ? 2 : 3;
  NestedLevels levels;
  const auto add = [&](int16_t definition, int16_t repetition) {
    levels.definition.push_back(definition);
    levels.repetition.push_back(repetition);
  };
  const std::vector<int32_t> lengths = LengthsOf(column);
  int64_t next = 0;
  for (int64_t row = 0; row < column.length(); ++row) {
    if (column.IsNull(row)) {
      add(0, 0);
      continue;
    }
    const int32_t length = lengths[static_cast<size_t>(row)];
    if (length == 0) add(1, 0);
    for (int32_t i = 0; i < length; ++i, ++next) {
      add(elements.IsValid(next) ? present : int16_t{2}, i == 0 ? int16_t{0} : int16_t{1});
    }
  }
  return levels;
}

void AppendValueBytes(const arrow::Array& column, int64_t row, std::string* text) {
  text->push_back(column.IsValid(row) ? '\1' : '\0');
  if (column.IsNull(row)) return;
  const arrow::DataType& type = *column.type();
  if (IsListOrMap(type)) {
    const arrow::ListArray& list = AsList(column);
    const int32_t length = list.value_length(row);
    AppendBytes(&length, sizeof length, text);
    const auto values = list.value_slice(row);
    for (int64_t i = 0; i < values->length(); ++i) {
      if (type.id() == arrow::Type::MAP) {
        const auto& pairs = checked_cast<const arrow::StructArray&>(*values);
        AppendValueBytes(*pairs.field(0), i, text);
        AppendValueBytes(*pairs.field(1), i, text);
      } else {
        AppendValueBytes(*values, i, text);
      }
    }
  } else if (arrow::is_binary_like(type.id())) {
    const auto value = checked_cast<const arrow::BinaryArray&>(column).GetView(row);
    const auto size = static_cast<int32_t>(value.size());
    AppendBytes(&size, sizeof size, text);
    text->append(value);
  } else if (type.id() == arrow::Type::BOOL) {
    text->push_back(checked_cast<const arrow::BooleanArray&>(column).Value(row) ? '\1' : '\0');
  } else {
    const auto width = static_cast<size_t>(type.bit_width() / 8);
    const auto at = static_cast<size_t>(column.offset() + row);
    AppendBytes(column.data()->buffers[1]->data() + at * width, width, text);
  }
}

}  // namespace tidemill
