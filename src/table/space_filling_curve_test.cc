#include "table/space_filling_curve.h"

#include <cstdlib>
#include <vector>

#include <gtest/gtest.h>

namespace tidemill {
namespace {

using Points = std::vector<std::vector<uint32_t>>;  // by coordinate, then point

/// Every point of a grid.
Points Grid(int d, int bits) {
  Points points(static_cast<size_t>(d));
  for (uint64_t i = 0; i < uint64_t{1} << (d * bits); ++i) {
    for (int c = 0; c < d; ++c) {
      points[static_cast<size_t>(c)].push_back(
          static_cast<uint32_t>(i >> (c * bits) & ((1U << bits) - 1)));
    }
  }
  return points;
}

std::vector<uint64_t> Zorder(const Points& points, int bits) {
  std::vector<const uint32_t*> coordinates;
  for (const auto& coordinate : points) coordinates.push_back(coordinate.data());
  std::vector<uint64_t> codes(points.front().size());
  ZorderCodes(coordinates, bits, codes);
  return codes;
}

std::vector<uint64_t> Hilbert(Points points, int bits) {
  std::vector<uint32_t*> coordinates;
  for (auto& coordinate : points) coordinates.push_back(coordinate.data());
  std::vector<uint64_t> codes(points.front().size());
  HilbertCodes(coordinates, bits, codes);
  return codes;
}

/// The point with each code; fails unless the codes are 0, 1, ... each once.
std::vector<size_t> PointsAlong(const std::vector<uint64_t>& codes) {
  std::vector<size_t> points(codes.size(), codes.size());
  for (size_t i = 0; i < codes.size(); ++i) {
    EXPECT_LT(codes[i], codes.size());
    if (codes[i] >= codes.size()) return {};
    EXPECT_EQ(points[codes[i]], codes.size()) << "two points have code " << codes[i];
    points[codes[i]] = i;
  }
  return points;
}

TEST(SpaceFillingCurveTest, ZorderInterleavesBits) {
  EXPECT_EQ(Zorder({{0b101}, {0b011}}, 3), std::vector<uint64_t>{0b100111});
  EXPECT_EQ(Zorder({{1}, {0}, {1}}, 1), std::vector<uint64_t>{0b101});
  EXPECT_EQ(Zorder({{(1U << 20) - 1}, {0}}, 20), std::vector<uint64_t>{0xaaaaaaaaaa});
}

TEST(SpaceFillingCurveTest, EachPointHasACodeOfItsOwn) {
  for (const auto& [d, bits] : {std::pair{1, 5}, {2, 1}, {2, 5}, {3, 3}, {4, 2}, {5, 2}, {8, 1}}) {
    EXPECT_FALSE(PointsAlong(Zorder(Grid(d, bits), bits)).empty());
    EXPECT_FALSE(PointsAlong(Hilbert(Grid(d, bits), bits)).empty());
  }
}

TEST(SpaceFillingCurveTest, HilbertGoesOneStepAtATime) {
  for (const auto& [d, bits] :
       {std::pair{1, 4}, {2, 1}, {2, 2}, {2, 6}, {3, 1}, {3, 4}, {4, 3}, {5, 2}, {6, 2}}) {
    const Points grid = Grid(d, bits);
    const std::vector<size_t> along = PointsAlong(Hilbert(grid, bits));
    for (size_t i = 1; i < along.size(); ++i) {
      int steps = 0;
      for (const auto& coordinate : grid) {
        steps += std::abs(static_cast<int>(coordinate[along[i]]) -
                          static_cast<int>(coordinate[along[i - 1]]));
      }
      ASSERT_EQ(steps, 1) << d << " coordinates of " << bits << " bits, code " << i;
    }
  }
}

TEST(SpaceFillingCurveTest, CodesDoNotDependOnTheOtherPoints) {
  Points points(3);
  for (uint32_t i = 0; i < 1500; ++i) {
    for (uint32_t c = 0; c < 3; ++c) points[c].push_back((i + 7 * c) * 2654435761U >> 12);
  }
  const std::vector<uint64_t> codes = Hilbert(points, 20);
  for (const size_t i : {0UL, 511UL, 512UL, 1499UL}) {
    EXPECT_EQ(Hilbert({{points[0][i]}, {points[1][i]}, {points[2][i]}}, 20).front(), codes[i]);
  }
}

TEST(SpaceFillingCurveTest, CodesFit) {
  for (int d = 1; d <= 64; ++d) {
    EXPECT_GE(CurveBits(d), 1);
    EXPECT_LE(CurveBits(d) * d, 64);
  }
  EXPECT_EQ(CurveBits(2), 20);
  EXPECT_EQ(CurveBits(8), 8);
}

}  // namespace
}  // namespace tidemill
