#pragma once

/// Values of Arrow columns as text and as JSON.

#include <cstdint>
#include <string>

#include <arrow/array.h>
#include <arrow/table.h>
#include <nlohmann/json.hpp>

#include "cli/text_table.h"

namespace tidemill {

/// A value for people: strings without quotes, doubles in the fewest digits that read back the
/// same, "2026-03-02 10:11:12.5" for timestamps (in UTC, ending with Z, where they are instants),
/// "NULL"; lists as "[a, b]", maps as "{a: 1, b: 2}".
std::string CellText(const arrow::Array& array, int64_t row);

/// A value for programs: numbers and booleans as such, lists as arrays, maps as objects, everything
/// else as CellText says it, NULL
/// as null; NaN and infinities as strings, since JSON has none.
nlohmann::ordered_json CellJson(const arrow::Array& array, int64_t row);

/// Whether a column of this type is read from the right.
bool IsNumericCell(const arrow::DataType& type);

/// All of `table` as text, control characters made visible.
TextTable ToTextTable(const arrow::Table& table);

/// All of `table` as an array of objects.
nlohmann::ordered_json ToJson(const arrow::Table& table);

}  // namespace tidemill
