#include "distributed/planned_pass.h"

#include <algorithm>
#include <filesystem>
#include <list>
#include <mutex>
#include <utility>

#include <fmt/format.h>

#include "base/hash.h"
#include "pipeline/definition_hash.h"
#include "runner/prepare.h"
#include "tidemill/version.h"

namespace tidemill {
namespace {

arrow::Result<std::shared_ptr<const PlannedPass>> Make(const PassDescription& pass) {
  ARROW_ASSIGN_OR_RAISE(Pipeline pipeline,
                        ParsePipeline(pass.text, pass.file, pass.names, Environment::kIgnore));
  if (pass.source_version) {
    pipeline.source.version = pass.source_version;
    pipeline.source.timestamp_ms.reset();
  }
  for (size_t j = 0; j < std::min(pass.join_versions.size(), pipeline.source.joins.size()); ++j) {
    if (!pass.join_versions[j]) continue;
    pipeline.source.joins[j].version = pass.join_versions[j];
    pipeline.source.joins[j].timestamp_ms.reset();
  }
  ARROW_ASSIGN_OR_RAISE(auto calendar, CalendarOf(pipeline));
  std::vector<Slot> dates;
  for (const int32_t index : pass.dates) dates.push_back({index});
  RunOptions options;
  options.threads = 1;  // others may run beside this task
  auto planned = std::make_shared<PlannedPass>();
  auto plan = PreparePass(pipeline, std::move(calendar), std::move(dates), options, pass.scope);
  if (!plan.ok()) {
    // The plan was made once already, so it is the reading that failed.
    return arrow::Status(arrow::StatusCode::IOError, plan.status().message(),
                         plan.status().detail());
  }
  planned->plan = *std::move(plan);
  if (FingerprintOf(planned->plan) != pass.fingerprint) {
    std::string roots = planned->plan.source->root.uri;
    for (const auto& dimension : planned->plan.dimensions) roots += ", " + dimension->root.uri;
    return MakeError(ErrorCode::kRunFailed,
                     roots +
                         " changed while the pass ran, or is not the "
                         "same on this worker",
                     "run again when nothing writes to the days of the window; every worker must "
                     "see the same files");
  }
  ARROW_ASSIGN_OR_RAISE(planned->work, ParseLocation(pass.work));
  return planned;
}

/// The passes that tasks of this process belonged to, latest first.
class PlannedPasses {
 public:
  arrow::Result<std::shared_ptr<const PlannedPass>> Find(const PassDescription& pass) {
    const std::shared_ptr<Entry> entry = EntryOf(TextOf(pass));
    // Who comes second waits for the first, which may fail: then it tries itself.
    const std::lock_guard lock(entry->mutex);
    if (entry->planned == nullptr) {
      ARROW_ASSIGN_OR_RAISE(entry->planned, Make(pass));
    }
    return entry->planned;
  }

 private:
  static constexpr size_t kKept = 4;

  struct Entry {
    std::string key;
    std::mutex mutex;
    std::shared_ptr<const PlannedPass> planned;
  };

  std::shared_ptr<Entry> EntryOf(const std::string& key) {
    const std::lock_guard lock(mutex_);
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
      if ((*entry)->key != key) continue;
      entries_.splice(entries_.begin(), entries_, entry);
      return entries_.front();
    }
    entries_.push_front(std::make_shared<Entry>());
    entries_.front()->key = key;
    if (entries_.size() > kKept) entries_.pop_back();
    return entries_.front();
  }

  std::mutex mutex_;
  std::list<std::shared_ptr<Entry>> entries_;
};

std::string TextOf(const std::vector<DataFile>& files) {
  std::string text;
  for (const DataFile& file : files) {
    text +=
        fmt::format("{}\n{} {} {}\n", file.relative_path, file.size, file.mtime_ns, file.revision);
  }
  return text;
}

}  // namespace

std::string FingerprintOf(const Plan& plan) {
  const Source& source = *plan.source;
  std::string text = DefinitionHash(*plan.pipeline) + "\n" + source.schema->ToString() + "\n";
  if (source.version) text += fmt::format("version {}\n", *source.version);
  text += TextOf(source.files);
  for (const auto& dimension : plan.dimensions) {
    text += "dimension " + dimension->path + "\n" + dimension->schema->ToString() + "\n";
    text += TextOf(dimension->files);
  }
  if (plan.universe != nullptr) {
    if (plan.universe->version) text += fmt::format("entities {}\n", *plan.universe->version);
    for (const DataFile& file : plan.universe->files) {
      text += fmt::format("{}\n{} {} {}\n", file.relative_path, file.size, file.mtime_ns,
                          file.revision);
    }
  }
  for (const MorselRef& morsel : plan.morsels) {
    text += fmt::format("{} {} {}\n", morsel.file, morsel.row_group, morsel.num_rows);
  }
  text += fmt::format("{} {}\n", plan.strata.size(), plan.dates.size());
  return HashHex(text);
}

arrow::Result<PassDescription> DescribePass(const Plan& plan, const PassRequest& request,
                                            int64_t memory) {
  const Pipeline& pipeline = plan.pipeline->spec;
  PassDescription pass;
  pass.version = kVersion;
  std::error_code error;
  pass.file = std::filesystem::absolute(pipeline.file, error).lexically_normal().string();
  if (error) {
    return MakeError(ErrorCode::kRunFailed,
                     fmt::format("cannot tell where {} is: {}", pipeline.file, error.message()));
  }
  pass.text = pipeline.text;
  pass.names = pipeline.names;
  for (const Slot date : plan.dates) pass.dates.push_back(date.index);
  pass.scope = plan.scope;
  pass.source_version = plan.source->version;
  for (const auto& dimension : plan.dimensions) pass.join_versions.push_back(dimension->version);
  pass.keep_quarantined = request.options.quarantine != nullptr;
  pass.fingerprint = FingerprintOf(plan);
  pass.work = request.work.uri;
  pass.run_timestamp = request.run_timestamp;
  pass.memory = memory;
  return pass;
}

arrow::Result<std::shared_ptr<const PlannedPass>> PlanAgain(const PassDescription& pass) {
  static auto* const passes = new PlannedPasses();  // threads may outlive main()
  return passes->Find(pass);
}

}  // namespace tidemill
