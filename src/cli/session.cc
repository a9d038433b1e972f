#include "cli/session.h"

#include <algorithm>

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "runner/pipeline_group.h"

namespace tidemill {
namespace {

void SetLogLevel(int verbose) {
  static const auto logger = [] {
    auto made = spdlog::stderr_logger_mt("tidemill");
    made->set_pattern("%H:%M:%S.%e %l: %v");
    spdlog::set_default_logger(made);
    return made;
  }();
  logger->set_level(verbose >= 2   ? spdlog::level::debug
                    : verbose == 1 ? spdlog::level::info
                                   : spdlog::level::warn);
}

/// Paints the first "error:" or "warning:" of each diagnostic.
std::string PaintKind(std::string text, const std::string& kind, Paint paint, bool has_colour) {
  if (!has_colour) return text;
  const std::string word = kind + ":";
  for (size_t line = 0; line < text.size();) {
    size_t end = text.find('\n', line);
    if (end == std::string::npos) end = text.size();
    const size_t found = text.find(word, line);
    if (found < end && text[line] != ' ') {
      const std::string painted = Painted(word, paint, true);
      text.replace(found, word.size(), painted);
      end += painted.size() - word.size();
    }
    line = end + 1;
  }
  return text;
}

bool Mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

Session::Session(const CommandContext& context, const OutputFlags& flags)
    : context_(context),
      console_(*context.console),
      cancelled_(context.cancelled),
      flags_(flags),
      progress_(console_.err_stream(), console_.err_width(),
                console_.err_is_terminal() && !flags.quiet && flags.verbose < 2) {
  SetLogLevel(flags.verbose);
}

arrow::Result<Pipeline> Session::Load(const PipelineFlags& flags) {
  ARROW_RETURN_NOT_OK(CheckEngine(flags));
  ARROW_RETURN_NOT_OK(MemoryBytes(flags).status());
  ARROW_ASSIGN_OR_RAISE(const NameValues names, SetValues(flags));
  return LoadPipeline(flags.file, names);
}

arrow::Result<std::vector<Pipeline>> Session::LoadAll(const PipelineFlags& flags) {
  ARROW_RETURN_NOT_OK(CheckEngine(flags));
  ARROW_RETURN_NOT_OK(MemoryBytes(flags).status());
  ARROW_ASSIGN_OR_RAISE(const NameValues names, SetValues(flags));
  std::vector<Pipeline> pipelines;
  std::vector<FileFault> faults;
  for (const std::string& file : flags.files) {
    auto pipeline = LoadPipeline(file, names);
    if (pipeline.ok()) {
      pipelines.push_back(*std::move(pipeline));
    } else {
      faults.push_back({file, pipeline.status()});
    }
  }
  if (faults.empty()) return pipelines;
  if (flags.files.size() == 1) return faults.front().status;
  for (const Pipeline& pipeline : pipelines) {
    const arrow::Status status = LintPipeline(pipeline).status();
    if (!status.ok() && CodeOf(status) == ErrorCode::kInvalid) {
      faults.push_back({pipeline.file, status});
    }
  }
  return AllFaults(faults);
}

RunOptions Session::Options(const PipelineFlags& flags, const std::string& date) {
  RunOptions options;
  options.date = date;
  options.threads = flags.threads;
  options.memory_bytes = MemoryBytes(flags).ValueOr(0);
  options.scratch = flags.scratch;
  options.on_progress = ProgressHandler();
  options.on_warning = [this](const std::string& message) { Warn(message); };
  options.cancelled = cancelled_;
  return options;
}

arrow::Result<RunOptions> Session::ComputeOptions(const PipelineFlags& flags,
                                                  const std::string& date) {
  RunOptions options = Options(flags, date);
  if (flags.engine == kNativeEngine) return options;
  ARROW_ASSIGN_OR_RAISE(options.engine, context_.make_engine({flags.engine, flags.scheduler}));
  return options;
}

std::function<void(const Progress&)> Session::ProgressHandler() {
  return [this](const Progress& progress) { progress_.Update(progress); };
}

void Session::Warn(const std::string& message) {
  const std::lock_guard lock(mutex_);
  if (!warned_.insert(message).second) return;
  progress_.Clear();
  console_.Err(PaintKind(RenderDiagnostics({{message, "", {}, ""}}, "warning"), "warning",
                         Paint::kYellow, console_.err_has_colour()));
}

void Session::Warn(const std::vector<std::string>& messages) {
  for (const std::string& message : messages) Warn(message);
}

void Session::WarnOfChecks(const std::vector<CheckResult>& checks) {
  for (const CheckResult& check : checks) {
    if (check.passed || check.severity != Severity::kWarn) continue;
    const bool said = std::any_of(warned_.begin(), warned_.end(), [&](const std::string& warning) {
      return Mentions(warning, check.check);
    });
    if (!said) Warn(ExplainCheck(check));
  }
}

int Session::Fail(const arrow::Status& status, Json document) {
  const int code = Explain(status);
  if (flags_.json) {
    document["error"] = ErrorJson(status);
    console_.Out(Dump(document));
  }
  return code;
}

int Session::Explain(const arrow::Status& status, const std::vector<CheckResult>& checks) {
  progress_.Clear();
  std::vector<Diagnostic> diagnostics = DiagnosticsOf(status);
  for (const CheckResult& check : checks) {
    if (check.passed || check.severity == Severity::kWarn) continue;
    const bool said = std::any_of(
        diagnostics.begin(), diagnostics.end(),
        [&](const Diagnostic& diagnostic) { return Mentions(diagnostic.message, check.check); });
    if (!said) diagnostics.push_back({ExplainCheck(check), "", {}, ""});
  }
  console_.Err(
      PaintKind(RenderDiagnostics(diagnostics), "error", Paint::kRed, console_.err_has_colour()));
  return static_cast<int>(status.ok() ? ErrorCode::kRunFailed : CodeOf(status));
}

void Session::Print(const std::string& text, const Json& document) {
  if (flags_.json || !flags_.quiet) PrintResult(text, document);
}

void Session::PrintResult(const std::string& text, const Json& document) {
  progress_.Clear();
  console_.Out(flags_.json ? Dump(document) : text);
}

}  // namespace tidemill
