#include "engine/group_rows.h"

#include <algorithm>

#include "engine/code_table.h"

namespace tidemill {
namespace {

/// One entity column as codes: `codes[row]` < `cardinality`; NULL has a code of its own.
struct ColumnCodes {
  const uint32_t* codes = nullptr;
  uint64_t cardinality = 0;
  const uint8_t* valid = nullptr;
  const CodedColumn* coded = nullptr;        ///< either this
  const PreparedColumn* prepared = nullptr;  ///< or this
  std::vector<uint32_t> storage;
};

arrow::Result<ColumnCodes> CodesOf(const ExpressionPtr& column, ArgumentReader* reader) {
  ColumnCodes result;
  const auto n = static_cast<size_t>(reader->num_rows());
  ARROW_ASSIGN_OR_RAISE(result.coded, reader->Coded(column, nullptr));
  if (result.coded != nullptr) {
    result.valid = result.coded->valid;
    result.cardinality = static_cast<uint64_t>(result.coded->num_values) + 1;
    if (result.valid == nullptr) {
      result.codes = reinterpret_cast<const uint32_t*>(result.coded->codes);
      return result;
    }
    const auto null_code = static_cast<uint32_t>(result.coded->num_values);
    result.storage.resize(n);
    for (size_t i = 0; i < n; ++i) {
      result.storage[i] =
          result.valid[i] ? static_cast<uint32_t>(result.coded->codes[i]) : null_code;
    }
    result.codes = result.storage.data();
    return result;
  }

  ARROW_ASSIGN_OR_RAISE(result.prepared, reader->Column(column, nullptr));
  result.valid = result.prepared->valid;
  result.storage.resize(n);
  CodeTable table(n / 8 + 16);
  Hash128 last;
  uint32_t last_code = n > 0 ? table.Insert(last) : 0;
  for (size_t i = 0; i < n; ++i) {
    if (result.valid != nullptr && !result.valid[i]) {
      result.storage[i] = UINT32_MAX;
      continue;
    }
    const Hash128 identity = IdentityOf(result.prepared->values, static_cast<int64_t>(i));
    if (!(identity == last)) {
      last = identity;
      last_code = table.Insert(identity);
    }
    result.storage[i] = last_code;
  }
  if (result.valid != nullptr) {
    for (uint32_t& code : result.storage) {
      if (code == UINT32_MAX) code = table.size();
    }
  }
  result.codes = result.storage.data();
  result.cardinality = uint64_t{table.size()} + 1;
  return result;
}

/// Replaces the groups in `groups` (below `cardinality`) by those of the pairs (group, code), dense
/// again.
uint64_t Combine(std::vector<uint32_t>* groups, uint64_t cardinality, const uint32_t* codes,
                 uint64_t code_cardinality) {
  const size_t n = groups->size();
  const uint64_t pairs = cardinality * code_cardinality;
  if (pairs <= 4 * n + 1024) {
    std::vector<uint32_t> dense(pairs, 0);
    uint32_t next = 0;
    for (size_t i = 0; i < n; ++i) {
      uint32_t& slot = dense[(*groups)[i] * code_cardinality + codes[i]];
      if (slot == 0) slot = ++next;
      (*groups)[i] = slot - 1;
    }
    return next;
  }
  CodeTable table(n / 4);
  for (size_t i = 0; i < n; ++i) {
    (*groups)[i] = table.Insert({(*groups)[i] * code_cardinality + codes[i], 0});
  }
  return table.size();
}

void EncodeKeys(const std::vector<ColumnCodes>& columns, const EntityKeyCodec& codec,
                RowGroups* result) {
  result->keys.resize(result->num_groups);
  std::vector<uint8_t> key;
  for (size_t g = 0; g < result->num_groups; ++g) {
    const int64_t row = result->first_row[g];
    if (row < 0) continue;
    if (codec.is_plain_text() && columns[0].coded != nullptr) {
      result->keys[g] = columns[0].coded->values[columns[0].coded->codes[row]];
      continue;
    }
    key.clear();
    for (size_t c = 0; c < columns.size(); ++c) {
      const ColumnCodes& column = columns[c];
      const bool valid = column.valid == nullptr || column.valid[row];
      if (column.coded != nullptr) {
        codec.EncodeText(c, valid ? column.coded->values[column.coded->codes[row]] : Bytes{}, valid,
                         &key);
      } else {
        codec.Encode(c, column.prepared->values, valid, row, &key);
      }
    }
    result->keys[g] = result->key_arena.Copy({key.data(), key.size()});
  }
}

}  // namespace

arrow::Result<RowGroups> GroupRows(const std::vector<ExpressionPtr>& entity,
                                   const EntityKeyCodec& codec, bool drop_nulls,
                                   const int32_t* strata, int32_t constant_stratum,
                                   ArgumentReader* reader) {
  RowGroups result;
  const auto n = static_cast<size_t>(reader->num_rows());
  std::vector<ColumnCodes> columns;
  for (const ExpressionPtr& column : entity) {
    ARROW_ASSIGN_OR_RAISE(ColumnCodes codes, CodesOf(column, reader));
    columns.push_back(std::move(codes));
  }

  uint64_t cardinality = columns[0].cardinality;
  if (columns.size() > 1 || strata != nullptr) {
    result.group_storage.assign(columns[0].codes, columns[0].codes + n);
    for (size_t c = 1; c < columns.size(); ++c) {
      cardinality =
          Combine(&result.group_storage, cardinality, columns[c].codes, columns[c].cardinality);
    }
    if (strata != nullptr) {
      const int32_t last = *std::max_element(strata, strata + n);
      cardinality =
          Combine(&result.group_storage, cardinality, reinterpret_cast<const uint32_t*>(strata),
                  static_cast<uint64_t>(last) + 1);
    }
    result.groups = result.group_storage.data();
  } else {
    result.group_storage = std::move(columns[0].storage);
    result.groups = result.group_storage.empty() ? columns[0].codes : result.group_storage.data();
  }
  result.num_groups = static_cast<uint32_t>(cardinality);

  for (const ColumnCodes& column : columns) {
    if (column.valid == nullptr) continue;
    if (result.selected_storage.empty()) {
      result.selected_storage.assign(column.valid, column.valid + n);
    } else {
      for (size_t i = 0; i < n; ++i) result.selected_storage[i] &= column.valid[i];
    }
  }
  result.rows_without_entity =
      std::count(result.selected_storage.begin(), result.selected_storage.end(), 0);
  if (drop_nulls && !result.selected_storage.empty()) {
    result.selected = result.selected_storage.data();
  }

  result.first_row.assign(result.num_groups, -1);
  for (size_t i = 0; i < n; ++i) {
    if (result.selected == nullptr || result.selected[i]) {
      result.first_row[result.groups[i]] = static_cast<int64_t>(i);
    }
  }
  EncodeKeys(columns, codec, &result);
  result.strata.assign(result.num_groups, constant_stratum);
  if (strata != nullptr) {
    for (size_t g = 0; g < result.num_groups; ++g) {
      if (result.first_row[g] >= 0) result.strata[g] = strata[result.first_row[g]];
    }
  }
  return result;
}

}  // namespace tidemill
