#include "engine/row_rules.h"

#include <arrow/array/builder_primitive.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tidemill {
namespace {

using testing::ElementsAre;

RuleCounts Failed(int64_t rows, std::vector<FailedRow> examples, int64_t quarantined = 0) {
  RuleCounts counts;
  counts.rows_quarantined = quarantined;
  counts.rules.push_back({rows, std::move(examples)});
  return counts;
}

BoundRowRule Rule(std::optional<double> max_rate, bool quarantine = false) {
  BoundRowRule rule;
  rule.name = "rule";
  rule.max_rate = max_rate;
  rule.quarantine = quarantine;
  return rule;
}

TEST(RowRules, CountsAddUpInAnyOrderAndKeepTheFirstExamples) {
  const RuleCounts parts[] = {Failed(2, {{"b", 1, "x"}, {"b", 7, "x"}}, 1),
                              Failed(3, {{"a", 9, "y"}, {"c", 0, "z"}}),
                              Failed(5, {{"a", 2, "y"}}, 4)};
  RuleCounts forward;
  RuleCounts backward;
  for (int i = 0; i < 3; ++i) forward.Add(parts[i]);
  for (int i = 2; i >= 0; --i) backward.Add(parts[i]);
  EXPECT_EQ(forward.rows_quarantined, 5);
  EXPECT_EQ(forward.rules[0].rows, 10);
  EXPECT_THAT(forward.rules[0].examples,
              ElementsAre(FailedRow{"a", 2, "y"}, FailedRow{"a", 9, "y"}, FailedRow{"b", 1, "x"}));
  EXPECT_EQ(forward.rules[0].examples, backward.rules[0].examples);
}

TEST(RowRules, SumsTheSlotsOfAWindow) {
  RuleCountsOfSlots counts;
  for (const int32_t slot : {-3, 0, 4}) counts.slots[slot] = Failed(1, {});
  RuleCountsOfSlots more;
  more.slots[4] = Failed(6, {});
  counts.Add(more);
  EXPECT_EQ(counts.Sum({{-3}, {0}}).rules[0].rows, 2);
  EXPECT_EQ(counts.Sum({{1}, {4}}).rules[0].rows, 7);
  EXPECT_TRUE(counts.Sum({{5}, {9}}).rules.empty());
}

TEST(RowRules, ARateIsExceededByMoreAlone) {
  const RuleCounts counts = Failed(29, {});
  EXPECT_TRUE(EvaluateRowRules({Rule(0.29)}, counts, 100)[0].passed);
  EXPECT_FALSE(EvaluateRowRules({Rule(0.29)}, counts, 99)[0].passed);
  EXPECT_FALSE(EvaluateRowRules({Rule(std::nullopt)}, counts, 100)[0].passed);
  EXPECT_TRUE(EvaluateRowRules({Rule(std::nullopt, /*quarantine=*/true)}, counts, 29)[0].passed);
  EXPECT_TRUE(EvaluateRowRules({Rule(0)}, {}, 0)[0].passed);
}

TEST(RowRules, AFailureNamesRowsAndRates) {
  const RuleCounts counts = Failed(4, {{"a.parquet", 3, "x = -1"}, {"a.parquet", 5, ""}});
  const CheckResult result = EvaluateRowRules({Rule(0.001)}, counts, 1000)[0];
  EXPECT_EQ(result.stage, "rows");
  EXPECT_EQ(result.value, "4 of 1000 rows");
  EXPECT_EQ(result.reason,
            "fails in 4 of 1000 rows (0.4 %), more than max_rate 0.001 (0.1 %): a.parquet row 3 "
            "(x = -1), a.parquet row 5, ...");
}

TEST(RowRules, FalseAndNullFail) {
  arrow::BooleanBuilder builder;
  ASSERT_TRUE(builder.AppendValues(std::vector<bool>{true, false, true, true}).ok());
  ASSERT_TRUE(builder.AppendNull().ok());
  Frame frame;
  frame.columns.emplace_back(builder.Finish().ValueOrDie());
  frame.num_rows = 5;
  BoundRowRule stays = Rule(std::nullopt);
  stays.condition = ColumnExpression(0, "c", arrow::boolean());
  BoundRowRule leaves = stays;
  leaves.quarantine = true;
  const RuleVerdicts kept = JudgeRows({stays}, frame).ValueOrDie();
  EXPECT_TRUE(kept.any_failed());
  EXPECT_TRUE(kept.kept.empty());
  EXPECT_EQ(kept.num_kept, 5);
  const RuleVerdicts left = JudgeRows({stays, leaves}, frame).ValueOrDie();
  EXPECT_THAT(left.kept, ElementsAre(1, 0, 1, 1, 0));
  EXPECT_EQ(left.num_kept, 3);

  BoundPipeline pipeline;
  pipeline.rows = arrow::schema({arrow::field("c", arrow::boolean())});
  pipeline.row_rules = {stays, leaves};
  RuleCountsOfSlots counts;
  ASSERT_TRUE(
      CountFailures(pipeline, frame, left, {"f", {10, 11, 12, 13, 14}, {1, 1, 1, 2, 2}}, &counts)
          .ok());
  EXPECT_EQ(counts.slots[1].rows_quarantined, 1);
  EXPECT_THAT(counts.slots[2].rules[0].examples, ElementsAre(FailedRow{"f", 14, "c = NULL"}));
}

}  // namespace
}  // namespace tidemill
