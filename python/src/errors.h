#pragma once

/// Failures on their way between C++ and Python.

#include <string>

#include <arrow/result.h>
#include <nanobind/nanobind.h>

namespace tidemill::python {

/// Raises the exception of tidemill.errors for a failed status. `report` is the JSON of what the
/// invocation reports, or empty. With the GIL held.
[[noreturn]] void Raise(const arrow::Status& status, const std::string& report = "");

/// The value, or Raise.
template <typename T>
T ValueOrRaise(arrow::Result<T> result) {
  if (!result.ok()) Raise(result.status());
  return std::move(result).MoveValueUnsafe();
}

/// What a callback raised, as a status: a TidemillError keeps its code and diagnostics, Ctrl-C is
/// kInterrupted, all else kRunFailed with the name of its type. With the GIL held.
arrow::Status StatusOf(const nanobind::python_error& error);

}  // namespace tidemill::python
