#pragma once

/// Binds tasks of passes: running one, and an engine whose scheduler is a Python object.

#include <nanobind/nanobind.h>

namespace tidemill::python {

void BindTasks(nanobind::module_& module);

}  // namespace tidemill::python
