#pragma once

/// One execution of a command: it loads the pipeline, shows progress and warnings while something
/// runs, prints the result, and turns failures into messages and exit codes.

#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "cli/command_flags.h"
#include "cli/console.h"
#include "cli/progress_bar.h"
#include "cli/report_json.h"
#include "cli/report_text.h"
#include "tidemill/run.h"

namespace tidemill {

/// Who shall compute, as --engine and --scheduler say.
struct EngineChoice {
  std::string name;       ///< "spark" | "dask"
  std::string scheduler;  ///< its address; empty: what the engine takes by itself
};

/// What the whole program hands to each command.
struct CommandContext {
  const Console* console = nullptr;
  const std::atomic<bool>* cancelled = nullptr;
  /// Makes an engine other than the native one.
  std::function<arrow::Result<std::shared_ptr<PassEngine>>(const EngineChoice&)> make_engine;
};

class Session {
 public:
  Session(const CommandContext& context, const OutputFlags& flags);

  /// The pipeline of `flags.file`; checks the other flags first.
  arrow::Result<Pipeline> Load(const PipelineFlags& flags);

  /// The pipelines of `flags.files`; an error names every fault of every file, those that only the
  /// source shows included where there is any.
  arrow::Result<std::vector<Pipeline>> LoadAll(const PipelineFlags& flags);

  /// Options that show progress and warnings of this session. `flags` passed Load or LoadAll.
  RunOptions Options(const PipelineFlags& flags, const std::string& date);

  /// The same for commands that compute: with the engine of `flags`.
  arrow::Result<RunOptions> ComputeOptions(const PipelineFlags& flags, const std::string& date);

  /// Draws progress while it is not finished. May be empty.
  std::function<void(const Progress&)> ProgressHandler();

  /// "warning: ..." on the error stream; the same text is shown once.
  void Warn(const std::string& message);
  void Warn(const std::vector<std::string>& messages);
  /// Warnings for what did not pass with severity warn, unless something was said about it.
  void WarnOfChecks(const std::vector<CheckResult>& checks);

  /// Shows a failure on the error stream and returns its exit code. With --json, `document` gets
  /// an "error" and is printed.
  int Fail(const arrow::Status& status, Json document = Json::object());

  /// The same without a document, for failures whose report was printed.
  int Explain(const arrow::Status& status, const std::vector<CheckResult>& checks = {});

  /// `text` for people, or `document` for programs. Nothing with --quiet, except for JSON.
  void Print(const std::string& text, const Json& document);

  /// `text` even with --quiet: for commands whose only purpose is to print it.
  void PrintResult(const std::string& text, const Json& document);

  ReportStyle style() const { return {console_.out_has_colour(), flags_.verbose > 0}; }
  const Console& console() const { return console_; }
  const OutputFlags& flags() const { return flags_; }
  const std::atomic<bool>* cancelled() const { return cancelled_; }

 private:
  const CommandContext& context_;
  const Console& console_;
  const std::atomic<bool>* cancelled_;
  OutputFlags flags_;
  ProgressBar progress_;
  std::mutex mutex_;
  std::set<std::string> warned_;
};

}  // namespace tidemill
