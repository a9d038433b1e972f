#include "tidemill/error.h"

#include <gtest/gtest.h>

namespace tidemill {
namespace {

TEST(ErrorTest, RendersPositionLineCaretAndHint) {
  const Diagnostic diagnostic{"there is no column 'sesion_id'",
                              "did you mean 'session_id'?",
                              {"a.yaml", 12, 24},
                              "  total: count(distinct sesion_id)"};
  EXPECT_EQ(RenderDiagnostics({diagnostic}),
            "a.yaml:12:24: error: there is no column 'sesion_id'\n"
            "    total: count(distinct sesion_id)\n"
            "                         ^\n"
            "  hint: did you mean 'session_id'?\n");
}

TEST(ErrorTest, RendersWhatIsKnownOfThePosition) {
  EXPECT_EQ(RenderDiagnostics({{"m", "", {}, ""}}, "warning"), "warning: m\n");
  EXPECT_EQ(RenderDiagnostics({{"m", "", {"f", 0, 0}, ""}}), "f: error: m\n");
  EXPECT_EQ(RenderDiagnostics({{"m", "", {"f", 3, 0}, "text"}}), "f:3: error: m\n  text\n");
  EXPECT_EQ(RenderDiagnostics({{"m", "", {"", 3, 2}, ""}}), "line 3:2: error: m\n");
}

TEST(ErrorTest, CaretFollowsTabsAndUtf8) {
  EXPECT_EQ(RenderDiagnostics({{"m", "", {"f", 1, 3}, "\t\tx"}}),
            "f:1:3: error: m\n  \t\tx\n  \t\t^\n");
  // e with acute accent: two bytes, one cell.
  EXPECT_EQ(RenderDiagnostics({{"m", "", {"f", 1, 4}, "\xc3\xa9=x"}}),
            "f:1:4: error: m\n  \xc3\xa9=x\n    ^\n");
  // A wide character: three bytes, two cells.
  EXPECT_EQ(RenderDiagnostics({{"m", "", {"f", 1, 4}, "\xe6\x97\xa5x"}}),
            "f:1:4: error: m\n  \xe6\x97\xa5x\n    ^\n");
}

TEST(ErrorTest, CaretStaysWithinTheLine) {
  EXPECT_EQ(RenderDiagnostics({{"m", "", {"f", 1, 99}, "abc\r\n"}}),
            "f:1:99: error: m\n  abc\n     ^\n");
}

TEST(ErrorTest, ManyDiagnosticsComeInOrderOfPosition) {
  const arrow::Status status = MakeError(ErrorCode::kInvalid, {{"third", "", {"f", 7, 1}, ""},
                                                               {"first", "", {"f", 2, 9}, ""},
                                                               {"second", "h", {"f", 7, 1}, ""}});
  EXPECT_TRUE(status.IsInvalid());
  const std::vector<Diagnostic> diagnostics = DiagnosticsOf(status);
  ASSERT_EQ(diagnostics.size(), 3u);
  EXPECT_EQ(diagnostics[0].message, "first");
  EXPECT_EQ(diagnostics[1].message, "third");
  EXPECT_EQ(status.message(), "first (and 2 more)");
  EXPECT_EQ(status.detail()->ToString(), "f:2:9: first; f:7:1: third; f:7:1: second (h)");
}

TEST(ErrorTest, ContextKeepsCodeAndPosition) {
  const arrow::Status status =
      WithContext(MakeError(ErrorCode::kConflict, "taken", "wait", {"f", 1, 2}), "feature 'x'");
  EXPECT_EQ(CodeOf(status), ErrorCode::kConflict);
  const Diagnostic diagnostic = DiagnosticsOf(status).at(0);
  EXPECT_EQ(diagnostic.message, "feature 'x': taken");
  EXPECT_EQ(diagnostic.hint, "wait");
  EXPECT_EQ(diagnostic.position.line, 1);
  EXPECT_TRUE(WithContext(arrow::Status::OK(), "c").ok());
}

TEST(ErrorTest, ForeignStatuses) {
  const arrow::Status status = WithContext(arrow::Status::IOError("no disk"), "reading");
  EXPECT_TRUE(status.IsIOError());
  EXPECT_EQ(CodeOf(status), ErrorCode::kRunFailed);
  EXPECT_EQ(DiagnosticsOf(status).at(0).message, "reading: no disk");
  EXPECT_EQ(CodeOf(arrow::Status::Cancelled("stop")), ErrorCode::kInterrupted);
  EXPECT_TRUE(DiagnosticsOf(arrow::Status::OK()).empty());
}

}  // namespace
}  // namespace tidemill
