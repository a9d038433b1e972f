#pragma once

/// How the reports of several pipelines are printed by one command.

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "cli/backfill_report.h"
#include "cli/session.h"

namespace tidemill {

/// "3 pipelines: 2 done, 1 failed".
std::string SummaryOf(const std::vector<const InvocationReport*>& reports, bool has_colour);

/// {"status", "pipelines": [report...]}, each report with its "file" first. The status is "failed"
/// if any is.
Json ToJson(const std::vector<std::string>& files, std::vector<Json> reports);

/// The report whose failure decides the exit code: one that was interrupted, else the first that
/// failed. Null if all are done.
const InvocationReport* DecidingFailure(const std::vector<const InvocationReport*>& reports);

inline std::string RenderReport(const RunReport& report, const ReportStyle& style) {
  return RenderRunReport(report, style);
}
inline std::string RenderReport(const BackfillReport& report, const ReportStyle& style) {
  return RenderBackfillReport(report, style);
}

/// Prints the reports of the pipelines `files` and tells what failed. Returns the exit code.
template <typename Report>
int PrintReports(const std::vector<std::string>& files, const std::vector<Report>& reports,
                 Session* session) {
  std::string text;
  std::vector<Json> documents;
  std::vector<const InvocationReport*> invocations;
  for (const Report& report : reports) {
    text += RenderReport(report, session->style()) + "\n";
    documents.push_back(ToJson(report));
    invocations.push_back(&report);
  }
  text += SummaryOf(invocations, session->style().has_colour);
  session->Print(text, ToJson(files, std::move(documents)));
  for (const Report& report : reports) {
    if (report.outcome.ok()) continue;
    const arrow::Status named = WithContext(report.outcome, report.pipeline);
    if constexpr (requires { report.checks; }) {
      session->Explain(named, report.checks);
    } else {
      session->Explain(named);
    }
  }
  const InvocationReport* failed = DecidingFailure(invocations);
  return failed == nullptr ? 0 : static_cast<int>(CodeOf(failed->outcome));
}

/// One document per pipeline, as `one` makes it, and its text: for commands that only tell. An
/// error of any is shown with its file; the exit code is that of the first.
struct PipelineText {
  std::string text;
  Json document;
};
int PrintForEach(const PipelineFlags& flags, Session* session,
                 const std::function<arrow::Result<PipelineText>(const Pipeline& pipeline)>& one);

}  // namespace tidemill
