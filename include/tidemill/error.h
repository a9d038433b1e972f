#pragma once

/// Errors: what went wrong, where, and the way out.
///
/// Functions return `arrow::Status` or `arrow::Result`. A status of ours carries an `ErrorDetail`:
/// the exit code of the command line and one or more diagnostics, so that a pipeline file's errors
/// are reported together.

#include <memory>
#include <string>
#include <vector>

#include <arrow/result.h>
#include <arrow/status.h>

namespace tidemill {

/// What kind of failure; the values are the exit codes of the command line.
enum class ErrorCode {
  kRunFailed = 1,          ///< I/O or compute
  kInvalid = 2,            ///< the command or the pipeline file is wrong
  kInputCheckFailed = 3,   ///< an input check with severity error did not pass
  kOutputCheckFailed = 4,  ///< an output check with severity error did not pass
  kConflict = 5,           ///< somebody else is publishing the same dates
  kInterrupted = 130,      ///< stopped by the user
};

/// A place in a text file. `line` and `column` count from 1; 0 means unknown.
struct SourcePosition {
  std::string file;
  int line = 0;
  int column = 0;
};

/// One error or warning about one place.
struct Diagnostic {
  std::string message;
  std::string hint;         ///< the way out: "did you mean 'session_id'?"; may be empty
  SourcePosition position;  ///< may be empty (no file)
  std::string source_line;  ///< the text of the line, shown with a caret; may be empty
};

class ErrorDetail : public arrow::StatusDetail {
 public:
  ErrorDetail(ErrorCode code, std::vector<Diagnostic> diagnostics)
      : code_(code), diagnostics_(std::move(diagnostics)) {}

  static constexpr const char* kTypeId = "tidemill::ErrorDetail";
  const char* type_id() const override { return kTypeId; }
  std::string ToString() const override;

  ErrorCode code() const { return code_; }
  const std::vector<Diagnostic>& diagnostics() const { return diagnostics_; }

 private:
  ErrorCode code_;
  std::vector<Diagnostic> diagnostics_;
};

/// A status with one diagnostic.
arrow::Status MakeError(ErrorCode code, std::string message, std::string hint = "",
                        SourcePosition position = {});

/// A status with all of `diagnostics` (at least one), in the order of their positions.
arrow::Status MakeError(ErrorCode code, std::vector<Diagnostic> diagnostics);

/// The same failure with `context` put before the first message; keeps code and diagnostics.
arrow::Status WithContext(const arrow::Status& status, const std::string& context);

/// The code of any failed status: that of its detail, else kRunFailed (kInterrupted if cancelled).
ErrorCode CodeOf(const arrow::Status& status);

/// The diagnostics of any failed status; one made from the message where it has no detail of ours.
std::vector<Diagnostic> DiagnosticsOf(const arrow::Status& status);

/// "file:line:col: error: message", the line, a caret, and the hint, for each diagnostic.
std::string RenderDiagnostics(const std::vector<Diagnostic>& diagnostics,
                              const std::string& kind = "error");

}  // namespace tidemill
