#include "services/notifier/mail/directory_mailer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/testing/temp_dir.h"

namespace understudy::notifier {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::TempDir;

std::string Contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string((std::istreambuf_iterator<char>(file)), {});
}

std::set<std::string> NamesIn(const std::string& directory) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    names.insert(entry.path().filename().string());
  }
  return names;
}

OutgoingMail MailOf(const std::string& message_id, const std::string& bytes) {
  return {.recipient = "ops@example.com", .message_id = message_id, .bytes = bytes};
}

TEST(DirectoryMailerTest, AMailIsAFile) {
  const TempDir folder;
  DirectoryMailer mailer(folder.path() + "/mail");
  const std::string bytes("From: a@b\r\n\r\n\0x\r\n", 17);
  const SendResult result = mailer.Send(MailOf("g7.1@example.com", bytes));
  EXPECT_EQ(result.state, SendState::kAccepted);
  EXPECT_EQ(result.reason, SendReason::kNone);
  EXPECT_EQ(result.reply, folder.path() + "/mail/g7.1@example.com.eml");
  EXPECT_EQ(Contents(result.reply), bytes);
  EXPECT_THAT(NamesIn(folder.path() + "/mail"), ElementsAre("g7.1@example.com.eml"));
}

TEST(DirectoryMailerTest, SentAgainItReplacesItself) {
  const TempDir folder;
  DirectoryMailer mailer(folder.path());
  mailer.Send(MailOf("a@b", "first, and longer"));
  const SendResult result = mailer.Send(MailOf("a@b", "second"));
  EXPECT_EQ(result.state, SendState::kAccepted);
  EXPECT_EQ(Contents(result.reply), "second");
  EXPECT_THAT(NamesIn(folder.path()), ElementsAre("a@b.eml"));
}

TEST(DirectoryMailerTest, TheFolderMayComeAndGo) {
  const TempDir folder;
  DirectoryMailer mailer(folder.path() + "/mail");
  EXPECT_EQ(mailer.Send(MailOf("a@b", "x")).state, SendState::kAccepted);
  std::filesystem::remove_all(folder.path() + "/mail");
  EXPECT_EQ(mailer.Send(MailOf("c@d", "y")).state, SendState::kAccepted);
  EXPECT_THAT(NamesIn(folder.path() + "/mail"), ElementsAre("c@d.eml"));
}

TEST(DirectoryMailerTest, SaysWhyItCannotWrite) {
  const TempDir folder;
  const std::string file = folder.Write("file", "");
  const struct {
    std::string directory;
    const char* why;
  } kCases[] = {
      {folder.path() + "/no/such", "No such file or directory"},
      {file, "Not a directory"},
      {"/proc", "/proc"},
  };
  for (const auto& c : kCases) {
    DirectoryMailer mailer(c.directory);
    const SendResult result = mailer.Send(MailOf("a@b", "x"));
    EXPECT_EQ(result.state, SendState::kTemporary) << c.directory;
    EXPECT_EQ(result.reason, SendReason::kCannotWrite);
    EXPECT_TRUE(result.server_failed);
    EXPECT_THAT(result.detail, HasSubstr(c.why));
  }
}

// The disk is full in the middle of a mail: the one that was there stays whole, nothing is left.
TEST(DirectoryMailerTest, AFullDiskLeavesNothingBehind) {
  const TempDir folder;
  DirectoryMailer mailer(folder.path());
  const SendResult whole = mailer.Send(MailOf("a@b", "whole"));

  rlimit before = {};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto signal_before = signal(SIGXFSZ, SIG_IGN);
  const rlimit little = {.rlim_cur = 1000, .rlim_max = before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &little);
  const SendResult fits = mailer.Send(MailOf("fits", std::string(1000, 'x')));
  const SendResult cut = mailer.Send(MailOf("a@b", std::string(1001, 'x')));
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, signal_before);

  EXPECT_EQ(fits.state, SendState::kAccepted);
  EXPECT_EQ(cut.reason, SendReason::kCannotWrite);
  EXPECT_THAT(cut.detail, HasSubstr("File too large"));
  EXPECT_EQ(Contents(whole.reply), "whole");
  EXPECT_THAT(NamesIn(folder.path()), ElementsAre("a@b.eml", "fits.eml"));
}

TEST(DirectoryMailerTest, NamesStayInTheFolder) {
  const TempDir folder;
  DirectoryMailer mailer(folder.path() + "/mail");
  const std::string kIds[] = {
      "../../escaped", "/etc/escaped",         "a/b", "", ".", "..", ".hidden", "a\nb",
      "\xC3\xA9",      std::string("nul\0", 4)};
  for (const std::string& id : kIds) {
    EXPECT_EQ(mailer.Send(MailOf(id, "x")).state, SendState::kAccepted) << id;
  }
  EXPECT_THAT(NamesIn(folder.path()), ElementsAre("mail"));
  EXPECT_EQ(NamesIn(folder.path() + "/mail").size(), std::size(kIds));
}

TEST(MailFileNameTest, Table) {
  const std::string x196(196, 'x');
  const struct {
    std::string id;
    std::string name;
  } kCases[] = {
      {"g7.1@example.com", "g7.1@example.com.eml"},
      {"A-Za_z0+9", "A-Za_z0+9.eml"},
      {x196, x196 + ".eml"},
      {x196 + "x", std::string(179, 'x') + "-6e29b651b06e2d2b.eml"},
      {"", "-e3b0c44298fc1c14.eml"},
      {".a", "_a-36797c3aba1ef6ae.eml"},
  };
  for (const auto& c : kCases) {
    const std::string name = MailFileName(c.id);
    EXPECT_LE(name.size(), kMaxMailFileNameBytes);
    EXPECT_EQ(name, c.name) << c.id;
  }
  // Changed alike or cut alike, and yet two names.
  EXPECT_NE(MailFileName("a/b"), MailFileName("a?b"));
  EXPECT_NE(MailFileName(x196 + "12"), MailFileName(x196 + "13"));
}

TEST(SendReasonTest, EachHasANameThatOperatorsCanLookUp) {
  const std::string page = Contents("docs/mail.md");
  std::set<std::string> names;
  for (int i = 0; i < kSendReasons; ++i) {
    const std::string name = SendReasonName(static_cast<SendReason>(i));
    EXPECT_TRUE(names.insert(name).second) << name;
    if (static_cast<SendReason>(i) == SendReason::kNone) continue;
    EXPECT_THAT(page, HasSubstr(absl::StrCat("\n| `", name, "` | ")));
  }
}

}  // namespace
}  // namespace understudy::notifier
