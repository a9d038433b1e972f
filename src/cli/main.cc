#include <sys/prctl.h>
#include <unistd.h>

#include "cli/command_line.h"
#include "cli/interrupt.h"

namespace {

#if defined(__x86_64__) && defined(__AVX2__)
/// Runs before any other code of the program, all of which is compiled for newer processors: an
/// older one gets a sentence in place of an illegal instruction.
[[gnu::constructor(101), gnu::target("arch=x86-64")]] void RefuseOlderProcessors() {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v3")) return;
  constexpr char kMessage[] =
      "tidemill: this program needs a processor with AVX2, BMI2 and FMA (x86-64-v3); build it with "
      "-DTIDEMILL_ARCH=native on this machine\n";
  const ssize_t written = write(STDERR_FILENO, kMessage, sizeof kMessage - 1);
  _exit(written > 0 ? 1 : 2);
}
#endif

/// Arrow's allocator asks for huge pages. A run touches most of its memory once, and on a virtual
/// machine a huge page is often one that the host has taken back and has to find again: that cost a
/// third of a run, where small pages come from what other processes have just freed.
void UseSmallPages() { prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0); }

}  // namespace

int main(int argc, char** argv) {
  UseSmallPages();
  const tidemill::Console console(stdout, stderr);
  tidemill::CommandContext context;
  context.console = &console;
  context.cancelled = tidemill::CatchInterrupts();
  return tidemill::RunCommandLine(argc, argv, context);
}
