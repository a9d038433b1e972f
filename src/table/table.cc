#include "table/table.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "table/delta_snapshot.h"
#include "table/delta_writer.h"
#include "table/local_writer.h"
#include "table/object_writer.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

arrow::Status Resolve(Location* location) {
  std::error_code error;
  const std::filesystem::path resolved = std::filesystem::weakly_canonical(location->path, error);
  if (error) {
    return MakeError(ErrorCode::kRunFailed, fmt::format("{}: {}", location->uri, error.message()));
  }
  if (resolved == resolved.root_path()) {
    return MakeError(ErrorCode::kInvalid, fmt::format("{}: cannot be a table", location->uri),
                     "name a directory of its own");
  }
  location->path = resolved.string();
  location->uri = location->path;
  return arrow::Status::OK();
}

}  // namespace

arrow::Result<Table> Table::Open(const Location& where, PartitionLayout layout,
                                 TableOptions options) {
  Location location = where;
  if (location.is_local) ARROW_RETURN_NOT_OK(Resolve(&location));
  const bool wants_delta = options.format == TableOptions::Format::kDelta;
  ARROW_ASSIGN_OR_RAISE(const bool is_delta, IsDeltaTable(location));
  if (is_delta && !wants_delta) {
    return MakeError(ErrorCode::kInvalid, fmt::format("{}: is a Delta table", location.uri),
                     "set output.format to delta, or write to another path");
  }
  auto files =
      location.is_local ? MakeLocalTableFiles(location.path, {}) : MakeObjectTableFiles(location);
  if (wants_delta && !is_delta) {
    ARROW_ASSIGN_OR_RAISE(const auto entries, Ledger(files).ReadAll("", ""));
    for (const LedgerEntry& entry : entries) {
      if (!entry.published.has_value()) continue;
      return MakeError(ErrorCode::kInvalid,
                       fmt::format("{}: is a table of Parquet files", location.uri),
                       "set output.format to parquet, or write to another path");
    }
  }
  Ledger::Reconcile reconcile;
  if (wants_delta) {
    reconcile = DeltaReconcile(location, files, options.pipeline);
  } else if (location.is_local) {
    reconcile = [path = location.path](const std::string& date,
                                       const std::function<Ledger::MaybeEntry()>& recorded) {
      return EntryInPlace(path, date, recorded);
    };
  }
  Ledger ledger(std::move(files), std::move(reconcile));
  return Table(std::move(location), std::move(layout), std::move(options), std::move(ledger));
}

arrow::Result<std::unique_ptr<TableWriter>> Table::Begin(const std::string& run_id,
                                                         PublishProbe probe) const {
  if (options_.format == TableOptions::Format::kDelta) {
    return MakeDeltaWriter(*this, run_id, std::move(probe));
  }
  return location_.is_local ? MakeLocalWriter(*this, run_id, std::move(probe))
                            : MakeObjectWriter(*this, run_id, std::move(probe));
}

}  // namespace tidemill
