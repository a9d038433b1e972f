#pragma once

/// Sizes in bytes as people write them.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tidemill {

/// "128MB", "4GiB", "1.5GB", "512k", "4096" -> bytes. k, M, G, T with or without B are powers of
/// 1000; KiB, MiB, GiB, TiB are powers of 1024; case does not count; a space may stand before the
/// unit. A fraction of a byte is dropped. Nothing for other text, negative sizes, and sizes beyond
/// int64.
std::optional<int64_t> ParseByteSize(std::string_view text);

/// "128 MB", "1.5 GB", "512 B": powers of 1000, at most two decimals.
std::string FormatByteSize(int64_t bytes);

}  // namespace tidemill
