#include "tests/testing/temp_dir.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "gtest/gtest.h"

namespace understudy::testing {
namespace {

TEST(TempDirTest, HoldsFilesAndLeavesNothing) {
  std::string path;
  {
    const TempDir dir;
    path = dir.path();
    dir.Write("a", "old and longer");
    const std::string name = dir.Write("a", "new");
    std::ifstream file(name);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "new");
    EXPECT_NE(TempDir().path(), path);
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace understudy::testing
