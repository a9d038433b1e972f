/// The program. What must happen before Arrow's libraries are initialised stands here; the rest is
/// in command_line.
///
/// Functions in `.preinit_array` run before the constructors of all shared libraries.

#include <cstring>
#include <iterator>
#include <string_view>

#include <unistd.h>

#include "cli/command_line.h"
#include "cli/interrupt.h"

namespace {

#if defined(__x86_64__) && defined(__AVX2__)
/// All other code is compiled for newer processors: an older one gets a sentence in place of an
/// illegal instruction.
[[gnu::target("arch=x86-64")]] void RefuseOlderProcessors(int, char**, char**) {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v3")) return;
  constexpr char kMessage[] =
      "tidemill: this program needs a processor with AVX2, BMI2 and FMA (x86-64-v3); build it with "
      "-DTIDEMILL_ARCH=native on this machine\n";
  const ssize_t written = write(STDERR_FILENO, kMessage, sizeof kMessage - 1);
  _exit(written > 0 ? 1 : 2);
}
#else
void RefuseOlderProcessors(int, char**, char**) {}
#endif

/// Starts the program anew with settings for the allocator inside libarrow, which reads them from
/// the environment when it is loaded. A run fills its memory once and again at the same size: giving
/// freed memory back to the system only to fault it in again took 5 % of a backfill. And it touches
/// most of it at once: on a virtual machine a huge page is often one that the host has taken back
/// and has to find again, which took up to a third of a run, where small pages are those that other
/// processes have just freed. Whoever sets MIMALLOC_PURGE_DELAY keeps their own settings.
void TuneAllocator(int, char** arguments, char** environment) {
  constexpr const char* kSettings[] = {"MIMALLOC_PURGE_DELAY=-1", "MIMALLOC_ALLOW_THP=0"};
  constexpr int kMost = 4096;
  static const char* tuned[kMost + std::size(kSettings) + 1];
  constexpr std::string_view kPurge = "MIMALLOC_PURGE_DELAY=";
  int count = 0;
  for (; environment[count] != nullptr; ++count) {
    if (count == kMost || std::strncmp(environment[count], kPurge.data(), kPurge.size()) == 0) {
      return;
    }
    tuned[count] = environment[count];
  }
  for (const char* setting : kSettings) tuned[count++] = setting;
  // By its own name, which process lists show. Under another loader the link names the loader.
  static char program[4096];
  const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
  constexpr std::string_view kName = "/tidemill";
  if (length <= 0 || !std::string_view(program, static_cast<size_t>(length)).ends_with(kName)) {
    return;
  }
  // If this fails, the program goes on as it is, only slower.
  execve(program, arguments, const_cast<char**>(tuned));
}

using EarlyFunction = void (*)(int, char**, char**);
[[gnu::section(".preinit_array"), gnu::used]] const EarlyFunction early_functions[] = {
    RefuseOlderProcessors, TuneAllocator};

}  // namespace

int main(int argc, char** argv) {
  const tidemill::Console console(stdout, stderr);
  tidemill::CommandContext context;
  context.console = &console;
  context.cancelled = tidemill::CatchInterrupts();
  return tidemill::RunCommandLine(argc, argv, context);
}
