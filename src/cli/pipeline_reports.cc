#include "cli/pipeline_reports.h"

#include <utility>

#include <fmt/format.h>

#include "cli/display_text.h"

namespace tidemill {

std::string SummaryOf(const std::vector<const InvocationReport*>& reports, bool has_colour) {
  std::string text = FormatCount(static_cast<int64_t>(reports.size()), "pipeline", "pipelines");
  std::string separator = ": ";
  for (const auto& [status, paint] :
       {std::pair("done", Paint::kGreen), std::pair("empty", Paint::kYellow),
        std::pair("failed", Paint::kRed)}) {
    const auto count = std::ranges::count_if(
        reports, [status](const InvocationReport* report) { return report->status == status; });
    if (count == 0) continue;
    text += separator + Painted(fmt::format("{} {}", count, status), paint, has_colour);
    separator = ", ";
  }
  return text + "\n";
}

Json ToJson(const std::vector<std::string>& files, std::vector<Json> reports) {
  Json json;
  json["status"] = "done";
  json["pipelines"] = Json::array();
  for (size_t i = 0; i < reports.size(); ++i) {
    if (reports[i].value("status", "") == "failed") json["status"] = "failed";
    Json one;
    one["file"] = files[i];
    one.update(reports[i]);
    json["pipelines"].push_back(std::move(one));
  }
  return json;
}

const InvocationReport* DecidingFailure(const std::vector<const InvocationReport*>& reports) {
  const InvocationReport* first = nullptr;
  for (const InvocationReport* report : reports) {
    if (report->outcome.ok()) continue;
    if (CodeOf(report->outcome) == ErrorCode::kInterrupted) return report;
    if (first == nullptr) first = report;
  }
  return first;
}

int PrintForEach(const PipelineFlags& flags, Session* session,
                 const std::function<arrow::Result<PipelineText>(const Pipeline& pipeline)>& one) {
  const arrow::Result<std::vector<Pipeline>> pipelines = session->LoadAll(flags);
  if (!pipelines.ok()) return session->Fail(pipelines.status());
  std::string text;
  std::vector<Json> documents;
  int code = 0;
  for (const Pipeline& pipeline : *pipelines) {
    const auto told = one(pipeline);
    if (pipelines->size() == 1) {
      if (!told.ok()) return session->Fail(told.status());
      session->PrintResult(told->text, told->document);
      return 0;
    }
    if (told.ok()) {
      text += (text.empty() ? "" : "\n") + told->text;
      documents.push_back(told->document);
      continue;
    }
    const int failed = session->Explain(WithContext(told.status(), pipeline.file));
    if (code == 0) code = failed;
    documents.push_back(
        {{"pipeline", pipeline.name}, {"status", "failed"}, {"error", ErrorJson(told.status())}});
  }
  session->PrintResult(text, ToJson(flags.files, std::move(documents)));
  return code;
}

}  // namespace tidemill
