#pragma once

/// What Spark answers, in the types that are wanted here.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <arrow/array.h>
#include <arrow/result.h>
#include <arrow/table.h>

namespace tidemill {

arrow::Result<std::shared_ptr<arrow::Array>> CastTo(const std::shared_ptr<arrow::Array>& array,
                                                    const std::shared_ptr<arrow::DataType>& type);

/// A column of a collected answer, in one piece. An error (kRunFailed) if there is none.
arrow::Result<std::shared_ptr<arrow::Array>> ColumnOf(const arrow::Table& table,
                                                      const std::string& name,
                                                      const std::shared_ptr<arrow::DataType>& type);

/// The same as bigints; NULL is 0.
arrow::Result<std::vector<int64_t>> IntegersOf(const arrow::Table& table, const std::string& name);

}  // namespace tidemill
