#include "pipeline_calls.h"

#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "arrow_stream.h"
#include "base/byte_size.h"
#include "cli/backfill_report.h"
#include "cli/pipeline_reports.h"
#include "cli/report_json.h"
#include "cli/training_set_report.h"
#include "engine/pass_engine.h"
#include "errors.h"
#include "foreground_call.h"
#include "tidemill/plan.h"
#include "tidemill/training_set.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace tidemill::python {
namespace {

/// How to compute, as every method of Pipeline takes it.
struct Computing {
  int threads = 0;
  std::string memory;
  std::string scratch;
  std::shared_ptr<PassEngine> engine;
  nb::object on_progress = nb::none();
  nb::object on_warning = nb::none();
};

RunOptions OptionsOf(const Computing& computing, const std::string& date) {
  RunOptions options;
  options.date = date;
  options.threads = computing.threads;
  options.scratch = computing.scratch;
  options.engine = computing.engine;
  if (!computing.memory.empty()) {
    const std::optional<int64_t> bytes = ParseByteSize(computing.memory);
    if (!bytes || *bytes <= 0) {
      Raise(MakeError(ErrorCode::kInvalid, "memory: '" + computing.memory + "' is not a size",
                      "write a number with a unit, as in 4GB or 512MB"));
    }
    options.memory_bytes = *bytes;
  }
  return options;
}

/// Runs compute(options) in a ForegroundCall; raises what fails.
template <typename Options, typename Compute>
auto Foreground(const Computing& computing, Options options, Compute compute) {
  ForegroundCall call(computing.on_progress, computing.on_warning);
  call.Connect(&options);
  std::optional<decltype(compute(options))> result;
  call.Run([&] { result.emplace(compute(options)); });
  return ValueOrRaise(*std::move(result));
}

/// The report as JSON; raises with it if its run failed.
template <typename Report>
std::string Finished(const Report& report) {
  std::string json = Dump(ToJson(report));
  if (!report.outcome.ok()) Raise(report.outcome, json);
  if (report.status == "failed") {
    Raise(MakeError(ErrorCode::kRunFailed, report.pipeline + " failed"), json);
  }
  return json;
}

/// The reports of several pipelines as one document; raises with it what decides their outcome.
template <typename Report>
std::string FinishedAll(const std::vector<Pipeline>& pipelines,
                        const std::vector<Report>& reports) {
  std::vector<std::string> files;
  std::vector<Json> documents;
  std::vector<const InvocationReport*> invocations;
  for (size_t i = 0; i < reports.size(); ++i) {
    files.push_back(pipelines[i].file);
    documents.push_back(ToJson(reports[i]));
    invocations.push_back(&reports[i]);
  }
  std::string json = Dump(ToJson(files, std::move(documents)));
  if (const InvocationReport* failed = DecidingFailure(invocations)) {
    Raise(WithContext(failed->outcome, failed->pipeline), json);
  }
  return json;
}

Pipeline Parse(const std::string& text, const std::string& path, const NameValues& names) {
  return ValueOrRaise(ParsePipeline(text, path, names));
}

std::string Run(const Pipeline& pipeline, const std::string& date, const Computing& computing) {
  return Finished(Foreground(computing, OptionsOf(computing, date), [&](const RunOptions& options) {
    return RunDate(pipeline, options);
  }));
}

BackfillOptions RangeOf(const Computing& computing, const std::string& start,
                        const std::string& end, std::vector<std::string> only) {
  BackfillOptions options;
  static_cast<RunOptions&>(options) = OptionsOf(computing, start);
  options.start = start;
  options.end = end;
  options.only = std::move(only);
  return options;
}

std::string RunBackfill(const Pipeline& pipeline, const std::string& start, const std::string& end,
                        std::vector<std::string> only, int parallel, int pass_dates, bool fail_fast,
                        const Computing& computing) {
  BackfillOptions options = RangeOf(computing, start, end, std::move(only));
  options.parallel = parallel;
  options.pass_dates = pass_dates;
  options.fail_fast = fail_fast;
  return Finished(Foreground(computing, options, [&](const BackfillOptions& connected) {
    return Backfill(pipeline, connected);
  }));
}

std::string RunAll(const std::vector<Pipeline>& pipelines, const std::string& date,
                   const Computing& computing) {
  return FinishedAll(
      pipelines, Foreground(computing, OptionsOf(computing, date), [&](const RunOptions& options) {
        return RunPipelines(pipelines, options);
      }));
}

std::string BackfillAll(const std::vector<Pipeline>& pipelines, const std::string& start,
                        const std::string& end, std::vector<std::string> only, int parallel,
                        int pass_dates, bool fail_fast, const Computing& computing) {
  BackfillOptions options = RangeOf(computing, start, end, std::move(only));
  options.parallel = parallel;
  options.pass_dates = pass_dates;
  options.fail_fast = fail_fast;
  return FinishedAll(pipelines,
                     Foreground(computing, options, [&](const BackfillOptions& connected) {
                       return BackfillPipelines(pipelines, connected);
                     }));
}

std::string Plan(const Pipeline& pipeline, const std::string& start, const std::string& end,
                 std::vector<std::string> only, const Computing& computing) {
  return Dump(ToJson(
      Foreground(computing, RangeOf(computing, start, end, std::move(only)),
                 [&](const BackfillOptions& options) { return PlanDates(pipeline, options); })));
}

std::string Status(const Pipeline& pipeline, const std::string& start, const std::string& end,
                   const Computing& computing) {
  return Dump(
      ToJson(Foreground(computing, OptionsOf(computing, start), [&](const RunOptions& options) {
        return StatusOfDates(pipeline, start, end, options);
      })));
}

std::string Check(const Pipeline& pipeline, const std::string& date, const Computing& computing) {
  return Dump(
      ToJson(Foreground(computing, OptionsOf(computing, date),
                        [&](const RunOptions& options) { return CheckDate(pipeline, options); })));
}

nb::capsule Compute(const Pipeline& pipeline, const std::string& date, const std::string& entity,
                    int64_t limit, const Computing& computing) {
  return ExportStream(Foreground(
      computing, OptionsOf(computing, date),
      [&](const RunOptions& options) { return PreviewDate(pipeline, options, entity, limit); }));
}

/// The report as JSON, and the rows as a stream where they are not written to `out`.
std::pair<std::string, nb::object> TrainingSet(
    const std::vector<Pipeline>& pipelines, const std::string& labels,
    const std::string& label_time, const std::vector<std::pair<std::string, std::string>>& on,
    bool exact, const std::string& max_age, bool prefix, const std::string& out, bool overwrite,
    const Computing& computing) {
  TrainingSetOptions options;
  static_cast<RunOptions&>(options) = OptionsOf(computing, "");
  options.labels = labels;
  options.label_time = label_time;
  options.on = on;
  options.exact = exact;
  if (!max_age.empty()) options.max_age = ValueOrRaise(ParseAge(max_age));
  options.prefix = prefix;
  options.out = out;
  options.overwrite = overwrite;
  const TrainingSetReport report = Foreground(
      computing, options,
      [&](const TrainingSetOptions& connected) { return MakeTrainingSet(pipelines, connected); });
  nb::object rows = nb::none();
  if (report.rows != nullptr) rows = ExportStream(report.rows);
  return {Dump(ToJson(report)), std::move(rows)};
}

std::vector<std::string> Lint(const Pipeline& pipeline) {
  arrow::Result<std::vector<std::string>> warnings = std::vector<std::string>{};
  {
    nb::gil_scoped_release release;
    warnings = LintPipeline(pipeline);
  }
  return ValueOrRaise(std::move(warnings));
}

std::string Sql(const Pipeline& pipeline, const std::string& date, const std::string& dialect) {
  arrow::Result<std::string> text = std::string();
  {
    nb::gil_scoped_release release;
    text = PipelineSql(pipeline, date, dialect);
  }
  return ValueOrRaise(std::move(text));
}

}  // namespace

void BindPipeline(nb::module_& module) {
  nb::class_<PassEngine>(module, "PassEngine", "Who computes a pass; None means this process.");

  nb::class_<Computing>(module, "Computing", "How to compute.")
      .def(nb::init<>())
      .def_rw("threads", &Computing::threads, "0: all cores.")
      .def_rw("memory", &Computing::memory, "As in '4GB'; empty: 60 % of RAM.")
      .def_rw("scratch", &Computing::scratch, "Folder for what does not fit into memory.")
      .def_prop_rw(
          "engine", [](const Computing& c) { return c.engine; },
          [](Computing& c, std::shared_ptr<PassEngine> engine) { c.engine = std::move(engine); },
          nb::arg("engine").none())
      .def_prop_rw(
          "on_progress", [](const Computing& c) { return c.on_progress; },
          [](Computing& c, nb::object callback) { c.on_progress = std::move(callback); },
          nb::arg("callback").none())
      .def_prop_rw(
          "on_warning", [](const Computing& c) { return c.on_warning; },
          [](Computing& c, nb::object callback) { c.on_warning = std::move(callback); },
          nb::arg("callback").none());

  nb::class_<Pipeline>(module, "Pipeline", "A parsed pipeline file.")
      .def_static("parse", &Parse, "text"_a, "path"_a, "names"_a)
      .def_ro("name", &Pipeline::name)
      .def_prop_ro("timezone", [](const Pipeline& p) { return p.source.timezone; })
      .def_prop_ro("grain",
                   [](const Pipeline& p) { return p.grain == Grain::kHour ? "hour" : "day"; })
      .def_prop_ro("features",
                   [](const Pipeline& p) {
                     std::vector<std::string> names;
                     for (const FeatureSpec& feature : p.features) {
                       names.push_back(feature.name.text);
                     }
                     return names;
                   })
      .def("run", &Run, "date"_a, "computing"_a)
      .def("backfill", &RunBackfill, "start"_a, "end"_a, "only"_a, "parallel"_a, "pass_dates"_a,
           "fail_fast"_a, "computing"_a)
      .def("plan", &Plan, "start"_a, "end"_a, "only"_a, "computing"_a)
      .def("status", &Status, "start"_a, "end"_a, "computing"_a)
      .def("check", &Check, "date"_a, "computing"_a)
      .def("compute", &Compute, "date"_a, "entity"_a, "limit"_a, "computing"_a)
      .def("lint", &Lint)
      .def("sql", &Sql, "date"_a, "dialect"_a);

  module.def("run_all", &RunAll, "pipelines"_a, "date"_a, "computing"_a);
  module.def("backfill_all", &BackfillAll, "pipelines"_a, "start"_a, "end"_a, "only"_a,
             "parallel"_a, "pass_dates"_a, "fail_fast"_a, "computing"_a);
  module.def("training_set", &TrainingSet, "pipelines"_a, "labels"_a, "label_time"_a, "on"_a,
             "exact"_a, "max_age"_a, "prefix"_a, "out"_a, "overwrite"_a, "computing"_a);
}

}  // namespace tidemill::python
