#pragma once

/// Calls from C++ into Python: from threads that do not have the interpreter's lock, on objects
/// that C++ keeps.

#include <exception>
#include <utility>

#include <arrow/result.h>
#include <nanobind/nanobind.h>

#include "errors.h"
#include "tidemill/error.h"

namespace tidemill::python {

/// A Python object that any thread may let go of, at any time.
class HeldObject {
 public:
  explicit HeldObject(nanobind::object object) : object_(std::move(object)) {}
  ~HeldObject() {
    if (!nanobind::is_alive()) {
      static_cast<void>(object_.release());
      return;
    }
    const nanobind::gil_scoped_acquire acquire;
    object_.reset();
  }
  HeldObject(const HeldObject&) = delete;
  HeldObject& operator=(const HeldObject&) = delete;

  const nanobind::object& get() const { return object_; }

 private:
  nanobind::object object_;
};

/// Runs call(), which gives a Status or Result, with the lock. What Python raises, and values that
/// are not of the type that is asked for, come back as a status.
template <typename Call>
auto CallPython(Call call) -> decltype(call()) {
  const nanobind::gil_scoped_acquire acquire;
  try {
    return call();
  } catch (const nanobind::python_error& error) {
    return StatusOf(error);
  } catch (const std::exception& error) {
    return MakeError(
        ErrorCode::kRunFailed,
        std::string("Python gave a value of another type than was asked for: ") + error.what());
  }
}

}  // namespace tidemill::python
