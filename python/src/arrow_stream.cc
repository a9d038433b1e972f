#include "arrow_stream.h"

#include <arrow/c/abi.h>
#include <arrow/c/bridge.h>

#include "errors.h"

namespace nb = nanobind;

namespace tidemill::python {
namespace {

constexpr const char* kCapsule = "arrow_array_stream";

/// Frees a stream that nobody took over.
void Release(PyObject* capsule) {
  auto* stream = static_cast<ArrowArrayStream*>(PyCapsule_GetPointer(capsule, kCapsule));
  if (stream->release != nullptr) stream->release(stream);
  delete stream;
}

}  // namespace

nb::capsule ExportStream(std::shared_ptr<arrow::Table> table) {
  auto reader = std::make_shared<arrow::TableBatchReader>(std::move(table));
  auto stream = std::make_unique<ArrowArrayStream>();
  if (const auto status = arrow::ExportRecordBatchReader(reader, stream.get()); !status.ok()) {
    Raise(status);
  }
  PyObject* capsule = PyCapsule_New(stream.get(), kCapsule, Release);
  if (capsule == nullptr) {
    stream->release(stream.get());
    throw nb::python_error();
  }
  stream.release();
  return nb::steal<nb::capsule>(capsule);
}

arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> ImportStream(nb::handle producer) {
  const nb::object capsule = producer.attr("__arrow_c_stream__")();
  auto* stream = static_cast<ArrowArrayStream*>(PyCapsule_GetPointer(capsule.ptr(), kCapsule));
  if (stream == nullptr) throw nb::python_error();
  return arrow::ImportRecordBatchReader(stream);
}

}  // namespace tidemill::python
