#pragma once

/// A condition on the partition columns of a table: which partitions a command works on.

#include <memory>
#include <string>
#include <vector>

#include <arrow/result.h>
#include <arrow/scalar.h>
#include <arrow/type.h>

#include "sql/expression.h"

namespace tidemill {

class PartitionFilter {
 public:
  /// An SQL condition; an empty one holds always. Errors (kInvalid) point into the text.
  static arrow::Result<PartitionFilter> Make(const std::string& condition,
                                             std::shared_ptr<arrow::Schema> columns);

  arrow::Result<bool> Holds(const std::vector<std::shared_ptr<arrow::Scalar>>& values) const;

 private:
  std::shared_ptr<arrow::Schema> columns_;
  ExpressionPtr condition_;
};

}  // namespace tidemill
