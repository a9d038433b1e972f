#include "runner/work_folder.h"

#include <atomic>
#include <chrono>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>

#include "storage/test_files.h"

namespace tidemill {
namespace {

namespace fs = std::filesystem;

class WorkFolderTest : public FolderTest {
 protected:
  Location TableAt(const std::string& name) { return ParseLocation(Path(name)).ValueOrDie(); }

  void Put(const fs::path& path) {
    fs::create_directories(path.parent_path());
    std::ofstream(path) << "12345";
  }
};

TEST_F(WorkFolderTest, GoesWithAllThatIsInItAndWhatWasMadeForIt) {
  const Location work = WorkFolder::Of(TableAt("a/table"), "id");
  EXPECT_EQ(work.path, Path("a/table/_tidemill/work/id"));
  EXPECT_EQ(work.uri, work.path);
  {
    ASSERT_OK_AND_ASSIGN(const auto folder, WorkFolder::Create(work));
    Put(work.path + "/tiles");
  }
  EXPECT_FALSE(fs::exists(Path("a")));
  fs::create_directories(Path("a/table"));
  {
    ASSERT_OK_AND_ASSIGN(const auto folder, WorkFolder::Create(work));
    Put(Path("a/table/_tidemill/dates/d.json"));
  }
  EXPECT_TRUE(fs::exists(Path("a/table/_tidemill/dates/d.json")));
  EXPECT_FALSE(fs::exists(Path("a/table/_tidemill/work")));
}

TEST_F(WorkFolderTest, LeavesThoseOfOthersAlone) {
  const Location table = TableAt("table");
  ASSERT_OK_AND_ASSIGN(auto first, WorkFolder::Create(WorkFolder::Of(table, "1")));
  ASSERT_OK_AND_ASSIGN(auto second, WorkFolder::Create(WorkFolder::Of(table, "2")));
  first.reset();
  EXPECT_FALSE(fs::exists(Path("table/_tidemill/work/1")));
  EXPECT_TRUE(fs::exists(Path("table/_tidemill/work/2")));
  second.reset();
}

TEST_F(WorkFolderTest, GoesWhileATaskStillWrites) {
  ASSERT_OK_AND_ASSIGN(auto folder, WorkFolder::Create(WorkFolder::Of(TableAt("table"), "id")));
  const fs::path work = Path("table/_tidemill/work/id");
  std::atomic<bool> has_begun = false;
  std::thread task([&] {
    for (int file = 0; std::ofstream(work / std::to_string(file)); ++file) has_begun = true;
  });
  while (!has_begun) std::this_thread::yield();
  folder.reset();
  task.join();
  EXPECT_FALSE(fs::exists(Path("table/_tidemill/work")));
}

TEST_F(WorkFolderTest, VacuumTakesThoseOfDeadProcesses) {
  const Location table = TableAt("table");
  ASSERT_OK_AND_ASSIGN(const auto living, WorkFolder::Create(WorkFolder::Of(table, "living")));
  const fs::path root = Path("table/_tidemill/work");
  Put(root / "dead" / "lock");
  Put(root / "dead" / "tiles");
  fs::create_directories(root / "beginning");
  fs::create_directories(root / "begun");
  fs::last_write_time(root / "begun", fs::file_time_type::clock::now() - std::chrono::hours(2));
  for (const bool apply : {false, true}) {
    ASSERT_OK_AND_ASSIGN(auto leftovers, WorkLeftovers(table, apply));
    std::ranges::sort(leftovers, {}, &Leftover::path);
    ASSERT_EQ(leftovers.size(), 2u);
    EXPECT_EQ(leftovers[0].path, (root / "begun").string());
    EXPECT_EQ(leftovers[1].path, (root / "dead").string());
    EXPECT_EQ(leftovers[1].kind, "work folder");
    EXPECT_EQ(leftovers[1].bytes, 10);
    EXPECT_EQ(fs::exists(root / "dead"), !apply);
  }
  EXPECT_TRUE(fs::exists(root / "living"));
  EXPECT_TRUE(fs::exists(root / "beginning"));
  ASSERT_OK_AND_ASSIGN(const auto none, WorkLeftovers(TableAt("nothing"), true));
  EXPECT_TRUE(none.empty());
}

}  // namespace
}  // namespace tidemill
