#include "tidemill/error.h"

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <utility>

#include <fmt/format.h>

namespace tidemill {
namespace {

arrow::StatusCode StatusCodeOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid:
      return arrow::StatusCode::Invalid;
    case ErrorCode::kConflict:
      return arrow::StatusCode::AlreadyExists;
    case ErrorCode::kInterrupted:
      return arrow::StatusCode::Cancelled;
    case ErrorCode::kRunFailed:
    case ErrorCode::kInputCheckFailed:
    case ErrorCode::kOutputCheckFailed:
      break;
  }
  return arrow::StatusCode::ExecutionError;
}

/// "file:line:column: ", as much of it as is known.
std::string PositionPrefix(const SourcePosition& position) {
  if (position.file.empty() && position.line == 0) return "";
  std::string prefix = position.file.empty() ? "line " : position.file + ":";
  if (position.line > 0) {
    prefix += fmt::format("{}:", position.line);
    if (position.column > 0) prefix += fmt::format("{}:", position.column);
  }
  return prefix + " ";
}

/// Whether a terminal gives the character two cells: East Asian wide and full-width forms, and
/// emoji.
bool IsWide(uint32_t code_point) {
  constexpr std::pair<uint32_t, uint32_t> kWide[] = {
      {0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0xa4cf},   {0xac00, 0xd7a3},
      {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},
      {0x1f300, 0x1f64f}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
  };
  return std::any_of(std::begin(kWide), std::end(kWide), [&](const auto& range) {
    return range.first <= code_point && code_point <= range.second;
  });
}

/// Blanks as wide as `text` is on a terminal. Tabs stay tabs, so that they end at the same stop; a
/// character of several UTF-8 bytes is one cell, or two if it is wide.
std::string BlanksFor(std::string_view text) {
  std::string blanks;
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<uint8_t>(text[i++]);
    uint32_t code_point = lead >= 0xf0 ? lead & 0x07u : lead >= 0xe0 ? lead & 0x0fu : lead & 0x1fu;
    while (i < text.size() && (static_cast<uint8_t>(text[i]) & 0xc0u) == 0x80u) {
      code_point = code_point << 6 | (static_cast<uint8_t>(text[i++]) & 0x3fu);
    }
    if (lead < 0x80) {
      blanks += lead == '\t' ? '\t' : ' ';
    } else {
      blanks += IsWide(code_point) ? "  " : " ";
    }
  }
  return blanks;
}

const ErrorDetail* DetailOf(const arrow::Status& status) {
  const auto& detail = status.detail();
  if (detail == nullptr || std::string_view(detail->type_id()) != ErrorDetail::kTypeId) {
    return nullptr;
  }
  return static_cast<const ErrorDetail*>(detail.get());
}

}  // namespace

std::string ErrorDetail::ToString() const {
  std::string text;
  for (const Diagnostic& diagnostic : diagnostics_) {
    if (!text.empty()) text += "; ";
    text += PositionPrefix(diagnostic.position) + diagnostic.message;
    if (!diagnostic.hint.empty()) text += " (" + diagnostic.hint + ")";
  }
  return text;
}

arrow::Status MakeError(ErrorCode code, std::string message, std::string hint,
                        SourcePosition position) {
  return MakeError(code, std::vector<Diagnostic>{
                             {std::move(message), std::move(hint), std::move(position), ""}});
}

arrow::Status MakeError(ErrorCode code, std::vector<Diagnostic> diagnostics) {
  assert(!diagnostics.empty());
  std::stable_sort(diagnostics.begin(), diagnostics.end(),
                   [](const Diagnostic& a, const Diagnostic& b) {
                     return std::tie(a.position.file, a.position.line, a.position.column) <
                            std::tie(b.position.file, b.position.line, b.position.column);
                   });
  std::string message = diagnostics.front().message;
  if (diagnostics.size() > 1) message += fmt::format(" (and {} more)", diagnostics.size() - 1);
  return {StatusCodeOf(code), std::move(message),
          std::make_shared<ErrorDetail>(code, std::move(diagnostics))};
}

arrow::Status WithContext(const arrow::Status& status, const std::string& context) {
  if (status.ok()) return status;
  const ErrorDetail* detail = DetailOf(status);
  if (detail == nullptr) return status.WithMessage(context, ": ", status.message());
  std::vector<Diagnostic> diagnostics = detail->diagnostics();
  diagnostics.front().message = context + ": " + diagnostics.front().message;
  const arrow::Status named = MakeError(detail->code(), std::move(diagnostics));
  return {status.code(), named.message(), named.detail()};
}

ErrorCode CodeOf(const arrow::Status& status) {
  if (const ErrorDetail* detail = DetailOf(status)) return detail->code();
  return status.IsCancelled() ? ErrorCode::kInterrupted : ErrorCode::kRunFailed;
}

std::vector<Diagnostic> DiagnosticsOf(const arrow::Status& status) {
  if (status.ok()) return {};
  if (const ErrorDetail* detail = DetailOf(status)) return detail->diagnostics();
  Diagnostic diagnostic;
  diagnostic.message = status.message();
  // Arrow keeps the operating system's reason ("[errno 2] No such file or directory") in the
  // detail.
  if (status.detail() != nullptr) {
    diagnostic.message += fmt::format(" ({})", status.detail()->ToString());
  }
  return {std::move(diagnostic)};
}

std::string RenderDiagnostics(const std::vector<Diagnostic>& diagnostics, const std::string& kind) {
  std::string text;
  for (const Diagnostic& diagnostic : diagnostics) {
    text +=
        fmt::format("{}{}: {}\n", PositionPrefix(diagnostic.position), kind, diagnostic.message);
    std::string_view line = diagnostic.source_line;
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
    if (!line.empty()) {
      text += fmt::format("  {}\n", line);
      if (diagnostic.position.column > 0) {
        const size_t before = static_cast<size_t>(diagnostic.position.column) - 1;
        text += fmt::format("  {}^\n", BlanksFor(line.substr(0, std::min(before, line.size()))));
      }
    }
    if (!diagnostic.hint.empty()) text += fmt::format("  hint: {}\n", diagnostic.hint);
  }
  return text;
}

}  // namespace tidemill
