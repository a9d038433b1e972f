#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/completion_scripts.h"
#include "cli/man_page.h"

namespace tidemill {
namespace {

using testing::HasSubstr;
using testing::Not;

CommandDescription Sample() {
  CommandDescription run;
  run.name = "run";
  run.path = "tidemill run";
  run.text = "Compute one date";
  run.footer = "All or nothing.\n\nExamples:\n  tidemill run x.yaml --date 2026-03-02";
  run.positionals = {"FILE"};
  run.options = {{{"-h", "--help"}, "", "Show help", "Options", false},
                 {{"--date"}, "D", "It's [the] date: a day", "Options", true},
                 {{"--json"}, "", "Print JSON", "Common options", false}};
  CommandDescription events;
  events.name = "events";
  events.path = "tidemill generate events";
  events.text = "Write events";
  events.positionals = {"[DIR]"};
  CommandDescription generate;
  generate.name = "generate";
  generate.path = "tidemill generate";
  generate.text = "Write data";
  generate.commands = {events};
  CommandDescription program;
  program.name = program.path = "tidemill";
  program.text = "computes features";
  program.commands = {run, generate};
  return program;
}

TEST(Synopsis, NamesWhatIsNeeded) {
  EXPECT_EQ(SynopsisOf(Sample().commands[0]), "tidemill run FILE --date D [OPTIONS]");
  EXPECT_EQ(SynopsisOf(Sample()), "tidemill COMMAND");
  EXPECT_EQ(LeavesOf(Sample()).size(), 2u);
}

TEST(ManPage, IsRoff) {
  const std::string page = ManPage(Sample(), "1.2.3");
  EXPECT_THAT(page, HasSubstr(".TH TIDEMILL 1 \"\" \"tidemill 1.2.3\""));
  EXPECT_THAT(page, HasSubstr(".SS tidemill run FILE \\-\\-date D [OPTIONS]\nCompute one date.\n"));
  EXPECT_THAT(page, HasSubstr(".TP\n\\fB\\-\\-date\\fR \\fID\\fR\nIt's [the] date: a day "
                              "(required)\n"));
  EXPECT_THAT(page, HasSubstr(".SH COMMON OPTIONS\n.TP\n\\fB\\-\\-json\\fR\n"));
  EXPECT_THAT(page, HasSubstr(".nf\n  tidemill run x.yaml \\-\\-date 2026\\-03\\-02\n.fi\n"));
  EXPECT_THAT(page, Not(HasSubstr("\n\n")));
}

TEST(Completions, KnowCommandsAndOptions) {
  const std::string bash = BashCompletion(Sample());
  EXPECT_THAT(bash, HasSubstr("'') words='run generate' ;;"));
  EXPECT_THAT(bash, HasSubstr("'run') words='-h --help --date --json' ;;"));
  EXPECT_THAT(bash, HasSubstr("'generate:events') path='generate events' ;;"));
  const std::string zsh = ZshCompletion(Sample());
  EXPECT_THAT(zsh, HasSubstr("'run:Compute one date'"));
  EXPECT_THAT(zsh, HasSubstr("'*--date[It'\\''s \\[the\\] date\\: a day]:D:_files'"));
  const std::string fish = FishCompletion(Sample());
  EXPECT_THAT(fish, HasSubstr("complete -c tidemill -n '__fish_seen_subcommand_from run' -s h -l "
                              "help -d 'Show help'"));
  EXPECT_THAT(fish, HasSubstr("-n '__fish_seen_subcommand_from generate' -f -a events"));
}

}  // namespace
}  // namespace tidemill
