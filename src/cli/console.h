#pragma once

/// Where a command writes: its two streams and what they can show.

#include <cstdio>
#include <string>
#include <string_view>

namespace tidemill {

/// Colours of text on a terminal; without colour the text stays as it is.
enum class Paint { kBold, kDim, kRed, kYellow, kGreen };

class Console {
 public:
  /// Writes to `out` and `err`, which must outlive it. Colours are used where a stream is a
  /// terminal, NO_COLOR is unset or empty, and TERM is not "dumb".
  Console(std::FILE* out, std::FILE* err);

  void Out(std::string_view text) const;
  void Err(std::string_view text) const;

  bool out_is_terminal() const { return out_is_terminal_; }
  bool err_is_terminal() const { return err_is_terminal_; }
  bool out_has_colour() const { return out_has_colour_; }
  bool err_has_colour() const { return err_has_colour_; }
  /// Columns of the terminal behind the output; 80 where there is none.
  int out_width() const;
  int err_width() const;
  std::FILE* err_stream() const { return err_; }

  /// Whether everything that was written has arrived (a full disk, a closed pipe).
  bool Flush() const;

 private:
  std::FILE* out_;
  std::FILE* err_;
  bool out_is_terminal_, err_is_terminal_;
  bool out_has_colour_, err_has_colour_;
};

/// `text` between the escape codes of `paint`, if there is colour.
std::string Painted(std::string_view text, Paint paint, bool has_colour);

}  // namespace tidemill
