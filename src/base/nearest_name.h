#pragma once

/// "did you mean ...?"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidemill {

/// The candidate that `name` was probably meant to be: the least edits away (insertions, deletions,
/// substitutions and swaps of neighbours; case does not count), the first of equals. Nothing if
/// even that needs more edits than about a third of the letters.
std::optional<std::string> NearestName(std::string_view name,
                                       const std::vector<std::string>& candidates);

}  // namespace tidemill
