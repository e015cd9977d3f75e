// Holds this checkout to the rules.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "tests/tidy/rules.h"

namespace understudy::testing {
namespace {

using ::testing::IsEmpty;

// Text that is ours and is no test's input.
bool IsRead(const std::string& name) {
  for (const char* suffix : {".h", ".cc", ".proto", ".txt", ".md", ".sh", ".yaml", ".json"}) {
    if (absl::EndsWith(name, suffix)) return true;
  }
  return name == "Makefile" || name == "Dockerfile" || name == "LICENSE";
}

bool IsSkipped(const std::filesystem::path& folder) {
  const std::string name = folder.filename().string();
  return absl::StartsWith(name, ".") || name == "build" || name == "corpus" || name == "testdata";
}

std::vector<SourceFile> ReadCheckout() {
  const std::filesystem::path root = UNDERSTUDY_CHECKOUT;
  std::vector<SourceFile> files;
  std::filesystem::recursive_directory_iterator it(root);
  for (; it != std::filesystem::recursive_directory_iterator(); ++it) {
    if (it->is_directory()) {
      if (IsSkipped(it->path())) it.disable_recursion_pending();
      continue;
    }
    if (!IsRead(it->path().filename().string())) continue;
    std::ifstream stream(it->path(), std::ios::binary);
    files.push_back({.path = it->path().lexically_relative(root).string(),
                     .text = std::string(std::istreambuf_iterator<char>(stream), {})});
  }
  std::sort(files.begin(), files.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
  return files;
}

TEST(TidyTest, TheCheckoutKeepsTheRules) {
  const std::vector<SourceFile> files = ReadCheckout();
  // Nothing found would be nothing broken.
  EXPECT_TRUE(std::any_of(files.begin(), files.end(), [](const SourceFile& file) {
    return file.path == "services/router/resolve/plan.cc";
  }));
  std::string all;
  for (const std::string& complaint : CheckSources(files)) all += "\n" + complaint;
  EXPECT_THAT(all, IsEmpty());
}

}  // namespace
}  // namespace understudy::testing
