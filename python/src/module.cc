/// The extension tidemill._core: the C++ API as Python calls it, thin. Reports cross as JSON,
/// tables as Arrow streams, failures as exceptions of tidemill.errors.

#include <csignal>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include <arrow/compute/initialize.h>
#include <nanobind/nanobind.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "cli/command_line.h"
#include "cli/interrupt.h"
#include "cli/report_json.h"
#include "engine/pass_engine.h"
#include "errors.h"
#include "pipeline_calls.h"
#include "python_call.h"
#include "spark_client.h"
#include "storage/remote_filesystem.h"
#include "table_calls.h"
#include "task_calls.h"
#include "tidemill/generate.h"
#include "tidemill/version.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace tidemill::python {
namespace {

/// Python's own answer to Ctrl-C while it lives, the program's before and after.
class PythonInterrupts {
 public:
  explicit PythonInterrupts(const struct sigaction& pythons) {
    sigaction(SIGINT, &pythons, &programs_);
  }
  ~PythonInterrupts() { sigaction(SIGINT, &programs_, nullptr); }
  PythonInterrupts(const PythonInterrupts&) = delete;
  PythonInterrupts& operator=(const PythonInterrupts&) = delete;

 private:
  struct sigaction programs_ = {};
};

/// The command line in this process, with engines made by make_engine(name, scheduler).
int Main(const std::vector<nb::bytes>& arguments, const nb::callable& make_engine) {
  std::vector<const char*> argv;
  for (const nb::bytes& argument : arguments) argv.push_back(argument.c_str());
  struct sigaction pythons = {};
  sigaction(SIGINT, nullptr, &pythons);
  const Console console(stdout, stderr);
  CommandContext context;
  context.console = &console;
  context.cancelled = CatchInterrupts();
  context.make_engine =
      [&](const EngineChoice& choice) -> arrow::Result<std::shared_ptr<PassEngine>> {
    // A scheduler may not answer for a long time.
    const PythonInterrupts interrupts(pythons);
    return CallPython([&]() -> arrow::Result<std::shared_ptr<PassEngine>> {
      return nb::cast<std::shared_ptr<PassEngine>>(make_engine(choice.name, choice.scheduler));
    });
  };
  const nb::gil_scoped_release release;
  return RunCommandLine(static_cast<int>(argv.size()), argv.data(), context);
}

std::string Generate(const std::string& directory, int days, const std::string& start,
                     int64_t events_per_day, int64_t entities, double skew, uint64_t seed) {
  GenerateOptions options;
  options.directory = directory;
  options.days = days;
  options.start = start;
  options.events_per_day = events_per_day;
  options.entities = entities;
  options.skew = skew;
  options.seed = seed;
  arrow::Result<GenerateReport> report = GenerateReport{};
  {
    const nb::gil_scoped_release release;
    report = GenerateEvents(options);
  }
  return Dump(ToJson(ValueOrRaise(std::move(report))));
}

}  // namespace

NB_MODULE(_core, module) {
  module.doc() = "The C++ side of tidemill.";
  // Before there are threads: one that casts while another registers may find no function yet.
  if (!arrow::compute::Initialize().ok()) throw std::runtime_error("Arrow has no functions");
  module.attr("__version__") = kVersion;
  BindPipeline(module);
  BindSpark(module);
  BindTable(module);
  BindTasks(module);
  module.def("main", &Main, "argv"_a, "make_engine"_a);
  module.def("generate_events", &Generate, "directory"_a, "days"_a, "start"_a, "events_per_day"_a,
             "entities"_a, "skew"_a, "seed"_a);
  module.def("close", &CloseRemoteFileSystems, nb::call_guard<nb::gil_scoped_release>());
}

}  // namespace tidemill::python
