#include "table/cluster_order.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "base/nearest_name.h"
#include "storage/parallel_for.h"
#include "table/radix_sort.h"
#include "table/space_filling_curve.h"
#include "table/value_ranks.h"
#include "tidemill/error.h"

namespace tidemill {
namespace {

using Ranks = std::vector<uint32_t>;

constexpr size_t kBlockRows = 65'536;

/// The place on the curve of each row.
arrow::Result<std::vector<uint64_t>> CurveCodes(ClusterSpec::Kind kind,
                                                const std::vector<Ranks>& ranks, int bits,
                                                int threads, const std::atomic<bool>* cancelled) {
  const size_t num_rows = ranks.front().size();
  std::vector<uint64_t> codes(num_rows);
  const size_t num_blocks = (num_rows + kBlockRows - 1) / kBlockRows;
  ARROW_RETURN_NOT_OK(ParallelFor(
      static_cast<int64_t>(num_blocks), threads, cancelled,
      [&](int64_t block, int) -> arrow::Status {
        const size_t begin = static_cast<size_t>(block) * kBlockRows;
        const size_t n = std::min(kBlockRows, num_rows - begin);
        std::vector<uint32_t> coordinates(ranks.size() * n);
        std::vector<uint32_t*> starts;
        for (size_t d = 0; d < ranks.size(); ++d) {
          uint32_t* quantiles = starts.emplace_back(coordinates.data() + d * n);
          for (size_t i = 0; i < n; ++i) {
            quantiles[i] =
                static_cast<uint32_t>((uint64_t{ranks[d][begin + i]} << bits) / num_rows);
          }
        }
        const std::span<uint64_t> block_codes(codes.data() + begin, n);
        if (kind == ClusterSpec::Kind::kHilbert) {
          HilbertCodes(starts, bits, block_codes);
        } else {
          ZorderCodes(std::vector<const uint32_t*>(starts.begin(), starts.end()), bits,
                      block_codes);
        }
        return arrow::Status::OK();
      }));
  return codes;
}

/// Sorts `order` by ranks, the first column first; stable.
void SortByRanks(const std::vector<Ranks>& ranks, std::vector<uint32_t>* order) {
  std::vector<uint64_t> keys(order->size());
  for (size_t end = ranks.size(); end > 0;) {
    // Two columns make one key.
    const Ranks& low = ranks[--end];
    const Ranks* high = end > 0 ? &ranks[--end] : nullptr;
    for (size_t i = 0; i < keys.size(); ++i) {
      const uint32_t row = (*order)[i];
      keys[i] = low[row] | (high == nullptr ? 0 : uint64_t{(*high)[row]} << 32);
    }
    RadixSort(&keys, order);
  }
}

}  // namespace

arrow::Status CheckClustering(const ClusterSpec& spec, const PartitionLayout& layout,
                              const arrow::Schema& schema) {
  const std::shared_ptr<arrow::Schema> in_files = layout.FileSchema(schema);
  for (const LocatedText& column : spec.columns) {
    if (in_files->GetFieldIndex(column.text) >= 0) continue;
    if (schema.GetFieldIndex(column.text) >= 0) {
      return MakeError(
          ErrorCode::kInvalid,
          fmt::format("cluster_by names '{}', which is a partition column", column.text),
          "all rows of a partition have the same; leave it out", column.position);
    }
    const auto nearest = NearestName(column.text, in_files->field_names());
    return MakeError(
        ErrorCode::kInvalid,
        fmt::format("cluster_by names '{}', which is not a column of the table", column.text),
        nearest ? fmt::format("did you mean '{}'?", *nearest) : "", column.position);
  }
  return arrow::Status::OK();
}

arrow::Result<std::vector<uint32_t>> ClusterOrder(ClusterSpec::Kind kind,
                                                  const std::vector<arrow::ArrayVector>& columns,
                                                  int threads, const std::atomic<bool>* cancelled) {
  int64_t num_rows = 0;
  for (const auto& chunk : columns.front()) num_rows += chunk->length();
  if (num_rows > std::numeric_limits<uint32_t>::max()) {
    return MakeError(ErrorCode::kRunFailed,
                     fmt::format("a partition of {} rows is too large for cluster_by", num_rows),
                     "partition by bucket(n, column) as well");
  }
  std::vector<Ranks> ranks(columns.size());
  ARROW_RETURN_NOT_OK(ParallelFor(static_cast<int64_t>(columns.size()), threads, cancelled,
                                  [&](int64_t i, int) -> arrow::Status {
                                    const auto column = static_cast<size_t>(i);
                                    return RankValues(columns[column]).Value(&ranks[column]);
                                  }));
  std::vector<uint32_t> order(static_cast<size_t>(num_rows));
  std::iota(order.begin(), order.end(), 0U);
  if (kind == ClusterSpec::Kind::kSort) {
    SortByRanks(ranks, &order);
    return order;
  }
  const int bits = CurveBits(static_cast<int>(ranks.size()));
  // With fewer rows than quantiles, equal codes are equal values.
  if (num_rows > int64_t{1} << bits) SortByRanks(ranks, &order);
  ARROW_ASSIGN_OR_RAISE(const std::vector<uint64_t> codes,
                        CurveCodes(kind, ranks, bits, threads, cancelled));
  std::vector<uint64_t> keys;
  keys.reserve(codes.size());
  for (const uint32_t row : order) keys.push_back(codes[row]);
  RadixSort(&keys, &order);
  return order;
}

}  // namespace tidemill
