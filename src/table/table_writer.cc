#include "table/table_writer.h"

#include <fmt/format.h>

#include "table/run_id.h"
#include "tidemill/error.h"

namespace tidemill {

arrow::Result<Publication> CompleteState(const std::string& run_id, const std::string& date,
                                         const StagedPartition& staged,
                                         const std::optional<LedgerEntry>& previous,
                                         PublishedState* state) {
  if (previous.has_value() && previous->published.has_value() &&
      previous->published->partition != staged.partition()) {
    return MakeError(
        ErrorCode::kRunFailed,
        fmt::format("{} was published as {}, and partition_by now says {}", date,
                    previous->published->partition, staged.partition()),
        "both would be read as data of that date; write to another path, or remove the "
        "old directories and _tidemill/dates");
  }
  state->run_id = run_id;
  state->status = staged.num_rows() > 0 ? "done" : "empty";
  state->partition = staged.partition();
  state->rows_written = staged.num_rows();
  state->files = staged.files();
  state->published_at = NowMicros();
  return Publication{date, state->status, state->files, {}};
}

LedgerEntry EntryOf(const std::string& date, PublishedState state) {
  LedgerEntry entry;
  entry.feature_date = date;
  entry.last_attempt = Attempt{state.run_id, state.status, "", state.published_at};
  entry.published = std::move(state);
  return entry;
}

LedgerEntry WithFailure(std::optional<LedgerEntry> entry, const std::string& date,
                        const std::string& run_id, const std::string& reason) {
  if (!entry.has_value()) entry.emplace().feature_date = date;
  entry->last_attempt = Attempt{run_id, "failed", reason, NowMicros()};
  return *std::move(entry);
}

}  // namespace tidemill
