#pragma once

/// Values of check metrics as JSON and back, without loss.

#include <memory>

#include <arrow/result.h>
#include <arrow/scalar.h>
#include <nlohmann/json.hpp>

namespace tidemill {

/// {"type": "int64", "value": 7}; NULL is null, doubles that JSON lacks are the strings "NaN",
/// "Infinity" and
/// "-Infinity", times are integers of their unit, decimals are text. Types beyond booleans,
/// numbers, decimals, text, dates, times and timestamps give an error.
arrow::Result<nlohmann::ordered_json> MetricToJson(const arrow::Scalar& value);

arrow::Result<std::shared_ptr<arrow::Scalar>> MetricFromJson(const nlohmann::ordered_json& json);

}  // namespace tidemill
