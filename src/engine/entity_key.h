#pragma once

/// Entities as byte strings whose order is the order of the output.
///
/// An entity of one or more columns is encoded into one run of bytes such that memcmp of two
/// encodings orders them as the columns would, column by column, NULL last. Grouping, sorting,
/// merging and bucket boundaries then know nothing about types. The encoding of a value is, by
/// kind:
///
///   integers, dates, times   8 bytes, big-endian, sign bit flipped (not for unsigned)
///   float, double            8 bytes of the IEEE bits, all flipped if negative, else the sign bit
///   decimal                  16 bytes, big-endian, sign bit flipped
///   text                     its bytes; before another column 00 is escaped as 00 FF and 00 00
///   ends it
///
/// preceded by 01 (or 02 for NULL, and nothing else) where NULL entities are kept.

#include <cstdint>
#include <memory>
#include <vector>

#include <arrow/array.h>
#include <arrow/type.h>

#include "aggregate/aggregate.h"

namespace tidemill {

class EntityKeyCodec {
 public:
  /// `types` of the entity columns; `nullable` if NULL entities are kept.
  static arrow::Result<EntityKeyCodec> Make(std::vector<std::shared_ptr<arrow::DataType>> types,
                                            bool nullable);

  /// Whether a key is exactly the bytes of one text column.
  bool is_plain_text() const {
    return kinds_.size() == 1 && kinds_[0] == ArgumentKind::kBytes && !nullable_;
  }
  size_t num_columns() const { return kinds_.size(); }

  /// Appends column `i` of the entity at `row` to `key`.
  void Encode(size_t i, const ArgumentColumn& column, bool valid, int64_t row,
              std::vector<uint8_t>* key) const;
  /// The same for a text value.
  void EncodeText(size_t i, Bytes value, bool valid, std::vector<uint8_t>* key) const;

  /// The columns of these entities, one array per column. Keys come from Encode.
  arrow::Result<std::vector<std::shared_ptr<arrow::Array>>> Decode(const Bytes* const* keys,
                                                                   int64_t n) const;

 private:
  std::vector<std::shared_ptr<arrow::DataType>> types_;
  std::vector<ArgumentKind> kinds_;
  bool nullable_ = false;
};

}  // namespace tidemill
