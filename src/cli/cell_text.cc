#include "cli/cell_text.h"

#include <cmath>

#include <arrow/scalar.h>
#include <arrow/util/checked_cast.h>
#include <fmt/format.h>

#include "base/calendar.h"
#include "cli/display_text.h"
#include "sql/clock.h"

namespace tidemill {
namespace {

using arrow::internal::checked_cast;

template <typename Array>
auto ValueAt(const arrow::Array& array, int64_t row) {
  return checked_cast<const Array&>(array).Value(row);
}

template <typename Array>
std::string TextAt(const arrow::Array& array, int64_t row) {
  return std::string(checked_cast<const Array&>(array).GetView(row));
}

std::string TimestampText(const arrow::TimestampType& type, int64_t value) {
  const int64_t per_second = TicksPerSecond(type.unit());
  const int64_t days = FloorDivide(value, per_second * 86'400);
  const int64_t rest = FloorModulo(value, per_second * 86'400);
  const int64_t seconds = rest / per_second;
  std::string text =
      fmt::format("{} {:02}:{:02}:{:02}", FormatCivilDay(static_cast<CivilDay>(days)),
                  seconds / 3600, seconds / 60 % 60, seconds % 60);
  if (const int64_t fraction = rest % per_second; fraction != 0) {
    const int digits = static_cast<int>(std::lround(std::log10(static_cast<double>(per_second))));
    std::string decimals = fmt::format("{:0{}}", fraction, digits);
    while (decimals.back() == '0') decimals.pop_back();
    text += "." + decimals;
  }
  return type.timezone().empty() ? text : text + "Z";
}

std::string DoubleText(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return fmt::format("{}", value);
}

std::string ScalarText(const arrow::Array& array, int64_t row) {
  const auto scalar = array.GetScalar(row);
  return scalar.ok() ? (*scalar)->ToString() : scalar.status().message();
}

/// "[a, b]" for a list, "{a: 1, b: 2}" for a map.
std::string NestedText(const arrow::Array& array, int64_t row) {
  const auto& list = checked_cast<const arrow::ListArray&>(array);
  const bool is_map = array.type_id() == arrow::Type::MAP;
  std::string text;
  for (int64_t i = list.value_offset(row); i < list.value_offset(row + 1); ++i) {
    if (i > list.value_offset(row)) text += ", ";
    if (is_map) {
      const auto& map = checked_cast<const arrow::MapArray&>(array);
      text += CellText(*map.keys(), i) + ": " + CellText(*map.items(), i);
    } else {
      text += CellText(*list.values(), i);
    }
  }
  return is_map ? "{" + text + "}" : "[" + text + "]";
}

}  // namespace

std::string CellText(const arrow::Array& array, int64_t row) {
  if (array.IsNull(row)) return "NULL";
  switch (array.type_id()) {
    case arrow::Type::BOOL:
      return ValueAt<arrow::BooleanArray>(array, row) ? "true" : "false";
    case arrow::Type::FLOAT:
      return DoubleText(static_cast<double>(ValueAt<arrow::FloatArray>(array, row)));
    case arrow::Type::DOUBLE:
      return DoubleText(ValueAt<arrow::DoubleArray>(array, row));
    case arrow::Type::DATE32:
      return FormatCivilDay(ValueAt<arrow::Date32Array>(array, row));
    case arrow::Type::TIMESTAMP:
      return TimestampText(checked_cast<const arrow::TimestampType&>(*array.type()),
                           ValueAt<arrow::TimestampArray>(array, row));
    case arrow::Type::STRING:
      return TextAt<arrow::StringArray>(array, row);
    case arrow::Type::LARGE_STRING:
      return TextAt<arrow::LargeStringArray>(array, row);
    case arrow::Type::BINARY:
      return TextAt<arrow::BinaryArray>(array, row);
    case arrow::Type::LARGE_BINARY:
      return TextAt<arrow::LargeBinaryArray>(array, row);
    case arrow::Type::DICTIONARY: {
      const auto& dictionary = checked_cast<const arrow::DictionaryArray&>(array);
      return CellText(*dictionary.dictionary(), dictionary.GetValueIndex(row));
    }
    case arrow::Type::LIST:
    case arrow::Type::MAP:
      return NestedText(array, row);
    default:
      return ScalarText(array, row);
  }
}

nlohmann::ordered_json CellJson(const arrow::Array& array, int64_t row) {
  if (array.IsNull(row)) return nullptr;
  switch (array.type_id()) {
    case arrow::Type::BOOL:
      return ValueAt<arrow::BooleanArray>(array, row);
    case arrow::Type::INT8:
      return ValueAt<arrow::Int8Array>(array, row);
    case arrow::Type::INT16:
      return ValueAt<arrow::Int16Array>(array, row);
    case arrow::Type::INT32:
      return ValueAt<arrow::Int32Array>(array, row);
    case arrow::Type::INT64:
      return ValueAt<arrow::Int64Array>(array, row);
    case arrow::Type::UINT8:
      return ValueAt<arrow::UInt8Array>(array, row);
    case arrow::Type::UINT16:
      return ValueAt<arrow::UInt16Array>(array, row);
    case arrow::Type::UINT32:
      return ValueAt<arrow::UInt32Array>(array, row);
    case arrow::Type::UINT64:
      return ValueAt<arrow::UInt64Array>(array, row);
    case arrow::Type::FLOAT:
      if (const float value = ValueAt<arrow::FloatArray>(array, row); std::isfinite(value)) {
        return value;
      }
      return CellText(array, row);
    case arrow::Type::DOUBLE:
      if (const double value = ValueAt<arrow::DoubleArray>(array, row); std::isfinite(value)) {
        return value;
      }
      return CellText(array, row);
    case arrow::Type::DICTIONARY: {
      const auto& dictionary = checked_cast<const arrow::DictionaryArray&>(array);
      return CellJson(*dictionary.dictionary(), dictionary.GetValueIndex(row));
    }
    case arrow::Type::LIST: {
      auto list = nlohmann::ordered_json::array();
      const auto values = checked_cast<const arrow::ListArray&>(array).value_slice(row);
      for (int64_t i = 0; i < values->length(); ++i) list.push_back(CellJson(*values, i));
      return list;
    }
    case arrow::Type::MAP: {
      auto object = nlohmann::ordered_json::object();
      const auto& map = checked_cast<const arrow::MapArray&>(array);
      for (int64_t i = map.value_offset(row); i < map.value_offset(row + 1); ++i) {
        object[CellText(*map.keys(), i)] = CellJson(*map.items(), i);
      }
      return object;
    }
    default:
      return CellText(array, row);
  }
}

bool IsNumericCell(const arrow::DataType& type) {
  return arrow::is_integer(type.id()) || arrow::is_floating(type.id()) ||
         arrow::is_decimal(type.id());
}

TextTable ToTextTable(const arrow::Table& table) {
  TextTable text;
  text.rows.resize(static_cast<size_t>(table.num_rows()));
  for (int column = 0; column < table.num_columns(); ++column) {
    text.headers.push_back(Printable(table.field(column)->name()));
    text.right_aligned.push_back(IsNumericCell(*table.field(column)->type()));
    size_t row = 0;
    for (const auto& chunk : table.column(column)->chunks()) {
      for (int64_t i = 0; i < chunk->length(); ++i) {
        text.rows[row++].push_back(Printable(CellText(*chunk, i)));
      }
    }
  }
  return text;
}

nlohmann::ordered_json ToJson(const arrow::Table& table) {
  std::vector<nlohmann::ordered_json> rows(static_cast<size_t>(table.num_rows()),
                                           nlohmann::ordered_json::object());
  for (int column = 0; column < table.num_columns(); ++column) {
    size_t row = 0;
    for (const auto& chunk : table.column(column)->chunks()) {
      for (int64_t i = 0; i < chunk->length(); ++i) {
        rows[row++][table.field(column)->name()] = CellJson(*chunk, i);
      }
    }
  }
  return rows;
}

}  // namespace tidemill
