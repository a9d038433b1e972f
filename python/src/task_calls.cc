#include "task_calls.h"

#include <utility>

#include <nanobind/stl/function.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "engine/pass_engine.h"
#include "errors.h"
#include "python_call.h"
#include "tidemill/tasks.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace tidemill::python {
namespace {

/// A TaskScheduler that is an object with two methods: resources() -> (slots, memory), and
/// run(tasks, on_result, is_cancelled), which calls on_result(index, result) until that is False.
class PythonScheduler : public TaskScheduler {
 public:
  explicit PythonScheduler(nb::object scheduler) : scheduler_(std::move(scheduler)) {}

  arrow::Result<TaskResources> Resources() override {
    return CallPython([&]() -> arrow::Result<TaskResources> {
      const auto [slots, memory] =
          nb::cast<std::pair<int, int64_t>>(scheduler_.get().attr("resources")());
      return TaskResources{slots, memory};
    });
  }

  arrow::Status Run(const std::vector<std::string>& tasks,
                    const std::function<arrow::Status(size_t, const std::string&)>& on_result,
                    const std::function<bool()>& is_cancelled) override {
    arrow::Status failure;
    const std::function<bool(size_t, const std::string&)> take = [&](size_t index,
                                                                     const std::string& result) {
      const nb::gil_scoped_release release;
      failure = on_result(index, result);
      return failure.ok();
    };
    const arrow::Status status = CallPython([&] {
      scheduler_.get().attr("run")(tasks, nb::cpp_function(take), nb::cpp_function(is_cancelled));
      return arrow::Status::OK();
    });
    return failure.ok() ? status : failure;
  }

 private:
  HeldObject scheduler_;
};

std::string Run(const std::string& task) {
  arrow::Result<std::string> answer = std::string();
  {
    const nb::gil_scoped_release release;
    answer = RunTask(task);
  }
  return ValueOrRaise(std::move(answer));
}

std::shared_ptr<PassEngine> EngineOn(nb::object scheduler, int64_t scan_bytes,
                                     int64_t window_bytes) {
  return DistributedEngine(std::make_shared<PythonScheduler>(std::move(scheduler)),
                           {scan_bytes, window_bytes});
}

}  // namespace

void BindTasks(nb::module_& module) {
  module.def("run_task", &Run, "task"_a,
             "Runs one task of a pass and returns its result. An exception is worth another try.");
  module.def("distributed_engine", &EngineOn, "scheduler"_a, "scan_bytes"_a = 0,
             "window_bytes"_a = 0, "An engine whose tasks the scheduler runs.");
}

}  // namespace tidemill::python
