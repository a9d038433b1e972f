#include "table_calls.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "arrow_stream.h"
#include "errors.h"
#include "tidemill/read.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace tidemill::python {
namespace {

nb::capsule ReadFeatures(const std::string& path, std::optional<std::vector<std::string>> dates,
                         std::optional<std::vector<std::string>> columns) {
  ReadOptions options;
  options.dates = std::move(dates);
  options.columns = std::move(columns).value_or(std::vector<std::string>{});
  arrow::Result<std::shared_ptr<arrow::Table>> table = nullptr;
  {
    const nb::gil_scoped_release release;
    table = ReadTable(path, options);
  }
  return ExportStream(ValueOrRaise(std::move(table)));
}

}  // namespace

void BindTable(nb::module_& module) {
  module.def("read_features", &ReadFeatures, "path"_a, "dates"_a.none(), "columns"_a.none());
}

}  // namespace tidemill::python
