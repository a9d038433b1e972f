#include "runner/pipeline_group.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "runner/pass_size.h"

namespace tidemill {
namespace {

bool IsSameFile(const Pipeline& a, const Pipeline& b) {
  if (a.file.empty() || b.file.empty()) return false;
  std::error_code error;
  return a.file == b.file || std::filesystem::equivalent(a.file, b.file, error);
}

bool IsWithin(const std::string& path, const std::string& folder) {
  return path == folder || path.starts_with(folder + "/");
}

/// Of all tables that a pipeline reads.
std::vector<std::string> PathsRead(const Pipeline& pipeline) {
  std::vector<std::string> paths = {pipeline.source.path.text};
  for (const JoinSpec& join : pipeline.source.joins) paths.push_back(join.path.text);
  if (pipeline.output.entities) paths.push_back(pipeline.output.entities->path.text);
  return paths;
}

/// What keeps `second` from running beside `first`, which comes before it.
std::optional<FileFault> FaultBetween(const PreparedPipeline& first,
                                      const PreparedPipeline& second) {
  const auto fault = [](const Pipeline& pipeline, std::string message, std::string hint) {
    return FileFault{pipeline.file,
                     MakeError(ErrorCode::kInvalid, std::move(message), std::move(hint))};
  };
  const Pipeline& pipeline = *second.pipeline;
  if (IsSameFile(*first.pipeline, pipeline)) {
    return fault(pipeline, "the file is given twice", "give each pipeline once");
  }
  if (first.table == nullptr || second.table == nullptr) return std::nullopt;
  if (first.table->path() == second.table->path()) {
    return fault(
        pipeline,
        fmt::format("publishes to {}, and so does {}", second.table->path(), first.pipeline->file),
        "give each pipeline an output.path of its own");
  }
  for (const auto& [reader, writer] : {std::pair(&second, &first), std::pair(&first, &second)}) {
    const std::string& output = writer->table->path();
    if (IsWithin(reader->table->path(), output)) {
      return fault(*reader->pipeline,
                   fmt::format("publishes to {}, inside of what {} publishes",
                               reader->table->path(), writer->pipeline->file),
                   "keep the tables apart");
    }
    for (const std::string& path : PathsRead(*reader->pipeline)) {
      const auto input = ParseLocation(reader->pipeline->Resolve(path));
      if (!input.ok() || !(IsWithin(input->uri, output) || IsWithin(output, input->uri))) continue;
      return fault(*reader->pipeline,
                   fmt::format("reads what {} publishes ({})", writer->pipeline->file, output),
                   "run one after the other, in two commands");
    }
  }
  return std::nullopt;
}

}  // namespace

arrow::Status AllFaults(const std::vector<FileFault>& faults) {
  if (faults.empty()) return arrow::Status::OK();
  ErrorCode code = CodeOf(faults.front().status);
  std::vector<Diagnostic> diagnostics;
  for (const FileFault& fault : faults) {
    if (CodeOf(fault.status) == ErrorCode::kInvalid) code = ErrorCode::kInvalid;
    for (Diagnostic& diagnostic : DiagnosticsOf(fault.status)) {
      if (diagnostic.position.file.empty()) diagnostic.position.file = fault.file;
      diagnostics.push_back(std::move(diagnostic));
    }
  }
  return MakeError(code, std::move(diagnostics));
}

arrow::Status FaultsOf(const std::vector<PreparedPipeline>& pipelines) {
  if (pipelines.size() == 1) return pipelines.front().status;
  std::vector<FileFault> faults;
  for (size_t i = 0; i < pipelines.size(); ++i) {
    if (!pipelines[i].status.ok()) {
      faults.push_back({pipelines[i].pipeline->file, pipelines[i].status});
    }
    for (size_t before = 0; before < i; ++before) {
      auto fault = FaultBetween(pipelines[before], pipelines[i]);
      if (fault) faults.push_back(*std::move(fault));
    }
  }
  return AllFaults(faults);
}

arrow::Result<std::vector<std::vector<size_t>>> GroupBySource(
    const std::vector<PreparedPipeline>& pipelines, const RunOptions& options) {
  std::vector<std::vector<size_t>> sources;
  for (size_t i = 0; i < pipelines.size(); ++i) {
    const Plan* plan = pipelines[i].plan;
    auto found = sources.end();
    if (plan != nullptr && options.engine == nullptr) {
      found = std::ranges::find_if(sources, [&](const std::vector<size_t>& source) {
        const Plan* other = pipelines[source.front()].plan;
        return other != nullptr && other->source->listed == plan->source->listed;
      });
    }
    if (found == sources.end()) found = sources.emplace(sources.end());
    found->push_back(i);
  }
  std::vector<std::vector<size_t>> groups;
  for (const std::vector<size_t>& source : sources) {
    std::vector<const Plan*> plans;
    for (size_t i : source) plans.push_back(pipelines[i].plan);
    for (size_t begin = 0; begin < source.size();) {
      size_t count = 1;
      if (plans[begin] != nullptr) {
        ARROW_ASSIGN_OR_RAISE(count, PassesPerScan(plans, begin, options));
      }
      const auto first = source.begin() + static_cast<std::ptrdiff_t>(begin);
      groups.emplace_back(first, first + static_cast<std::ptrdiff_t>(count));
      begin += count;
    }
  }
  return groups;
}

RunOptions OptionsAmong(size_t pipelines, const Pipeline& pipeline, const RunOptions& options) {
  RunOptions own = options;
  if (pipelines > 1 && options.on_warning) {
    own.on_warning = [report = options.on_warning, name = pipeline.name](const std::string& text) {
      report(name + ": " + text);
    };
  }
  return own;
}

}  // namespace tidemill
