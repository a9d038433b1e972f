#pragma once

/// The types that an expression can be cast to, by name.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>
#include <arrow/type.h>

namespace tidemill {

/// The one name by which a type is known in trees and keys ("bigint", "decimal(10,2)",
/// "timestamptz"), from any of its PostgreSQL names (int8, numeric, ...), a few of Spark and
/// DuckDB, and the numbers in parentheses after it. Errors (Invalid, a message only) name the type
/// and what is wrong with it; `hint` gets the way out.
arrow::Result<std::string> CanonicalTypeName(std::string_view name,
                                             const std::vector<int64_t>& modifiers,
                                             std::string* hint);

/// The Arrow type of a canonical name; null for a name that is none.
std::shared_ptr<arrow::DataType> TypeOfCanonicalName(std::string_view name,
                                                     const std::string& timezone);

}  // namespace tidemill
