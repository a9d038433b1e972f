#pragma once

/// Tables across the border by the Arrow PyCapsule interface, without copies.
/// https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html

#include <memory>

#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/table.h>
#include <nanobind/nanobind.h>

namespace tidemill::python {

/// A capsule "arrow_array_stream" over the batches of a table.
nanobind::capsule ExportStream(std::shared_ptr<arrow::Table> table);

/// What an object with `__arrow_c_stream__` gives. With the GIL held; the reader needs it only if
/// the producer does.
arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> ImportStream(nanobind::handle producer);

}  // namespace tidemill::python
