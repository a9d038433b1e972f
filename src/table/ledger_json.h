#pragma once

/// The ledger's files: text of JSON to and from the structs. Format version 1.

#include <string>

#include <arrow/result.h>

#include "table/ledger.h"

namespace tidemill {

/// A publication about to happen: all that is needed to finish or to drop it after a crash.
struct PublishIntent {
  std::string run_id;
  std::string staged;  ///< directory of the new partition before the exchange; empty: none
  uint64_t staged_inode = 0;
  std::string process;  ///< that publishes, where no lock tells whether it lives
  std::string app_id;   ///< of the Delta transaction that publishes
  LedgerEntry entry;    ///< that holds once the new partition is in place
};

std::string EntryToJson(const LedgerEntry& entry);
std::string IntentToJson(const PublishIntent& intent);
std::string RunToJson(const RunRecord& run);

/// `file` names the text in errors (kRunFailed): not JSON, a missing or mistyped field, a newer
/// format.
arrow::Result<LedgerEntry> EntryFromJson(const std::string& text, const std::string& file);
arrow::Result<PublishIntent> IntentFromJson(const std::string& text, const std::string& file);
arrow::Result<RunRecord> RunFromJson(const std::string& text, const std::string& file);

}  // namespace tidemill
