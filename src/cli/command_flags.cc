#include "cli/command_flags.h"

#include <algorithm>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/byte_size.h"
#include "base/nearest_name.h"

namespace tidemill {
namespace {

constexpr const char* kCommonGroup = "Common options";
constexpr int kMaxThreads = 1024;

bool IsName(const std::string& text) {
  const auto is_part = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !text.empty() && (text.front() < '0' || text.front() > '9') &&
         std::all_of(text.begin(), text.end(), is_part);
}

void AddNames(CLI::App* app, PipelineFlags* flags) {
  app->add_option("--set", flags->set, "Value of ${NAME} in the file; may be repeated")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false)
      ->group(kCommonGroup);
}

void AddFile(CLI::App* app, PipelineFlags* flags) {
  app->add_option("FILE", flags->file, "The pipeline file")->required()->type_name("");
  AddNames(app, flags);
}

void AddFiles(CLI::App* app, PipelineFlags* flags) {
  app->add_option("FILE", flags->files, "The pipeline file, or several")->required()->type_name("");
  AddNames(app, flags);
}

void AddResources(CLI::App* app, PipelineFlags* flags) {
  AddThreadsFlag(app, &flags->threads);
  app->add_option("--memory", flags->memory, "Memory to stay within, as in 4GB (60 % of RAM)")
      ->type_name("SIZE")
      ->group(kCommonGroup);
  app->add_option("--scratch", flags->scratch,
                  "Folder for what does not fit into memory ($TMPDIR, else /tmp)")
      ->type_name("DIR")
      ->group(kCommonGroup);
  AddOutputFlags(app, &flags->output);
}

void AddComputingFlags(CLI::App* app, PipelineFlags* flags) {
  app->add_option("--engine", flags->engine, "Who computes: native (this machine), spark, dask")
      ->type_name("NAME")
      ->group(kCommonGroup);
  app->add_option(
         "--scheduler", flags->scheduler,
         "Where the engine is: tcp://HOST:8786 of Dask; sc://HOST:15002 or a master of Spark")
      ->type_name("ADDRESS")
      ->group(kCommonGroup);
  AddResources(app, flags);
}

}  // namespace

void AddOutputFlags(CLI::App* app, OutputFlags* flags) {
  app->add_flag("--json", flags->json, "Print one JSON document on standard output")
      ->group(kCommonGroup);
  app->add_flag("-v,--verbose", flags->verbose, "Say more; twice for even more")
      ->group(kCommonGroup);
  app->add_flag("-q,--quiet", flags->quiet, "Say nothing but warnings and errors")
      ->group(kCommonGroup);
}

void AddFileFlags(CLI::App* app, PipelineFlags* flags) {
  AddFile(app, flags);
  AddOutputFlags(app, &flags->output);
}

void AddFilesFlags(CLI::App* app, PipelineFlags* flags) {
  AddFiles(app, flags);
  AddOutputFlags(app, &flags->output);
}

void AddPipelineFlags(CLI::App* app, PipelineFlags* flags) {
  AddFile(app, flags);
  AddComputingFlags(app, flags);
}

void AddPipelinesFlags(CLI::App* app, PipelineFlags* flags) {
  AddFiles(app, flags);
  AddComputingFlags(app, flags);
}

void AddComputeFlags(CLI::App* app, PipelineFlags* flags) {
  AddFiles(app, flags);
  AddResources(app, flags);
}

void AddThreadsFlag(CLI::App* app, int* threads) {
  app->add_option("--threads", *threads, "Threads to compute with (all cores)")
      ->type_name("N")
      ->check(CLI::Range(1, kMaxThreads).description(""))
      ->group(kCommonGroup);
}

void AddDateFlag(CLI::App* app, std::string* date) {
  app->add_option("--date", *date,
                  "The feature date, as in 2026-03-02; at grain hour 2026-03-02T14")
      ->required()
      ->type_name("D");
}

arrow::Result<NameValues> SetValues(const PipelineFlags& flags) {
  NameValues values;
  for (const std::string& pair : flags.set) {
    const size_t equals = pair.find('=');
    const std::string name = pair.substr(0, equals);
    if (equals == std::string::npos || !IsName(name)) {
      return MakeError(ErrorCode::kInvalid, fmt::format("--set {}: that is not NAME=value", pair),
                       "a name is made of letters, digits and _, as in --set EVENTS=data/events");
    }
    values[name] = pair.substr(equals + 1);
  }
  return values;
}

arrow::Result<int64_t> MemoryBytes(const PipelineFlags& flags) {
  if (flags.memory.empty()) return 0;
  const std::optional<int64_t> bytes = ParseByteSize(flags.memory);
  if (!bytes || *bytes <= 0) {
    return MakeError(ErrorCode::kInvalid,
                     fmt::format("--memory {}: that is not a size", flags.memory),
                     "write a number with a unit, as in 4GB or 512MB");
  }
  return *bytes;
}

arrow::Status CheckEngine(const PipelineFlags& flags) {
  if (flags.engine == "spark" || flags.engine == "dask") return arrow::Status::OK();
  if (flags.engine != kNativeEngine) {
    const auto nearest = NearestName(flags.engine, {kNativeEngine, "spark", "dask"});
    return MakeError(
        ErrorCode::kInvalid, fmt::format("--engine {}: no such engine", flags.engine),
        nearest ? fmt::format("did you mean '{}'?", *nearest) : "there is native, spark and dask");
  }
  if (flags.scheduler.empty()) return arrow::Status::OK();
  return MakeError(ErrorCode::kInvalid, "--scheduler: the native engine has none",
                   "say --engine dask or --engine spark");
}

}  // namespace tidemill
