#pragma once

/// The flags that commands share.

#include <string>
#include <vector>

#include <arrow/result.h>

#include "tidemill/pipeline.h"

namespace CLI {
class App;
}

namespace tidemill {

struct OutputFlags {
  bool json = false;
  int verbose = 0;  ///< number of -v
  bool quiet = false;
};

/// --json, -v, --quiet.
void AddOutputFlags(CLI::App* app, OutputFlags* flags);

inline constexpr const char* kNativeEngine = "native";

/// What every command on a pipeline file takes.
struct PipelineFlags {
  std::string file;
  std::vector<std::string> files;  ///< of commands on several pipelines, in place of `file`
  std::vector<std::string> set;    ///< "NAME=value"
  std::string engine = kNativeEngine;
  std::string scheduler;  ///< of the engine
  int threads = 0;        ///< 0: all cores
  std::string memory;     ///< "4GB"; empty: 60 % of RAM
  std::string scratch;    ///< folder for what does not fit into memory
  OutputFlags output;
};

/// FILE, --set and the output flags.
void AddFileFlags(CLI::App* app, PipelineFlags* flags);

/// The same for one file or several.
void AddFilesFlags(CLI::App* app, PipelineFlags* flags);

/// FILE, --set, the output flags, and --engine, --scheduler, --threads, --memory, --scratch.
void AddPipelineFlags(CLI::App* app, PipelineFlags* flags);

/// The same for one file or several.
void AddPipelinesFlags(CLI::App* app, PipelineFlags* flags);

/// FILE or several, --set, --threads, --memory, --scratch and the output flags: of what this
/// process computes whatever the engine.
void AddComputeFlags(CLI::App* app, PipelineFlags* flags);

/// --threads alone.
void AddThreadsFlag(CLI::App* app, int* threads);

/// --date D, required.
void AddDateFlag(CLI::App* app, std::string* date);

/// The values of --set; an error (kInvalid) for one that is not NAME=value.
arrow::Result<NameValues> SetValues(const PipelineFlags& flags);

/// The bytes of --memory, 0 where it is not given; an error (kInvalid) for what is no size.
arrow::Result<int64_t> MemoryBytes(const PipelineFlags& flags);

/// An error (kInvalid) unless --engine is one that there is, with a --scheduler where it takes one.
arrow::Status CheckEngine(const PipelineFlags& flags);

}  // namespace tidemill
