#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tidemill/pipeline.h"

namespace tidemill {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Kind = ClusterSpec::Kind;

std::string File(const std::string& output) {
  return "pipeline: p\nsource: {path: data, day: event_date}\nentity: user_id\nwindow: 7d\n"
         "features: {n: count(*)}\noutput:\n  path: out\n" +
         output;
}

std::vector<std::string> Names(const ClusterSpec& spec) {
  std::vector<std::string> names;
  for (const LocatedText& column : spec.columns) names.push_back(column.text);
  return names;
}

Diagnostic OnlyFault(const arrow::Status& status) {
  EXPECT_EQ(CodeOf(status), ErrorCode::kInvalid) << status.ToString();
  const std::vector<Diagnostic> faults = DiagnosticsOf(status);
  EXPECT_EQ(faults.size(), 1U) << RenderDiagnostics(faults);
  return faults.front();
}

TEST(ClusterSpecTest, ReadsTheThreeOrders) {
  for (const auto& [text, kind] : {std::pair{"sort( user_id , n )", Kind::kSort},
                                   std::pair{"zorder(user_id,n)", Kind::kZorder},
                                   std::pair{" hilbert (user_id, n) ", Kind::kHilbert}}) {
    const auto spec = ParseClusterSpec(text);
    ASSERT_TRUE(spec.ok()) << spec.status().ToString();
    EXPECT_EQ(spec->kind, kind);
    EXPECT_THAT(Names(*spec), ElementsAre("user_id", "n"));
  }
}

TEST(ClusterSpecTest, StandsInTheOutputWithThePlaceOfEachColumn) {
  const auto pipeline = ParsePipeline(File("  cluster_by: hilbert(home country, n)\n"), "p.yaml");
  ASSERT_TRUE(pipeline.ok()) << pipeline.status().ToString();
  const ClusterSpec& spec = pipeline->output.cluster_by;
  EXPECT_EQ(spec.kind, Kind::kHilbert);
  EXPECT_THAT(Names(spec), ElementsAre("home country", "n"));
  EXPECT_EQ(spec.columns[1].position.line, 8);
  EXPECT_EQ(spec.columns[1].position.column, 37);
}

TEST(ClusterSpecTest, IsNoneByDefault) {
  const auto pipeline = ParsePipeline(File(""), "p.yaml");
  ASSERT_TRUE(pipeline.ok());
  EXPECT_EQ(pipeline->output.cluster_by.kind, Kind::kNone);
  EXPECT_TRUE(pipeline->output.cluster_by.columns.empty());
}

TEST(ClusterSpecTest, ABucketsColumnIsInTheFiles) {
  EXPECT_TRUE(ParsePipeline(File("  partition_by: [feature_date, bucket(4, user_id)]\n"
                                 "  cluster_by: sort(user_id)\n"),
                            "p.yaml")
                  .ok());
}

TEST(ClusterSpecTest, FaultsTellTheWayOut) {
  const auto fault = [](const std::string& text) {
    return OnlyFault(ParseClusterSpec(text).status());
  };
  EXPECT_THAT(fault("user_id").hint, HasSubstr("write sort(a, b)"));
  EXPECT_THAT(fault("sort").hint, HasSubstr("sort(a, b)"));
  EXPECT_THAT(fault("hilbrt(a)").hint, HasSubstr("did you mean 'hilbert'?"));
  EXPECT_THAT(fault("(a)").message, HasSubstr("no order ''"));
  EXPECT_THAT(fault("sort()").message, HasSubstr("lacks the name"));
  EXPECT_THAT(fault("sort(a,,b)").message, HasSubstr("lacks the name"));
  EXPECT_THAT(fault("sort(a, b, a)").message, HasSubstr("'a' twice"));
  EXPECT_THAT(fault("sort(a").hint, HasSubstr("quotes"));
  EXPECT_THAT(fault("sort(a) desc").message, HasSubstr("does not end with ')'"));
  EXPECT_THAT(fault("hilbert(a,b,c,d,e,f,g,h,i)").message, HasSubstr("9 columns"));
  EXPECT_TRUE(ParseClusterSpec("sort(a,b,c,d,e,f,g,h,i)").ok());
}

TEST(ClusterSpecTest, ReportsEveryFault) {
  const auto faults = DiagnosticsOf(ParseClusterSpec("zordr(a, a, )").status());
  ASSERT_EQ(faults.size(), 3U) << RenderDiagnostics(faults);
}

TEST(ClusterSpecTest, AListOrNothingIsNoOrder) {
  const auto fault = [](const std::string& value) {
    return OnlyFault(ParsePipeline(File("  cluster_by: " + value + "\n"), "p.yaml").status());
  };
  EXPECT_THAT(fault("[a, b]").message, HasSubstr("not a list"));
  EXPECT_THAT(fault("[a, b]").hint, HasSubstr("sort(a, b)"));
  EXPECT_THAT(fault("").message, HasSubstr("'output.cluster_by' is empty"));
}

}  // namespace
}  // namespace tidemill
