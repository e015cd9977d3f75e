#include "tests/testing/temp_dir.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "tests/testing/require.h"

namespace understudy::testing {

TempDir::TempDir(TempMedium medium) {
  const char* parent = std::getenv("TMPDIR");
  if (medium == TempMedium::kMemory && std::filesystem::is_directory("/dev/shm")) {
    parent = "/dev/shm";
  }
  path_ = absl::StrCat(parent != nullptr ? parent : "/tmp", "/understudy.XXXXXX");
  Require(mkdtemp(path_.data()) != nullptr, "mkdtemp");
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TempDir::Write(absl::string_view name, absl::string_view contents) const {
  std::string path = absl::StrCat(path_, "/", name);
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(contents.data(), static_cast<std::streamsize>(contents.size()));
  file.close();
  Require(file.good(), "writing a temporary file");
  return path;
}

}  // namespace understudy::testing
