#include "tests/testing/golden.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace understudy::testing {

void ExpectGolden(const std::string& name, absl::string_view text) {
  const std::string path = "tests/golden/" + name;
  if (const char* rewrite = std::getenv("UNDERSTUDY_REWRITE_GOLDEN");
      rewrite != nullptr && absl::string_view(rewrite) == "1") {
    std::ofstream file(path, std::ios::binary);
    file << text;
    ASSERT_TRUE(file.good()) << path;
    return;
  }
  std::ifstream file(path, std::ios::binary);
  ASSERT_TRUE(file.good()) << path << " cannot be read";
  std::ostringstream golden;
  golden << file.rdbuf();
  EXPECT_EQ(std::string(text), golden.str()) << "differs from " << path;
}

}  // namespace understudy::testing
