#include "engine/frame_filter.h"

#include <arrow/array/builder_primitive.h>
#include <arrow/compute/api_vector.h>

namespace tidemill {

arrow::Result<Frame> FilterFrame(const Frame& frame, const std::vector<uint8_t>& mask,
                                 int64_t selected) {
  arrow::Int32Builder builder;
  ARROW_RETURN_NOT_OK(builder.Reserve(selected));
  for (size_t i = 0; i < mask.size(); ++i) {
    if (mask[i]) builder.UnsafeAppend(static_cast<int32_t>(i));
  }
  ARROW_ASSIGN_OR_RAISE(auto indices, builder.Finish());
  Frame result = frame;
  result.num_rows = selected;
  for (arrow::Datum& column : result.columns) {
    if (!column.is_array()) continue;
    ARROW_ASSIGN_OR_RAISE(
        column,
        arrow::compute::Take(column, indices, arrow::compute::TakeOptions::NoBoundsCheck()));
  }
  return result;
}

arrow::Result<std::shared_ptr<arrow::Array>> Scatter(const arrow::Array& values,
                                                     const std::vector<uint8_t>& mask) {
  arrow::Int32Builder builder;
  ARROW_RETURN_NOT_OK(builder.Reserve(static_cast<int64_t>(mask.size())));
  int32_t next = 0;
  for (uint8_t selected : mask) {
    if (selected) {
      builder.UnsafeAppend(next++);
    } else {
      builder.UnsafeAppendNull();
    }
  }
  ARROW_ASSIGN_OR_RAISE(auto indices, builder.Finish());
  return arrow::compute::Take(values, *indices, arrow::compute::TakeOptions::NoBoundsCheck());
}

}  // namespace tidemill
