#pragma once

/// Binds what needs a table and no pipeline.

#include <nanobind/nanobind.h>

namespace tidemill::python {

void BindTable(nanobind::module_& module);

}  // namespace tidemill::python
