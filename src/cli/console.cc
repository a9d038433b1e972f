#include "cli/console.h"

#include <cstdlib>

#include <sys/ioctl.h>
#include <unistd.h>

namespace tidemill {
namespace {

constexpr int kDefaultWidth = 80;

bool IsSet(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

bool ColourAllowed() {
  const char* terminal = std::getenv("TERM");
  return !IsSet("NO_COLOR") && (terminal == nullptr || std::string_view(terminal) != "dumb");
}

int WidthOf(std::FILE* stream) {
  winsize size{};
  if (::ioctl(::fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return kDefaultWidth;
}

}  // namespace

Console::Console(std::FILE* out, std::FILE* err)
    : out_(out),
      err_(err),
      out_is_terminal_(::isatty(::fileno(out)) == 1),
      err_is_terminal_(::isatty(::fileno(err)) == 1),
      out_has_colour_(out_is_terminal_ && ColourAllowed()),
      err_has_colour_(err_is_terminal_ && ColourAllowed()) {}

void Console::Out(std::string_view text) const { std::fwrite(text.data(), 1, text.size(), out_); }

void Console::Err(std::string_view text) const {
  std::fflush(out_);
  std::fwrite(text.data(), 1, text.size(), err_);
  std::fflush(err_);
}

int Console::out_width() const { return out_is_terminal_ ? WidthOf(out_) : kDefaultWidth; }
int Console::err_width() const { return err_is_terminal_ ? WidthOf(err_) : kDefaultWidth; }

bool Console::Flush() const { return std::fflush(out_) == 0 && std::ferror(out_) == 0; }

std::string Painted(std::string_view text, Paint paint, bool has_colour) {
  if (!has_colour || text.empty()) return std::string(text);
  const char* code = "";
  switch (paint) {
    case Paint::kBold:
      code = "1";
      break;
    case Paint::kDim:
      code = "2";
      break;
    case Paint::kRed:
      code = "31;1";
      break;
    case Paint::kYellow:
      code = "33;1";
      break;
    case Paint::kGreen:
      code = "32";
      break;
  }
  return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

}  // namespace tidemill
