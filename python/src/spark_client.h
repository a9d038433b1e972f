#pragma once

/// The Spark engine, over a client in Python.

#include <nanobind/nanobind.h>

namespace tidemill::python {

void BindSpark(nanobind::module_& module);

}  // namespace tidemill::python
