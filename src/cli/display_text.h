#pragma once

/// Text measured in the cells of a terminal, and numbers for people.

#include <cstdint>
#include <string>
#include <string_view>

namespace tidemill {

/// The cells that UTF-8 text takes: 2 for East Asian wide characters and emoji, 0 for combining
/// marks, 1 for all else.
int DisplayWidth(std::string_view text);

/// `text` in at most `width` cells; what is longer ends with "…".
std::string Cut(std::string_view text, int width);

/// Padded with blanks to `width` cells.
std::string PadRight(std::string_view text, int width);
std::string PadLeft(std::string_view text, int width);

/// Words on lines of at most `width` cells (a longer word has a line of its own), each line but the
/// first after `indent` blanks.
std::string Wrap(std::string_view text, int width, int indent);

/// Control characters as \n, \t, \x1b, ..., so that data cannot move the cursor.
std::string Printable(std::string_view text);

/// "1,234,567".
std::string FormatCount(int64_t count);

/// "1 row", "2,000 rows".
std::string FormatCount(int64_t count, std::string_view one, std::string_view many);

/// "3.4 M", "870 k", "12": for rates.
std::string FormatShort(double number);

/// "0.004 s", "1.24 s", "3 min 12 s".
std::string FormatSeconds(double seconds);

}  // namespace tidemill
