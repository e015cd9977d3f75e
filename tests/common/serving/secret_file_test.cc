#include "common/serving/secret_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>

#include "common/serving/strict_yaml.h"
#include "tests/testing/temp_dir.h"

namespace understudy::serving {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::TempDir;

TEST(SecretFileTest, WithoutTheLineEnd) {
  const TempDir folder;
  const struct {
    std::string content;
    std::string secret;
  } kCases[] = {
      {"s3cret", "s3cret"},
      {"s3cret\n", "s3cret"},
      {"s3cret\r\n\r\n", "s3cret"},
      {" two words \n", " two words "},
      {"a\nb\n", "a\nb"},
      {std::string(kMaxSecretFileBytes, 'x'), std::string(kMaxSecretFileBytes, 'x')},
  };
  for (const auto& c : kCases) {
    const absl::StatusOr<Secret> secret = ReadSecretFile(folder.Write("secret", c.content));
    ASSERT_TRUE(secret.ok()) << secret.status();
    EXPECT_EQ(secret->Reveal(), c.secret);
  }
}

TEST(SecretFileTest, NoSecretInIt) {
  const TempDir folder;
  const std::string pipe = folder.path() + "/pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const struct {
    std::string path;
    const char* why;
  } kCases[] = {
      {folder.Write("empty", ""), "is empty"},
      {folder.Write("line", "\n"), "is empty"},
      {folder.Write("long", std::string(kMaxSecretFileBytes + 1, 'x')), "longer than 4096 bytes"},
      {folder.path(), "not a regular file"},
      {pipe, "not a regular file"},  // and does not wait for a writer
      {folder.path() + "/absent", "No such file"},
  };
  for (const auto& c : kCases) {
    const absl::Status status = ReadSecretFile(c.path).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr(c.path), HasSubstr(c.why), Not(HasSubstr("xxx"))));
  }
}

}  // namespace
}  // namespace understudy::serving
