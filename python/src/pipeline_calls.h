#pragma once

/// Binds Pipeline and what can be done with one.

#include <nanobind/nanobind.h>

namespace tidemill::python {

void BindPipeline(nanobind::module_& module);

}  // namespace tidemill::python
