#include "errors.h"

#include <nanobind/stl/string.h>

#include "cli/report_json.h"
#include "tidemill/error.h"

namespace nb = nanobind;

namespace tidemill::python {

void Raise(const arrow::Status& status, const std::string& report) {
  Json document = ErrorJson(status);
  size_t at = 0;
  for (const Diagnostic& diagnostic : DiagnosticsOf(status)) {
    document["diagnostics"][at++]["source_line"] = diagnostic.source_line;
  }
  document["rendered"] = RenderDiagnostics(DiagnosticsOf(status));
  const nb::object error =
      nb::module_::import_("tidemill.errors").attr("from_json")(Dump(document), report);
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error.ptr())), error.ptr());
  throw nb::python_error();
}

arrow::Status StatusOf(const nb::python_error& error) {
  if (error.matches(PyExc_KeyboardInterrupt)) {
    return MakeError(ErrorCode::kInterrupted, "interrupted");
  }
  const nb::object value = nb::borrow(error.value());
  const nb::object known = nb::module_::import_("tidemill.errors").attr("TidemillError");
  if (!nb::isinstance(value, known)) {
    const auto type = nb::cast<std::string>(nb::str(value.type().attr("__name__")));
    const auto text = nb::cast<std::string>(nb::str(value));
    return MakeError(ErrorCode::kRunFailed, text.empty() ? type : type + ": " + text);
  }
  std::vector<Diagnostic> diagnostics;
  for (nb::handle one : value.attr("diagnostics")) {
    const auto text = [&](const char* name) { return nb::cast<std::string>(one.attr(name)); };
    const auto number = [&](const char* name) { return nb::cast<int>(one.attr(name)); };
    diagnostics.push_back({text("message"),
                           text("hint"),
                           {text("file"), number("line"), number("column")},
                           text("source_line")});
  }
  return MakeError(static_cast<ErrorCode>(nb::cast<int>(value.attr("code"))),
                   std::move(diagnostics));
}

}  // namespace tidemill::python
