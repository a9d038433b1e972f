#include "sql/kernel.h"

#include <arrow/array/array_base.h>
#include <arrow/array/util.h>
#include <arrow/compute/initialize.h>
#include <arrow/util/bitmap_ops.h>

#include "sql/expression.h"

namespace tidemill {

arrow::Result<Datum> CallArrow(const char* function, const Arguments& arguments,
                               const arrow::compute::FunctionOptions* options) {
  static const arrow::Status initialized = arrow::compute::Initialize();
  ARROW_RETURN_NOT_OK(initialized);
  return arrow::compute::CallFunction(function, arguments, options);
}

Kernel OnRows(Kernel kernel, NullRule nulls, int row_argument) {
  return [kernel = std::move(kernel), nulls, row_argument](
             const Arguments& arguments, const CallContext& context) -> arrow::Result<Datum> {
    bool any_array = false;
    for (const Datum& argument : arguments) {
      if (argument.is_array()) {
        any_array = true;
      } else if (nulls == NullRule::kNullInNullOut && !argument.scalar()->is_valid) {
        return Datum(arrow::MakeNullScalar(context.call->type));
      }
    }
    if (any_array) return kernel(arguments, context);
    Arguments rows = arguments;
    ARROW_ASSIGN_OR_RAISE(auto row, arrow::MakeArrayFromScalar(*rows[row_argument].scalar(), 1));
    rows[row_argument] = std::move(row);
    CallContext one_row = context;
    one_row.num_rows = 1;
    ARROW_ASSIGN_OR_RAISE(Datum result, kernel(rows, one_row));
    if (result.is_scalar()) return result;
    ARROW_ASSIGN_OR_RAISE(auto value, result.make_array()->GetScalar(0));
    return Datum(std::move(value));
  };
}

arrow::Result<std::shared_ptr<arrow::Buffer>> IntersectValidity(const Arguments& arguments,
                                                                int64_t num_rows) {
  std::shared_ptr<arrow::Buffer> validity;
  for (const Datum& argument : arguments) {
    if (!argument.is_array()) continue;
    const arrow::ArrayData& data = *argument.array();
    if (data.GetNullCount() == 0 || data.buffers[0] == nullptr) continue;
    if (validity == nullptr) {
      if (data.offset == 0) {
        validity = data.buffers[0];
      } else {
        ARROW_ASSIGN_OR_RAISE(
            validity, arrow::internal::CopyBitmap(arrow::default_memory_pool(),
                                                  data.buffers[0]->data(), data.offset, num_rows));
      }
    } else {
      ARROW_ASSIGN_OR_RAISE(
          validity, arrow::internal::BitmapAnd(arrow::default_memory_pool(), validity->data(), 0,
                                               data.buffers[0]->data(), data.offset, num_rows, 0));
    }
  }
  return validity;
}

}  // namespace tidemill
