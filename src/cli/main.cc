#include <sys/prctl.h>

#include "cli/command_line.h"
#include "cli/interrupt.h"

namespace {

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
