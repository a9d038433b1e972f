#include "errors.h"

#include <nanobind/stl/string.h>

#include "cli/report_json.h"
#include "tidemill/error.h"

namespace nb = nanobind;

namespace tidemill::python {
namespace {

/// Text of an object; what is no UTF-8 (paths may hold such bytes) is shown as \xNN.
std::string TextOf(nb::handle object) {
  const nb::object text = nb::steal(PyObject_Str(object.ptr()));
  if (!text.is_valid()) throw nb::python_error();
  const nb::object bytes =
      nb::steal(PyUnicode_AsEncodedString(text.ptr(), "utf-8", "backslashreplace"));
  if (!bytes.is_valid()) throw nb::python_error();
  return {PyBytes_AsString(bytes.ptr()), static_cast<size_t>(PyBytes_Size(bytes.ptr()))};
}

}  // namespace

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
    const std::string type = TextOf(value.type().attr("__name__"));
    const std::string text = TextOf(value);
    return MakeError(ErrorCode::kRunFailed, text.empty() ? type : type + ": " + text);
  }
  std::vector<Diagnostic> diagnostics;
  for (nb::handle one : value.attr("diagnostics")) {
    const auto text = [&](const char* name) { return TextOf(one.attr(name)); };
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
