#include "cli/command_line.h"
#include "cli/interrupt.h"

int main(int argc, char** argv) {
  const tidemill::Console console(stdout, stderr);
  tidemill::CommandContext context;
  context.console = &console;
  context.cancelled = tidemill::CatchInterrupts();
  return tidemill::RunCommandLine(argc, argv, context);
}
