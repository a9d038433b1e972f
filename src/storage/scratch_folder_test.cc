#include "storage/scratch_folder.h"

#include <fstream>
#include <thread>
#include <vector>

#include "storage/test_files.h"

namespace tidemill {
namespace {

class ScratchFolderTest : public FolderTest {};

/// Every folder that is made looks for dead ones, and finds those that others are just making.
TEST_F(ScratchFolderTest, FoldersThatAreMadeAtTheSameTimeStay) {
  constexpr int kThreads = 8;
  constexpr int kRounds = 200;
  std::vector<std::thread> threads;
  std::vector<int> failures(kThreads, 0);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int round = 0; round < kRounds; ++round) {
        ScratchFolder scratch(folder_);
        const auto path = scratch.NewPath();
        failures[static_cast<size_t>(t)] +=
            !path.ok() || !(std::ofstream(*path) << "rows").flush().good();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, std::vector<int>(kThreads, 0));
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST_F(ScratchFolderTest, FoldersOfDeadProcessesAreRemoved) {
  for (const char* name : {"tidemill-scratch-abcdef", "tidemill-scratch-abcdef-dead"}) {
    std::filesystem::create_directories(Path(name));
    std::ofstream(Path(std::string(name) + "/lock")) << "";
    std::ofstream(Path(std::string(name) + "/0")) << "rows";
  }
  ScratchFolder living(folder_);
  ASSERT_TRUE(living.NewPath().ok());
  ScratchFolder other(folder_);
  ASSERT_TRUE(other.NewPath().ok());
  std::vector<std::filesystem::path> left;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) left.push_back(entry);
  EXPECT_EQ(left.size(), 2u);
}

}  // namespace
}  // namespace tidemill
