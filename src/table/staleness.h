#pragma once

/// Which days of the source changed since a feature date was computed.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/hive_listing.h"
#include "table/ledger.h"

namespace tidemill {

/// The files of a listing by day, as the ledger keeps them. A file without a day may hold rows of
/// any.
std::vector<InputDay> FingerprintOf(
    const std::vector<std::pair<std::optional<CivilDay>, const DataFile*>>& files);

/// Files of a table beside the source, as the ledger keeps them.
std::vector<InputFile> FingerprintOf(const std::vector<DataFile>& files);

struct DayChange {
  std::optional<CivilDay> day;
  int added = 0;
  int removed = 0;
  int rewritten = 0;    ///< another size or time
  std::string example;  ///< path of one of them

  /// "2026-03-01: 1 file added (event_date=2026-03-01/late.parquet)"
  std::string ToString() const;
};

/// Compares what a feature date was computed from with what it would be computed from now, day by
/// day. Both lists are sorted by day and each day's files by path, as FingerprintOf gives them.
std::vector<DayChange> ChangedDays(const std::vector<InputDay>& recorded,
                                   const std::vector<InputDay>& current);

/// How the tables beside the source differ: "entities ../data/users: 1 file rewritten
/// (part-0.parquet)". Tables that one side does not have are a matter of the pipeline's definition
/// and are passed over.
std::vector<std::string> ChangedInputs(const std::vector<OtherInput>& recorded,
                                       const std::vector<OtherInput>& current);

}  // namespace tidemill
