#pragma once

/// The look-ups of a pipeline, resolved against the columns of events and of dimensions.

#include <memory>
#include <vector>

#include "pipeline/bound_pipeline.h"

namespace tidemill {

/// Binds the joins of `pipeline` in their order. `rows` holds the columns of the source and gets
/// those of the joins; `dimensions` are the schemas of the joins' tables. Errors (kInvalid) carry
/// every fault: unknown columns, names that are taken, keys whose types cannot be compared.
arrow::Status BindJoins(const Pipeline& pipeline,
                        const std::vector<std::shared_ptr<arrow::Schema>>& dimensions,
                        std::shared_ptr<arrow::Schema>* rows, std::vector<BoundJoin>* joins);

}  // namespace tidemill
