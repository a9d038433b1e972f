#pragma once

/// From the columns of labels to entities and instants, as one pipeline sees them.

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "base/calendar.h"
#include "engine/entity_key.h"
#include "engine/label_windows.h"
#include "runner/label_source.h"

namespace tidemill {

/// Why a label has no features.
enum class LabelGap : uint8_t {
  kNone,      ///< it has
  kNoTime,    ///< its time is NULL
  kNoEntity,  ///< its entity is NULL
  kNoDate,    ///< no date was published before it
  kTooOld,    ///< the last date before it is older than what is allowed
  kNoRow,     ///< its entity has no row at that date, no event in its window
};
inline constexpr int kLabelGaps = 6;

/// How the entity columns of a pipeline are called in the labels, and their types in both.
struct EntityColumns {
  std::vector<std::string> names;                       ///< in the labels
  std::vector<std::shared_ptr<arrow::DataType>> types;  ///< in the pipeline
};

/// Whether a value of one type can equal one of the other: types of one family.
bool AreComparable(const arrow::DataType& a, const arrow::DataType& b);

/// An error (kInvalid) unless the column is a date or a timestamp.
arrow::Status CheckLabelTime(const LabelSource& labels, const std::string& column);

struct LabelTimes {
  std::vector<int64_t> instants;  ///< per label, UTC microseconds, rounded down
  std::vector<uint8_t> is_known;  ///< per label: 0 where the time is NULL

  /// The earliest and the latest; nothing if no label has a time.
  std::optional<std::pair<int64_t, int64_t>> Span() const;
};

/// Dates are midnights at their start; they and timestamps without a zone are times of `zone`.
arrow::Result<LabelTimes> ReadLabelTimes(const LabelSource& labels, const std::string& label_time,
                                         const TimeZone& zone, int threads,
                                         const std::atomic<bool>* cancelled);

struct IndexedLabels {
  LabelKeys keys;
  std::vector<LabelGap> gaps;  ///< per label: kNoTime, kNoEntity, else kNoRow
};

/// Encodes the entities of all labels by `codec`. A value that the pipeline's type does not have
/// equals none of its entities.
arrow::Result<IndexedLabels> IndexLabels(const LabelSource& labels, const EntityColumns& entity,
                                         const EntityKeyCodec& codec, LabelTimes times, int threads,
                                         const std::atomic<bool>* cancelled);

/// The entities of some rows, grouped: the key of each distinct entity and the group of each row.
/// `columns` are of the codec's types or dictionaries of them.
class KeyedRows {
 public:
  static arrow::Result<KeyedRows> Make(const EntityKeyCodec& codec,
                                       const arrow::ArrayVector& columns, int64_t num_rows);

  int64_t num_rows() const { return frame_->num_rows; }
  /// Whether no entity column of a row is NULL.
  bool has_entity(int64_t row) const {
    return groups_.selected == nullptr || groups_.selected[row] != 0;
  }
  const RowGroups& groups() const { return groups_; }

 private:
  std::unique_ptr<Frame> frame_;
  std::unique_ptr<Evaluator> evaluator_;
  std::unique_ptr<ArgumentReader> reader_;
  RowGroups groups_;
};

}  // namespace tidemill
